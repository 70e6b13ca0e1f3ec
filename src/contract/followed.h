/*
 * followed.h
 *	  Rows of a copy in front of the contracts that their origin has recorded.
 */
#ifndef SC_CONTRACT_FOLLOWED_H
#define SC_CONTRACT_FOLLOWED_H

#include "postgres.h"

#include "contract/followed_state.h"
#include "contract/table_rules.h"
#include "utils/rel.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

typedef struct ScFollowed ScFollowed;

/*
 * The rules that the table has or had, in the current memory context; NULL
 * when it has had none.  Under the snapshot stand the blocks before the one to be judged:
 * rules that come new get their state from the rows of those.  Errors when a rule
 * cannot be called here as it was activated.
 */
extern ScFollowed *sc_followed_begin(Relation rel, int32 table_id, ScFollowedState *state, Snapshot snapshot);

/* a row of the block */
typedef struct ScFollowedRow
{
	const Datum *values;
	const bool *nulls;
	int64		ledger_seq;
	bool		timed;			/* its acceptance time is recorded */
	TimestampTz time;
} ScFollowedRow;

/*
 * Judges the row by the rules in force at its time, and lets it take effect.
 * NULL, or the rule that refuses it, with *why a sentence palloc'd.
 */
extern const ScTableRule *sc_followed_judge(ScFollowed *followed, const ScFollowedRow *row, char **why);

#endif							/* SC_CONTRACT_FOLLOWED_H */
