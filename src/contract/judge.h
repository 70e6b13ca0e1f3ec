/*
 * judge.h
 *	  Rows in front of the rules of one or more versions, with state in memory.
 *
 * The same arithmetic as the insert path, without its tables and locks:
 * test cases, rehearsals and replays.
 */
#ifndef SC_CONTRACT_JUDGE_H
#define SC_CONTRACT_JUDGE_H

#include "postgres.h"

#include "contract/bind.h"
#include "utils/timestamp.h"

typedef struct ScJudge ScJudge;

/* lives as long as the current memory context */
extern ScJudge *sc_judge_new(void);

/* the rules of a version, which judge rows accepted in [from, until) */
extern void sc_judge_add(ScJudge *judge, const ScBound *bound, TimestampTz from, TimestampTz until);

/* forgets all state */
extern void sc_judge_reset(ScJudge *judge);

/* the tables that have rules: List of ScBoundTable *, each once */
extern List *sc_judge_tables(const ScJudge *judge);

/* does a rule look at the column at this place of the table's columns? */
extern bool sc_judge_needs(const ScJudge *judge, const ScBoundTable *table, int column);

typedef struct ScJudgeRow
{
	const ScBoundTable *table;
	const char *const *texts;	/* by place in table->columns, NULL for null */
	TimestampTz time;
	bool		untimed;		/* accepted before the table had acceptance times, so before any rule was in force on it */
	int64		ledger_seq;
	bool		stands;			/* the row is in the ledger: it takes effect also when it is refused */
	bool		unjudged;		/* only its effect is wanted */
} ScJudgeRow;

typedef struct ScVerdict
{
	const ScDefinition *definition; /* whose rule refuses; NULL: the row is accepted */
	const char *rule;
	const ScRuleProblem *problem;	/* valid until the next row */
} ScVerdict;

extern ScVerdict sc_judge_row(ScJudge *judge, const ScJudgeRow *row);

/* appends "accepted" (quoted), or the refusal's canonical JSON: the problem's members and the rule's name */
extern void sc_judge_answer(ScBuf *buf, const ScVerdict *verdict);

#endif							/* SC_CONTRACT_JUDGE_H */
