/*
 * index_scan.c
 *	  Table scans for building and validating indexes of ledger tables.
 *
 * Heap's own callbacks insist that the relation's access method is heap's
 * struct itself; lending it for the duration would let SQL in an index
 * expression update the table.  So these two scans are ours.
 *
 * Invariant: a ledger table holds no HOT chains, because nothing updates it:
 * every tuple is indexed under its own TID.
 * Locks: the caller's (ShareLock for a plain build, ShareUpdateExclusiveLock
 * for CREATE INDEX CONCURRENTLY); buffers are share-locked one at a time.
 * Does not write anything; calls the index's callback and index expressions.
 * See: access/tableam.h, index_build_range_scan and index_validate_scan.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "compat.h"
#include "executor/executor.h"
#include "ledger/index_scan.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

/* what to do with a tuple that a build meets */
typedef struct TupleVerdict
{
	bool		index;			/* it gets an index entry */
	bool		alive;			/* it takes part in uniqueness checks */
	bool		live;			/* it counts as a live row */
	TransactionId wait;			/* wait for this transaction, then look again */
} TupleVerdict;

/* expressions and predicate of an index, ready to be evaluated on a slot */
typedef struct IndexEval
{
	EState	   *estate;
	ExprContext *econtext;
	ExprState  *predicate;
	TupleTableSlot *slot;
} IndexEval;

static void
eval_begin(IndexEval *eval, Relation heap, IndexInfo *info)
{
	eval->estate = CreateExecutorState();
	eval->econtext = GetPerTupleExprContext(eval->estate);
	eval->slot = table_slot_create(heap, NULL);
	eval->econtext->ecxt_scantuple = eval->slot;
	eval->predicate = ExecPrepareQual(info->ii_Predicate, eval->estate);
}

static void
eval_end(IndexEval *eval, IndexInfo *info)
{
	ExecDropSingleTupleTableSlot(eval->slot);
	FreeExecutorState(eval->estate);

	/* these pointed into the executor state */
	info->ii_ExpressionsState = NIL;
	info->ii_PredicateState = NULL;
}

/* does the tuple in the slot belong into the (partial) index? */
static bool
eval_matches(IndexEval *eval)
{
	MemoryContextReset(eval->econtext->ecxt_per_tuple_memory);
	return eval->predicate == NULL || ExecQual(eval->predicate, eval->econtext);
}

/* the tuple that the scan stands on; its buffer stays pinned by the slot */
static HeapTuple
slot_tuple(TupleTableSlot *slot)
{
	return ((BufferHeapTupleTableSlot *) slot)->base.tuple;
}

static Buffer
slot_buffer(TupleTableSlot *slot)
{
	return ((BufferHeapTupleTableSlot *) slot)->buffer;
}

/* judges a tuple of somebody else's running transaction, or our own */
static void
judge_in_progress(TupleVerdict *verdict, Relation heap, TransactionId xid, bool inserting,
				  bool anyvisible, bool checking_uniqueness)
{
	verdict->index = true;
	verdict->alive = inserting;

	if (anyvisible)
	{
		verdict->live = true;
		return;
	}
	if (TransactionIdIsCurrentTransactionId(xid))
	{
		verdict->live = inserting;
		return;
	}

	/* the caller's lock keeps other writers out, so nobody should get here */
	ereport(WARNING,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("concurrent change in progress within ledger table \"%s\"",
					RelationGetRelationName(heap))));
	if (checking_uniqueness)
		verdict->wait = xid;
	verdict->live = !inserting;
}

/* judges a tuple met with SnapshotAny; its buffer is locked here */
static TupleVerdict
judge_tuple(Relation heap, HeapTuple tuple, Buffer buffer, TransactionId oldest_xmin,
			bool anyvisible, bool checking_uniqueness)
{
	TupleVerdict verdict = {false, false, false, InvalidTransactionId};

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	switch (HeapTupleSatisfiesVacuum(tuple, oldest_xmin, buffer))
	{
		case HEAPTUPLE_DEAD:
			break;
		case HEAPTUPLE_LIVE:
			verdict.index = verdict.alive = verdict.live = true;
			break;
		case HEAPTUPLE_RECENTLY_DEAD:
			/* older snapshots may still look for it through this index */
			verdict.index = true;
			break;
		case HEAPTUPLE_INSERT_IN_PROGRESS:
			judge_in_progress(&verdict, heap, HeapTupleHeaderGetXmin(tuple->t_data), true,
							  anyvisible, checking_uniqueness);
			break;
		case HEAPTUPLE_DELETE_IN_PROGRESS:
			/* only a repair below the access method deletes */
			judge_in_progress(&verdict, heap, HeapTupleHeaderGetUpdateXid(tuple->t_data), false,
							  anyvisible, checking_uniqueness);
			break;
	}
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	return verdict;
}

/* begins the scan of a serial build; *snapshot is to be unregistered if it is an MVCC one */
static TableScanDesc
begin_serial_scan(Relation heap, TransactionId oldest_xmin, bool allow_sync, Snapshot *registered)
{
	Snapshot	snapshot = SnapshotAny;

	*registered = NULL;
	if (!TransactionIdIsValid(oldest_xmin))
		snapshot = *registered = RegisterSnapshot(GetTransactionSnapshot());

	return table_beginscan_strat(heap, snapshot, 0, NULL, true, allow_sync);
}

/* number of blocks that the scan will read, for the progress view */
static BlockNumber
scan_blocks(TableScanDesc scan)
{
	if (scan->rs_parallel != NULL)
		return ((ParallelBlockTableScanDesc) scan->rs_parallel)->phs_nblocks;
	return ((HeapScanDesc) scan)->rs_nblocks;
}

/* counts blocks as the scan reaches them; with a parallel scan only this worker's */
static void
report_block(BlockNumber block, BlockNumber *previous, BlockNumber *done)
{
	if (block == *previous)
		return;
	*previous = block;
	pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_DONE, ++(*done));
}

/* takes one tuple with SnapshotAny into account; false when it gets no entry */
static bool
build_accepts(Relation heap, HeapTuple tuple, Buffer buffer, TransactionId oldest_xmin,
			  bool anyvisible, bool checking_uniqueness, bool *alive, double *reltuples)
{
	for (;;)
	{
		TupleVerdict verdict = judge_tuple(heap, tuple, buffer, oldest_xmin, anyvisible,
										   checking_uniqueness);

		if (!TransactionIdIsValid(verdict.wait))
		{
			if (verdict.live)
				*reltuples += 1;
			*alive = verdict.alive;
			return verdict.index;
		}
		XactLockTableWait(verdict.wait, heap, &tuple->t_self, XLTW_InsertIndexUnique);
		CHECK_FOR_INTERRUPTS();
	}
}

double
ledger_index_build_range_scan(Relation heap, Relation index, IndexInfo *info,
							  bool allow_sync, bool anyvisible, bool progress,
							  BlockNumber start_block, BlockNumber nblocks,
							  IndexBuildCallback callback, void *callback_state,
							  TableScanDesc scan)
{
	bool		checking_uniqueness = info->ii_Unique || info->ii_ExclusionOps != NULL;
	TransactionId oldest_xmin = InvalidTransactionId;
	Snapshot	registered = NULL;
	BlockNumber previous = InvalidBlockNumber;
	BlockNumber done = 0;
	double		reltuples = 0;
	IndexEval	eval;

	/* a concurrent build indexes what one MVCC snapshot sees, any other all that may be seen */
	if (!info->ii_Concurrent)
		oldest_xmin = GetOldestNonRemovableTransactionId(heap);

	eval_begin(&eval, heap, info);
	if (scan == NULL)
		scan = begin_serial_scan(heap, oldest_xmin, allow_sync, &registered);
	if (!allow_sync)
		heap_setscanlimits(scan, start_block, nblocks);
	if (progress)
		pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_TOTAL, scan_blocks(scan));

	while (table_scan_getnextslot(scan, ForwardScanDirection, eval.slot))
	{
		HeapTuple	tuple = slot_tuple(eval.slot);
		Datum		values[INDEX_MAX_KEYS];
		bool		isnull[INDEX_MAX_KEYS];
		bool		alive = true;

		CHECK_FOR_INTERRUPTS();
		if (progress)
			report_block(ItemPointerGetBlockNumber(&tuple->t_self), &previous, &done);

		if (scan->rs_snapshot != SnapshotAny)
			reltuples += 1;
		else if (!build_accepts(heap, tuple, slot_buffer(eval.slot), oldest_xmin, anyvisible,
								checking_uniqueness, &alive, &reltuples))
			continue;

		if (!eval_matches(&eval))
			continue;
		FormIndexDatum(info, eval.slot, eval.estate, values, isnull);
		callback(index, &tuple->t_self, values, isnull, alive, callback_state);
	}

	if (progress)
		pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_DONE, scan_blocks(scan));
	table_endscan(scan);
	if (registered != NULL)
		UnregisterSnapshot(registered);
	eval_end(&eval, info);

	return reltuples;
}

/* the sorted TIDs that a validated index already holds */
typedef struct IndexCursor
{
	Tuplesortstate *sort;
	ItemPointerData tid;
	bool		valid;
	bool		end;
} IndexCursor;

/* moves the cursor to the first TID that is not below `tid` and says whether it is `tid` */
static bool
cursor_finds(IndexCursor *cursor, ItemPointer tid)
{
	while (!cursor->end && (!cursor->valid || ItemPointerCompare(&cursor->tid, tid) < 0))
	{
		Datum		datum;
		bool		isnull;

		cursor->valid = false;
		if (!sc_tuplesort_getdatum(cursor->sort, true, false, &datum, &isnull, NULL))
			cursor->end = true;
		else
		{
			Assert(!isnull);
			itemptr_decode(&cursor->tid, DatumGetInt64(datum));
			cursor->valid = true;
		}
	}
	return cursor->valid && ItemPointerCompare(&cursor->tid, tid) == 0;
}

void
ledger_index_validate_scan(Relation heap, Relation index, IndexInfo *info,
						   Snapshot snapshot, ValidateIndexState *state)
{
	IndexCursor cursor = {state->tuplesort, {{0, 0}, 0}, false, false};
	BlockNumber previous = InvalidBlockNumber;
	BlockNumber done = 0;
	TableScanDesc scan;
	IndexEval	eval;

	eval_begin(&eval, heap, info);

	/* from block zero forward, to meet the TIDs in their sorted order */
	scan = table_beginscan_strat(heap, snapshot, 0, NULL, true, false);
	pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_TOTAL, scan_blocks(scan));

	while (table_scan_getnextslot(scan, ForwardScanDirection, eval.slot))
	{
		ItemPointerData tid = slot_tuple(eval.slot)->t_self;
		Datum		values[INDEX_MAX_KEYS];
		bool		isnull[INDEX_MAX_KEYS];

		CHECK_FOR_INTERRUPTS();
		state->htups += 1;
		report_block(ItemPointerGetBlockNumber(&tid), &previous, &done);

		if (cursor_finds(&cursor, &tid) || !eval_matches(&eval))
			continue;

		FormIndexDatum(info, eval.slot, eval.estate, values, isnull);
		index_insert(index, values, isnull, &tid, heap,
					 info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, info);
		state->tups_inserted += 1;
	}

	table_endscan(scan);
	eval_end(&eval, info);
}
