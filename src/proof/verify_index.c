/*
 * verify_index.c
 *	  verify_indexes(): every index of a table against its rows.
 *
 * Invariant: for each row of the snapshot that an index should hold, the
 * index has an entry with that row's key values, and a lookup finds it; no
 * entry points where there never was a row.
 *	 btree	entries and their values, then, if all is well, lookups
 *	 hash	lookups
 *	 gist, spgist, gin, others with whole scans		entries, without values
 *	 brin	nothing but that it can be read: it knows pages, not rows
 *
 * Locks: ShareUpdateExclusiveLock on the table (VACUUM and CREATE INDEX
 * CONCURRENTLY wait), AccessShareLock during recovery.
 * Users' code (index expressions, operators) runs as the table's owner,
 * security-restricted, with a safe search_path, as in amcheck.
 */
#include "postgres.h"

#include "proof/index_entry.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "proof/datum.h"
#include "proof/guard.h"
#include "proof/page.h"
#include "proof/progress.h"
#include "proof/scan.h"
#include "proof/verify.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_verify_indexes);

/* the rows of the table, for one index */
typedef struct HeapPass
{
	ScIndexCheck *check;
	IndexInfo  *info;
	EState	   *estate;
	ExprState  *predicate;
	TupleTableSlot *slot;
	AttrNumber	seq_attno;
	int			nchecks;
	ScDatumCheck *checks;
	bool		digests;		/* the index's entries have values to compare */
	ScProbe    *probe;			/* second pass: look rows up */
} HeapPass;

/* puts the row into the slot; false when one of its values is damaged */
static bool
fill_slot(HeapPass *pass, ScScan *scan)
{
	int			natts = RelationGetDescr(scan->rel)->natts;

	for (int i = 0; i < pass->nchecks; i++)
	{
		const ScDatumCheck *check = &pass->checks[i];

		if (!scan->nulls[check->index] && !sc_datum_ok(check->typid, &scan->values[check->index]))
			return false;
	}
	ExecClearTuple(pass->slot);
	memcpy(pass->slot->tts_values, scan->values, natts * sizeof(Datum));
	memcpy(pass->slot->tts_isnull, scan->nulls, natts * sizeof(bool));
	ExecStoreVirtualTuple(pass->slot);
	return true;
}

/* one row: notes the entry that it wants, or looks for it */
static void
heap_row(void *arg, ScScan *scan)
{
	HeapPass   *pass = arg;
	ExprContext *context = GetPerTupleExprContext(pass->estate);
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	int64		ledger_seq = SC_NONE;
	ItemPointerData tid;

	if (scan->ghost || !fill_slot(pass, scan))
		return;
	context->ecxt_scantuple = pass->slot;
	ResetExprContext(context);
	if (pass->predicate && !ExecQual(pass->predicate, context))
		return;
	FormIndexDatum(pass->info, pass->slot, pass->estate, values, nulls);
	if (!scan->nulls[pass->seq_attno - 1])
		ledger_seq = DatumGetInt64(scan->values[pass->seq_attno - 1]);
	ItemPointerSet(&tid, scan->block, scan->offset);
	if (pass->probe == NULL)
		sc_entries_put(pass->check->expected, &tid, pass->digests ?
					   sc_entry_digest(values, nulls, RelationGetDescr(pass->check->index)) : 0, ledger_seq);
	else if (!sc_probe_finds(pass->probe, values, nulls, &tid))
		sc_index_fault(pass->check, SC_FAULT_INDEX_MISSING, ledger_seq);
}

/* damaged rows are verify()'s business; a lookup that failed leaves its scan in no state to go on */
static void
heap_damage(void *arg, ScScan *scan, ScScanFault kind, const char *message)
{
	HeapPass   *pass = arg;

	if (pass->probe != NULL && kind == SC_SCAN_FAILED)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("a lookup failed: %s", message)));
}

/* reads the table once */
static void
scan_heap(HeapPass *pass)
{
	static const ScScanCallbacks callbacks = {heap_row, heap_damage, NULL};

	sc_scan_run(pass->check->heap, pass->check->snapshot, &callbacks, pass);
}

/* was there ever a row at the place of an entry that no visible row wants? */
static void
judge_entry(ScIndexCheck *check, ScPageCopy *copy, int64 number)
{
	BlockNumber block = (BlockNumber) (number >> 16);
	OffsetNumber offset = (OffsetNumber) (number & 0xffff);

	if (block < RelationGetNumberOfBlocks(check->heap))
	{
		if (copy->block != block)
			sc_page_read(copy, block);
		if (offset >= FirstOffsetNumber && offset <= sc_page_items(copy))
		{
			ItemId		item = PageGetItemId(copy->page, offset);

			/* aborted, being inserted, or dead and not vacuumed */
			if (ItemIdIsNormal(item) || ItemIdIsDead(item))
				return;
		}
	}
	sc_index_fault(check, SC_FAULT_INDEX_NOWHERE, SC_NONE);
}

/* compares the two sorted lists */
static void
compare_entries(void *arg)
{
	ScIndexCheck *check = arg;
	ScEntries  *found = check->found;
	ScEntries  *expected = check->expected;
	ScPageCopy	copy;

	sc_page_init(&copy, check->heap, false);
	while (!found->ended || !expected->ended)
	{
		if (expected->ended || (!found->ended && found->tid < expected->tid))
		{
			judge_entry(check, &copy, found->tid);
			sc_entries_next(found);
		}
		else if (found->ended || expected->tid < found->tid)
		{
			sc_index_fault(check, SC_FAULT_INDEX_MISSING, expected->ledger_seq);
			sc_entries_next(expected);
		}
		else
		{
			int64		tid = found->tid;

			if (found->digest != expected->digest)
				sc_index_fault(check, SC_FAULT_INDEX_DIFFERS, expected->ledger_seq);
			/* indexes with several keys a row (gin) give its TID once, others must too */
			for (sc_entries_next(found); !found->ended && found->tid == tid; sc_entries_next(found))
				sc_index_fault(check, SC_FAULT_INDEX_DIFFERS, expected->ledger_seq);
			sc_entries_next(expected);
		}
	}
	sc_page_free(&copy);
}

/* one index, its user code contained by the caller */
static void
check_index(HeapPass *pass)
{
	ScIndexCheck *check = pass->check;
	bool		btree = check->index->rd_rel->relam == BTREE_AM_OID;
	bool		listed;

	check->found = sc_entries_begin();
	check->expected = sc_entries_begin();
	if (btree)
		sc_btree_entries(check);
	listed = btree || sc_scan_entries(check);
	pass->digests = btree;
	if (listed)
	{
		scan_heap(pass);
		sc_entries_sort(check->found);
		sc_entries_sort(check->expected);
		compare_entries(check);
	}
	sc_entries_end(check->found);
	sc_entries_end(check->expected);
	if (check->damaged == 0)
		pass->probe = sc_probe_begin(check);
	if (pass->probe)
	{
		scan_heap(pass);
		sc_probe_end(pass->probe);
	}
}

/* sets up what computing index values needs */
static void
run_index(void *arg)
{
	ScIndexCheck *check = arg;
	HeapPass   *pass = palloc0(sizeof(HeapPass));

	pass->check = check;
	pass->info = BuildIndexInfo(check->index);
	pass->estate = CreateExecutorState();
	pass->slot = MakeSingleTupleTableSlot(RelationGetDescr(check->heap), &TTSOpsVirtual);
	pass->seq_attno = get_attnum(RelationGetRelid(check->heap), SC_LEDGER_SEQ);
	if (pass->seq_attno <= 0)
		elog(ERROR, "\"%s\" has no column %s", RelationGetRelationName(check->heap), SC_LEDGER_SEQ);
	pass->nchecks = sc_datum_checks(&pass->checks, RelationGetDescr(check->heap));
	GetPerTupleExprContext(pass->estate)->ecxt_scantuple = pass->slot;
	if (pass->info->ii_Predicate != NIL)
		pass->predicate = ExecPrepareQual(pass->info->ii_Predicate, pass->estate);
	check_index(pass);
	ExecDropSingleTupleTableSlot(pass->slot);
	FreeExecutorState(pass->estate);
}

/* opens, checks and closes one index; an error in it is a fault of it */
static void
verify_index(ScIndexCheck *check, Oid indexid)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain index",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	char	   *message = NULL;

	check->index = index_open(indexid, AccessShareLock);
	check->damaged = 0;
	if (check->index->rd_index->indisvalid && check->index->rd_index->indisready &&
		!sc_guard(run_index, check, &message))
	{
		sc_index_fault(check, SC_FAULT_INDEX_UNREADABLE, SC_NONE);
		ereport(WARNING,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" cannot be read to its end", RelationGetRelationName(check->index)),
				 errdetail_internal("%s", message)));
	}
	index_close(check->index, AccessShareLock);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* every index, as the table's owner */
static void
verify_all(ScIndexCheck *check)
{
	List	   *indexes = RelationGetIndexList(check->heap);
	ListCell   *cell;
	int64		done = 0;
	Oid			user;
	int			context;
	int			nestlevel;

	sc_progress_phase(SC_PHASE_INDEXES, RelationGetRelid(check->heap), list_length(indexes));
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(check->heap->rd_rel->relowner, context | SECURITY_RESTRICTED_OPERATION);
	nestlevel = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	foreach(cell, indexes)
	{
		verify_index(check, lfirst_oid(cell));
		sc_progress_done(++done);
	}
	AtEOXact_GUC(false, nestlevel);
	SetUserIdAndSecContext(user, context);
}

/* the chain's name, from a registry that may be damaged; an error when the relation is no ledger table */
static void
find_chain(ScIndexCheck *check, Oid relid)
{
	ScVerify   *v = sc_verify_begin();
	ScVerifyChain *chain;

	v->faults = sc_faults_begin();
	sc_verify_load_registry(v);
	check->chain_id = sc_verify_relation(v, relid)->chain_id;
	chain = sc_verify_chain(v, check->chain_id);
	check->chain = chain ? pstrdup(chain->name) : NULL;
	sc_faults_end(v->faults);
	sc_verify_end(v);
}

/*
 * seoulchain.verify_indexes(relation regclass) returns setof seoulchain.fault
 *
 * Every index of a ledger table that disagrees with its rows; `relation` is
 * the index.  Privileges: seoulchain_auditor, superusers.
 */
Datum
sc_verify_indexes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			relid = PG_GETARG_OID(0);
	LOCKMODE	lockmode = RecoveryInProgress() ? AccessShareLock : ShareUpdateExclusiveLock;
	ScIndexCheck check = {0};

	InitMaterializedSRF(fcinfo, 0);
	find_chain(&check, relid);
	check.heap = table_open(relid, lockmode);
	check.snapshot = RegisterSnapshot(GetLatestSnapshot());
	check.faults = sc_faults_begin();
	sc_progress_begin();
	PG_TRY();
	{
		verify_all(&check);
	}
	PG_FINALLY();
	{
		sc_progress_end();
	}
	PG_END_TRY();
	sc_faults_emit(check.faults, result->setResult, result->setDesc);
	UnregisterSnapshot(check.snapshot);
	table_close(check.heap, NoLock);
	PG_RETURN_NULL();
}
