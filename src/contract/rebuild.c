/*
 * rebuild.c
 *	  Making the state of a table's rules anew from its rows.
 *
 * Invariant: afterwards the stored state is what the rows say.  Only what
 * differs is written, so a rebuild of good state costs reading.
 * Locks: ShareRowExclusiveLock on the ledger table, which keeps every writer
 * of its rules' state out, to the end of the transaction.
 */
#include "postgres.h"

#include "contract/rebuild.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/xact.h"
#include "contract/fold.h"
#include "contract/state.h"
#include "fmgr.h"
#include "ledger/registry.h"
#include "ledger/target.h"
#include "miscadmin.h"
#include "seal/block.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_rebuild_state_sql);

/* new keys that are written at once */
#define BATCH 200

/* differences are written once the comparison has read everything */
typedef struct Changes
{
	int64		n;
	int64		capacity;
	ScStateDifference *items;
} Changes;

static void
note_difference(void *arg, const ScStateDifference *difference)
{
	Changes    *changes = arg;
	ScStateDifference *item;

	if (changes->n == changes->capacity)
	{
		changes->capacity = Max(1024, 2 * changes->capacity);
		changes->items = changes->items ? repalloc_huge(changes->items, changes->capacity * sizeof(ScStateDifference)) :
			MemoryContextAllocHuge(CurrentMemoryContext, changes->capacity * sizeof(ScStateDifference));
	}
	item = &changes->items[changes->n++];
	*item = *difference;
	item->key = pstrdup(difference->key);
	item->expected = difference->expected ? pstrdup(difference->expected) : NULL;
	item->found = difference->found ? pstrdup(difference->found) : NULL;
}

/* in the order of the index, which is filled fastest so */
static int
compare_changes(const void *a, const void *b)
{
	const ScStateDifference *x = a;
	const ScStateDifference *y = b;

	if (x->rule->rule_id != y->rule->rule_id)
		return x->rule->rule_id < y->rule->rule_id ? -1 : 1;
	return strcmp(x->key, y->key);
}

static void
apply_change(ScState *state, const ScStateDifference *change)
{
	ScStateKey	key = {.rule_id = change->rule->rule_id,.key = change->key,.sums = true};

	sc_state_lock(state, &key);
	if (change->expected != NULL)
		sc_state_put(state, &key, change->expected);
	else
		sc_state_remove(state, &key);
}

/* writes new keys, as many as stand together and go into one batch; returns how many those were */
static int64
insert_batch(ScState *state, const ScStateDifference *changes, int64 n)
{
	ScStateRow	rows[BATCH];
	int			nrows = 0;

	while (nrows < Min(n, BATCH) && !changes[nrows].stored)
	{
		const ScStateDifference *change = &changes[nrows];

		rows[nrows++] = (ScStateRow) {change->rule->rule_id, change->key, change->expected};
	}
	sc_state_insert(state, rows, nrows);
	return nrows;
}

static void
apply_changes(ScState *state, Changes *changes)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain state change", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	if (changes->n > 0)
		qsort(changes->items, changes->n, sizeof(ScStateDifference), compare_changes);
	for (int64 i = 0; i < changes->n;)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(context);
		if (!changes->items[i].stored)
			i += insert_batch(state, &changes->items[i], changes->n - i);
		else
			apply_change(state, &changes->items[i++]);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

int64
sc_rebuild_state(Relation rel, int32 table_id)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain rebuild", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	const ScTableRules *rules = sc_table_rules(rel, table_id);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Changes		changes = {0};
	ScFold	   *fold = sc_fold_table(rel, rules, snapshot);
	int64		nrows = fold->nrows;
	ScState		state;

	sc_fold_compare(fold, snapshot, note_difference, &changes);
	UnregisterSnapshot(snapshot);
	sc_state_open(&state);
	apply_changes(&state, &changes);
	for (int i = 0; i < rules->nended; i++)
		sc_state_forget(&state, rules->ended[i]);
	sc_state_close(&state);
	CommandCounterIncrement();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return nrows;
}

/*
 * seoulchain.rebuild_state(relation regclass) -> bigint
 *
 * Makes what the table's rules keep anew from its rows, and returns how many
 * rows those are.  Writers of the table wait.  Privileges: seoulchain_operator.
 */
Datum
sc_rebuild_state_sql(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Relation	rel = table_open(relid, ShareRowExclusiveLock);
	const ScLedgerTable *table = sc_ledger_by_relation(relid, false);
	ScTarget	target;
	int64		nrows;

	/* what rules of a copy keep is written with its blocks */
	if (sc_target_find(rel, &target) && target.copy)
		sc_chain_lock(target.chain_id);
	nrows = sc_rebuild_state(rel, table->table_id);
	table_close(rel, NoLock);
	PG_RETURN_INT64(nrows);
}
