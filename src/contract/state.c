/*
 * state.c
 *	  What rules keep, written by the insert path.
 *
 * Invariant: a key has at most one live row in rule_state, and whoever
 * changes that row, or takes deltas of the key away, holds its lock.  So what
 * is read after the lock is the newest there is, at every isolation level:
 * rows are read as they are, not as a snapshot saw them.
 * Locks: the key's row (a tuple lock or the inserter's own xid), to the end of
 * the transaction; waits are seen by the deadlock detector.
 * Effects: rows written below SQL, with the transaction of the caller.
 * See: RelationFindReplTupleByIndex, ExecInsert's speculative loop.
 */
#include "postgres.h"

#include "contract/state.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "compat.h"
#include "core/buf.h"
#include "core/decimal.h"
#include "executor/tuptable.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* both tables: rule_id, key, and value or amount */
#define ATTR_RULE_ID 1
#define ATTR_KEY 2
#define ATTR_VALUE 3
#define NATTS 3

typedef enum Found
{
	FOUND_LOCKED,				/* the key is ours */
	FOUND_NOTHING,				/* nobody has a row for it */
	FOUND_BUSY					/* somebody had it, or it moved: look again */
} Found;

typedef struct KeyScan
{
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ScanKeyData keys[2];
} KeyScan;

void
sc_state_open(ScState *state)
{
	*state = (ScState) {0};
}

static void
close_table(ScStateTable *table)
{
	if (table->index != NULL)
		index_close(table->index, NoLock);
	if (table->rel != NULL)
		table_close(table->rel, NoLock);
}

void
sc_state_close(ScState *state)
{
	close_table(&state->deltas);
	close_table(&state->values);
}

/* the table, opened */
static Relation
open_rel(ScStateTable *table, const char *name)
{
	if (table->rel == NULL)
		table->rel = sc_registry_open(name, RowExclusiveLock);
	return table->rel;
}

/* and its index, for reading */
static ScStateTable *
open_index(ScStateTable *table, const char *name)
{
	if (table->index == NULL)
		table->index = index_open(sc_registry_relation(name), RowExclusiveLock);
	return table;
}

static Relation
values_rel(ScState *state)
{
	return open_rel(&state->values, "rule_state");
}

static ScStateTable *
values_table(ScState *state)
{
	(void) values_rel(state);
	return open_index(&state->values, "rule_state_key");
}

static Relation
deltas_rel(ScState *state)
{
	return open_rel(&state->deltas, "rule_delta");
}

static ScStateTable *
deltas_table(ScState *state)
{
	(void) deltas_rel(state);
	return open_index(&state->deltas, "rule_delta_key");
}

/* false when another row has the key: only where the check is UNIQUE_CHECK_PARTIAL */
static bool
index_row(ScStateTable *table, Datum *values, bool *nulls, ItemPointer tid, IndexUniqueCheck check)
{
	if (table->index_info == NULL)
		table->index_info = BuildIndexInfo(table->index);
	return index_insert(table->index, values, nulls, tid, table->rel, check, false, table->index_info);
}

static void
begin_scan(KeyScan *scan, const ScStateTable *table, Snapshot snapshot, int32 rule_id, const char *key)
{
	ScanKeyInit(&scan->keys[0], ATTR_RULE_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(rule_id));
	ScanKeyInit(&scan->keys[1], ATTR_KEY, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(key));
	scan->slot = table_slot_create(table->rel, NULL);
	scan->scan = sc_index_beginscan(table->rel, table->index, snapshot, 2, 0);
	index_rescan(scan->scan, scan->keys, 2, NULL, 0);
}

static void
end_scan(KeyScan *scan)
{
	index_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->slot);
}

/* the third column as a palloc'd text, NULL for null */
static const char *
slot_text(TupleTableSlot *slot)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, ATTR_VALUE, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* written by the transaction itself, in a savepoint that still stands or outside of any? */
static bool
is_own(HeapTuple tuple)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
}

/* by the present command?  Then a later command has to begin before it can be changed. */
static bool
is_fresh(HeapTuple tuple)
{
	return is_own(tuple) && HeapTupleHeaderGetCmin(tuple->t_data) >= GetCurrentCommandId(false);
}

/* what the present command wrote can be changed after this */
static void
age(bool *fresh)
{
	if (*fresh)
		CommandCounterIncrement();
	*fresh = false;
}

/* locks the row that the scan stands on, which others have committed */
static Found
lock_row(ScState *state, ScStateKey *key)
{
	HeapTupleData tuple = {.t_self = key->tid};
	TM_FailureData failure;
	Buffer		buffer;
	TM_Result	result;

	result = heap_lock_tuple(values_rel(state), &tuple, GetCurrentCommandId(true), LockTupleNoKeyExclusive, LockWaitBlock,
							 false, &buffer, &failure);
	ReleaseBuffer(buffer);
	return result == TM_Ok ? FOUND_LOCKED : FOUND_BUSY;
}

/* takes the row's values over; waits and says FOUND_BUSY when somebody else is at it */
static Found
take_row(ScState *state, ScStateKey *key, KeyScan *scan, const SnapshotData *dirty, TransactionId *wait)
{
	bool		free_it;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(scan->slot, false, &free_it);

	key->tid = scan->slot->tts_tid;
	*wait = TransactionIdIsValid(dirty->xmin) ? dirty->xmin : dirty->xmax;
	if (TransactionIdIsValid(*wait))
		return FOUND_BUSY;
	key->value = slot_text(scan->slot);
	key->fresh = is_fresh(tuple);
	return is_own(tuple) ? FOUND_LOCKED : lock_row(state, key);
}

/*
 * Looks for the key's row and locks it.  A dirty scan can miss a row that
 * moves to another page at this moment: then the insert below meets it.
 */
static Found
find_and_lock(ScState *state, ScStateKey *key)
{
	TransactionId wait = InvalidTransactionId;
	SnapshotData dirty;
	Found		found = FOUND_NOTHING;
	KeyScan		scan;

	InitDirtySnapshot(dirty);
	begin_scan(&scan, values_table(state), &dirty, key->rule_id, key->key);
	if (index_getnext_slot(scan.scan, ForwardScanDirection, scan.slot))
		found = take_row(state, key, &scan, &dirty, &wait);
	end_scan(&scan);
	if (TransactionIdIsValid(wait))
		XactLockTableWait(wait, values_rel(state), &key->tid, XLTW_Lock);
	return found;
}

static void
fill_row(int32 rule_id, const char *key, const char *value, Datum *values, bool *nulls)
{
	values[ATTR_RULE_ID - 1] = Int32GetDatum(rule_id);
	values[ATTR_KEY - 1] = CStringGetTextDatum(key);
	values[ATTR_VALUE - 1] = value ? CStringGetTextDatum(value) : (Datum) 0;
	nulls[ATTR_RULE_ID - 1] = nulls[ATTR_KEY - 1] = false;
	nulls[ATTR_VALUE - 1] = value == NULL;
}

static HeapTuple
form_row(Relation rel, int32 rule_id, const char *key, const char *value, Datum *values, bool *nulls)
{
	fill_row(rule_id, key, value, values, nulls);
	return heap_form_tuple(RelationGetDescr(rel), values, nulls);
}

/*
 * Inserts the row that holds the key.  Two who do so at once both have a
 * tuple, but only one is first in the index; the other takes its own back.
 */
static Found
insert_row(ScState *state, ScStateKey *key)
{
	Datum		values[NATTS];
	bool		nulls[NATTS];
	HeapTuple	tuple = form_row(values_rel(state), key->rule_id, key->key, NULL, values, nulls);
	bool		first;

	simple_heap_insert(values_rel(state), tuple);
	first = index_row(values_table(state), values, nulls, &tuple->t_self, UNIQUE_CHECK_PARTIAL);
	if (!first)
	{
		CommandCounterIncrement();
		simple_heap_delete(values_rel(state), &tuple->t_self);
		return FOUND_BUSY;
	}
	key->tid = tuple->t_self;
	key->value = NULL;
	key->fresh = true;
	return FOUND_LOCKED;
}

void
sc_state_lock(ScState *state, ScStateKey *key)
{
	for (;;)
	{
		Found		found = find_and_lock(state, key);

		if (found == FOUND_NOTHING)
			found = insert_row(state, key);
		if (found == FOUND_LOCKED)
			break;
		CHECK_FOR_INTERRUPTS();
	}
	key->summed = !key->sums;
	key->deltas = NIL;
	key->fresh_delta = false;
}

bool
sc_state_peek(ScState *state, int32 rule_id, const char *key, const char **value)
{
	KeyScan		scan;
	bool		found;

	begin_scan(&scan, values_table(state), SnapshotSelf, rule_id, key);
	found = index_getnext_slot(scan.scan, ForwardScanDirection, scan.slot);
	*value = found ? slot_text(scan.slot) : NULL;
	end_scan(&scan);
	return found;
}

/* one more place in the list */
static List *
append_place(List *places, ItemPointer tid)
{
	ItemPointer place = palloc(sizeof(ItemPointerData));

	*place = *tid;
	return lappend(places, place);
}

const char *
sc_state_sum(const char *value, const char *amount)
{
	static ScBuf sum = SC_BUF_INIT;

	sc_buf_reset(&sum);
	sc_decimal_add(&sum, value ? value : "0", amount);
	if (sc_buf_cstr(&sum) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed on the state of a rule.")));
	return pstrdup(sum.data);
}

/* adds what others and we have added to the key up to now */
static void
sum_deltas(ScState *state, ScStateKey *key)
{
	KeyScan		scan;

	begin_scan(&scan, deltas_table(state), SnapshotSelf, key->rule_id, key->key);
	while (index_getnext_slot(scan.scan, ForwardScanDirection, scan.slot))
	{
		bool		free_it;

		CHECK_FOR_INTERRUPTS();
		key->value = sc_state_sum(key->value, slot_text(scan.slot));
		key->deltas = append_place(key->deltas, &scan.slot->tts_tid);
		key->fresh_delta |= is_fresh(ExecFetchSlotHeapTuple(scan.slot, false, &free_it));
	}
	end_scan(&scan);
	key->summed = true;
}

const char *
sc_state_get(ScState *state, ScStateKey *key)
{
	if (!key->summed)
		sum_deltas(state, key);
	return key->value;
}

/* what is in the value now is not to be added again */
static void
delete_deltas(ScState *state, ScStateKey *key)
{
	ListCell   *cell;

	age(&key->fresh_delta);
	foreach(cell, key->deltas)
		simple_heap_delete(deltas_rel(state), lfirst(cell));
	key->deltas = NIL;
}

void
sc_state_put(ScState *state, ScStateKey *key, const char *value)
{
	Datum		values[NATTS];
	bool		nulls[NATTS];
	HeapTuple	tuple = form_row(values_rel(state), key->rule_id, key->key, value, values, nulls);

	(void) sc_state_get(state, key);
	age(&key->fresh);
	sc_simple_heap_update(values_rel(state), &key->tid, tuple);
	if (!HeapTupleIsHeapOnly(tuple))
		index_row(values_table(state), values, nulls, &tuple->t_self, UNIQUE_CHECK_YES);
	key->tid = tuple->t_self;
	key->fresh = true;
	key->value = pstrdup(value);
	delete_deltas(state, key);
}

void
sc_state_add(ScState *state, int32 rule_id, const char *key, const char *amount)
{
	Datum		values[NATTS];
	bool		nulls[NATTS];
	HeapTuple	tuple = form_row(deltas_rel(state), rule_id, key, amount, values, nulls);

	simple_heap_insert(deltas_rel(state), tuple);
	index_row(deltas_table(state), values, nulls, &tuple->t_self, UNIQUE_CHECK_NO);
}

void
sc_state_insert(ScState *state, const ScStateRow *rows, int nrows)
{
	ScStateTable *table = values_table(state);
	TupleTableSlot **slots = palloc(nrows * sizeof(TupleTableSlot *));

	for (int i = 0; i < nrows; i++)
	{
		slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(table->rel), &TTSOpsVirtual);
		fill_row(rows[i].rule_id, rows[i].key, rows[i].value, slots[i]->tts_values, slots[i]->tts_isnull);
		ExecStoreVirtualTuple(slots[i]);
	}
	heap_multi_insert(table->rel, slots, nrows, GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < nrows; i++)
	{
		index_row(table, slots[i]->tts_values, slots[i]->tts_isnull, &slots[i]->tts_tid, UNIQUE_CHECK_YES);
		ExecDropSingleTupleTableSlot(slots[i]);
	}
}

void
sc_state_remove(ScState *state, ScStateKey *key)
{
	(void) sc_state_get(state, key);
	age(&key->fresh);
	simple_heap_delete(values_rel(state), &key->tid);
	delete_deltas(state, key);
}

/* deletes every row of the rule in one of the two tables */
static void
forget_in(const ScStateTable *table, int32 rule_id)
{
	TupleTableSlot *slot = table_slot_create(table->rel, NULL);
	IndexScanDesc scan = sc_index_beginscan(table->rel, table->index, SnapshotSelf, 1, 0);
	ScanKeyData key;

	ScanKeyInit(&key, ATTR_RULE_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(rule_id));
	index_rescan(scan, &key, 1, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		simple_heap_delete(table->rel, &slot->tts_tid);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

void
sc_state_forget(ScState *state, int32 rule_id)
{
	CommandCounterIncrement();
	forget_in(values_table(state), rule_id);
	forget_in(deltas_table(state), rule_id);
}
