/*
 * fold.h
 *	  What a table's rules keep, computed from its rows alone.
 */
#ifndef SC_CONTRACT_FOLD_H
#define SC_CONTRACT_FOLD_H

#include "postgres.h"

#include "contract/table_rules.h"
#include "utils/snapshot.h"

typedef struct ScFold
{
	const ScTableRules *rules;
	ScRuleMemory *states;		/* one for each rule */
	int64		nrows;
} ScFold;

/*
 * The effects of every row of the snapshot, in the order of ledger_seq.  Of a
 * copy's table, whose rules' state follows the blocks, only those rows count
 * that are in one.  All is freed with the current memory context.
 */
extern ScFold *sc_fold_table(Relation rel, const ScTableRules *rules, Snapshot snapshot);

/* one difference between what a rule keeps and what its table's rows say */
typedef struct ScStateDifference
{
	const ScTableRule *rule;
	const char *key;
	const char *expected;		/* NULL: nothing */
	const char *found;			/* NULL: nothing */
	bool		stored;			/* the key has a row, or was added to */
} ScStateDifference;

/*
 * Compares the stored state with the fold's, both under the snapshot; calls
 * back for each difference.  Takes from the fold what it has compared.
 */
extern void sc_fold_compare(ScFold *fold, Snapshot snapshot, void (*differs) (void *arg, const ScStateDifference *difference),
							void *arg);

#endif							/* SC_CONTRACT_FOLD_H */
