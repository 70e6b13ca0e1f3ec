/*
 * verify_load.c
 *	  Reading the registry and the extension's own tables for verify().
 *
 * The extension's tables are read like ledger tables: page by page without
 * their indexes, every tuple checked before it is taken apart.
 *
 * Invariant: registry, blocks, tree, journal and rows are read with one
 * snapshot, taken after every ledger table that it knows was locked, so that
 * no table is rewritten or dropped under the run.
 * Locks: AccessShareLock on the registry and on every ledger table, to the
 * end of the transaction.
 */
#include "postgres.h"

#include "proof/verify_rotation.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "seal/key_history.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

Relation
sc_verify_open(const char *name)
{
	Oid			relid = sc_registry_relation(name);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table seoulchain.%s does not exist", name),
				 errhint("Run CREATE EXTENSION seoulchain, or restore the database from a backup.")));
	return table_open(relid, AccessShareLock);
}

/* a scan of one of the extension's own tables */
typedef struct OwnScan
{
	ScVerify   *v;
	void		(*row) (void *arg, ScScan *scan);
	void	   *arg;
} OwnScan;

/* a damaged row of our own table */
static void
own_bad(void *arg, ScScan *scan, ScScanFault kind, const char *message)
{
	static const char *const registry[] = {"chain", "ledger", "ledger_column"};
	OwnScan    *own = arg;
	ScFault		fault = sc_verify_fault(NULL, kind == SC_SCAN_BAD_PAGE ?
										SC_FAULT_PAGE_UNREADABLE : SC_FAULT_ROW_UNREADABLE);

	fault.relation = RelationGetRelid(scan->rel);
	sc_faults_add(own->v->faults, &fault);
	for (size_t i = 0; i < lengthof(registry); i++)
	{
		if (strcmp(RelationGetRelationName(scan->rel), registry[i]) == 0)
			own->v->registry_damaged = true;
	}
	ereport(WARNING,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("block %u of \"seoulchain.%s\" is damaged", scan->block, RelationGetRelationName(scan->rel)),
			 errdetail_internal("%s", message)));
}

/* hands a row on unless a column that may not be NULL is */
static void
own_row(void *arg, ScScan *scan)
{
	OwnScan    *own = arg;
	TupleDesc	tupdesc = RelationGetDescr(scan->rel);

	if (scan->ghost)
		return;
	for (int i = 0; i < tupdesc->natts; i++)
	{
		if (scan->nulls[i] && TupleDescAttr(tupdesc, i)->attnotnull)
		{
			own_bad(arg, scan, SC_SCAN_BAD_TUPLE, "a column without NULL has one");
			return;
		}
	}
	own->row(own->arg, scan);
}

void
sc_verify_scan(ScVerify *v, Relation rel, void (*row) (void *arg, ScScan *scan), void *arg)
{
	static const ScScanCallbacks callbacks = {own_row, own_bad, NULL};
	OwnScan		own = {v, row, arg};

	sc_scan_run(rel, v->snapshot, &callbacks, &own);
}

/* a text column, or NULL; palloc'd in the run's context */
static char *
text_column(ScVerify *v, ScScan *scan, AttrNumber attno)
{
	if (scan->nulls[attno - 1])
		return NULL;
	return MemoryContextStrdup(v->context, TextDatumGetCString(scan->values[attno - 1]));
}

/* one row of seoulchain.chain */
static void
chain_row(void *arg, ScScan *scan)
{
	ScVerify   *v = arg;
	ScVerifyChain *chain = MemoryContextAllocZero(v->context, sizeof(ScVerifyChain));
	MemoryContext caller;

	chain->chain_id = DatumGetInt32(scan->values[SC_CHAIN_ATTR_ID - 1]);
	chain->registered = true;
	chain->name = text_column(v, scan, SC_CHAIN_ATTR_NAME);
	chain->origin = text_column(v, scan, SC_CHAIN_ATTR_ORIGIN);
	chain->log_key = text_column(v, scan, SC_CHAIN_ATTR_LOG_KEY);
	chain->sequence = DatumGetObjectId(scan->values[SC_CHAIN_ATTR_SEQUENCE - 1]);
	chain->copy = DatumGetBool(scan->values[SC_CHAIN_ATTR_COPY - 1]);
	caller = MemoryContextSwitchTo(v->context);
	if (chain->copy && chain->origin != NULL)
		chain->cosigner_key = sc_copy_cosigner_key(chain->origin, v->snapshot);
	v->chains = lappend(v->chains, chain);
	MemoryContextSwitchTo(caller);
}

/* one row of seoulchain.ledger */
static void
table_row(void *arg, ScScan *scan)
{
	ScVerify   *v = arg;
	ScVerifyTable *table = MemoryContextAllocZero(v->context, sizeof(ScVerifyTable));
	MemoryContext caller;

	table->table_id = DatumGetInt32(scan->values[SC_LEDGER_ATTR_ID - 1]);
	table->chain_id = DatumGetInt32(scan->values[SC_LEDGER_ATTR_CHAIN_ID - 1]);
	table->relid = DatumGetObjectId(scan->values[SC_LEDGER_ATTR_RELATION - 1]);
	table->ledger_name = text_column(v, scan, SC_LEDGER_ATTR_NAME);
	table->joined_seq = DatumGetInt64(scan->values[SC_LEDGER_ATTR_JOINED_SEQ - 1]);
	if (!scan->nulls[SC_LEDGER_ATTR_DROPPED_SEQ - 1])
		table->dropped_seq = DatumGetInt64(scan->values[SC_LEDGER_ATTR_DROPPED_SEQ - 1]);
	if (!scan->nulls[SC_LEDGER_ATTR_TIME_SEQ - 1])
		table->time_seq = DatumGetInt64(scan->values[SC_LEDGER_ATTR_TIME_SEQ - 1]);
	caller = MemoryContextSwitchTo(v->context);
	v->tables = lappend(v->tables, table);
	MemoryContextSwitchTo(caller);
}

/* one row of seoulchain.node: name, cosigner_key */
static void
node_row(void *arg, ScScan *scan)
{
	ScVerify   *v = arg;

	v->cosigner_key = text_column(v, scan, 2);
}

/* order of two tables by table_id */
static int
compare_tables(const ListCell *a, const ListCell *b)
{
	int32		left = ((const ScVerifyTable *) lfirst(a))->table_id;
	int32		right = ((const ScVerifyTable *) lfirst(b))->table_id;

	return left < right ? -1 : left > right;
}

/* order of two chains by chain_id */
static int
compare_chains(const ListCell *a, const ListCell *b)
{
	int32		left = ((const ScVerifyChain *) lfirst(a))->chain_id;
	int32		right = ((const ScVerifyChain *) lfirst(b))->chain_id;

	return left < right ? -1 : left > right;
}

/* scans a table of the registry by name */
static void
scan_named(ScVerify *v, const char *name, void (*row) (void *arg, ScScan *scan))
{
	Relation	rel = sc_verify_open(name);

	sc_verify_scan(v, rel, row, v);
	table_close(rel, NoLock);
}

/* locks a table not locked yet; true when there was one */
static bool
lock_tables(ScVerify *v, List **locked)
{
	bool		any = false;
	ListCell   *cell;

	foreach(cell, v->tables)
	{
		const ScVerifyTable *table = lfirst(cell);

		if (!OidIsValid(table->relid) || list_member_oid(*locked, table->relid))
			continue;
		LockRelationOid(table->relid, AccessShareLock);
		*locked = lappend_oid(*locked, table->relid);
		any = true;
	}
	return any;
}

/* takes a snapshot that is not older than the locks on every table it knows */
static void
take_snapshot(ScVerify *v)
{
	List	   *locked = NIL;

	for (;;)
	{
		v->tables = NIL;
		v->snapshot = RegisterSnapshot(GetLatestSnapshot());
		scan_named(v, "ledger", table_row);
		if (!lock_tables(v, &locked))
			break;
		/* what was found may be told again by the next, final round */
		sc_faults_end(v->faults);
		v->faults = sc_faults_begin();
		UnregisterSnapshot(v->snapshot);
	}
	list_sort(v->tables, compare_tables);
}

/* sorts the chains; one that stands there twice is a fault and counts once */
static void
sort_chains(ScVerify *v)
{
	List	   *sorted = NIL;
	ListCell   *cell;

	list_sort(v->chains, compare_chains);
	foreach(cell, v->chains)
	{
		ScVerifyChain *chain = lfirst(cell);

		if (sorted != NIL && ((ScVerifyChain *) llast(sorted))->chain_id == chain->chain_id)
		{
			ScFault		fault = sc_verify_fault(chain, SC_FAULT_REGISTRY_ALTERED);

			sc_faults_add(v->faults, &fault);
		}
		else
			sorted = lappend(sorted, chain);
	}
	v->chains = sorted;
}

void
sc_verify_load_registry(ScVerify *v)
{
	ListCell   *cell;

	take_snapshot(v);
	scan_named(v, "chain", chain_row);
	sort_chains(v);
	scan_named(v, "node", node_row);
	sc_verify_load_rotations(v);
	foreach(cell, v->tables)
	{
		ScVerifyTable *table = lfirst(cell);

		if (OidIsValid(table->relid))
			table->rel = try_relation_open(table->relid, NoLock);
	}
}

struct ScSorted
{
	ScVerify   *v;
	Relation	rel;
	Tuplesortstate *sort;
	TupleTableSlot *put;
	TupleTableSlot *slot;
	ResourceOwner owner;
	bool		ended;
};

/* hands a row to the sort, whose files belong to the run */
static void
sorted_row(void *arg, ScScan *scan)
{
	ScSorted   *sorted = arg;
	ResourceOwner caller = CurrentResourceOwner;
	int			natts = RelationGetDescr(scan->rel)->natts;

	ExecClearTuple(sorted->put);
	memcpy(sorted->put->tts_values, scan->values, sizeof(Datum) * natts);
	memcpy(sorted->put->tts_isnull, scan->nulls, sizeof(bool) * natts);
	ExecStoreVirtualTuple(sorted->put);
	CurrentResourceOwner = sorted->owner;
	tuplesort_puttupleslot(sorted->sort, sorted->put);
	CurrentResourceOwner = caller;
}

ScSorted *
sc_sorted_load(ScVerify *v, const char *table, int nkeys, const AttrNumber *keys, const Oid *types)
{
	ScSorted   *sorted = palloc0(sizeof(ScSorted));
	Oid			operators[4];
	Oid			collations[4] = {InvalidOid, InvalidOid, InvalidOid, InvalidOid};
	bool		nulls_first[4] = {false, false, false, false};
	AttrNumber	attnos[4];

	Assert(nkeys <= 4);
	for (int i = 0; i < nkeys; i++)
	{
		attnos[i] = keys[i];
		operators[i] = types[i] == INT4OID ? Int4LessOperator : Int8LessOperator;
	}
	sorted->v = v;
	sorted->owner = CurrentResourceOwner;
	sorted->rel = sc_verify_open(table);
	sorted->put = MakeSingleTupleTableSlot(RelationGetDescr(sorted->rel), &TTSOpsVirtual);
	sorted->slot = MakeSingleTupleTableSlot(RelationGetDescr(sorted->rel), &TTSOpsMinimalTuple);
	sorted->sort = tuplesort_begin_heap(RelationGetDescr(sorted->rel), nkeys, attnos, operators,
										collations, nulls_first, work_mem, NULL, TUPLESORT_NONE);
	sc_verify_scan(v, sorted->rel, sorted_row, sorted);
	tuplesort_performsort(sorted->sort);
	sc_sorted_next(sorted);
	return sorted;
}

TupleTableSlot *
sc_sorted_peek(ScSorted *sorted)
{
	return sorted->ended ? NULL : sorted->slot;
}

void
sc_sorted_next(ScSorted *sorted)
{
	CHECK_FOR_INTERRUPTS();
	sorted->ended = !tuplesort_gettupleslot(sorted->sort, true, false, sorted->slot, NULL);
	if (!sorted->ended)
		slot_getallattrs(sorted->slot);
}

void
sc_sorted_end(ScSorted *sorted)
{
	ExecDropSingleTupleTableSlot(sorted->slot);
	ExecDropSingleTupleTableSlot(sorted->put);
	tuplesort_end(sorted->sort);
	table_close(sorted->rel, NoLock);
	pfree(sorted);
}
