/*
 * am.c
 *	  The table access method `ledger`: heap, with a recorder and with refusals.
 *
 * Invariant: storage is heap's in every bit; what is read is read by heap.
 * Insert paths record (insert.c), changing paths refuse, index builds use our
 * own scans (index_scan.c) because heap's insist on heap's struct.
 * Everything that is not named here is heap's: a wrapper, never a copy.
 * See: access/tableam.h.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "compat.h"
#include "ledger/index_scan.h"
#include "ledger/insert.h"
#include "ledger/refuse.h"
#include "ledger/rewrite.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(sc_ledger_handler);

static TM_Result
ledger_tuple_delete(Relation rel, ItemPointer tid, CommandId cid, Snapshot snapshot,
					Snapshot crosscheck, bool wait, TM_FailureData *tmfd, bool changing_part)
{
	sc_refuse_change(rel, "DELETE");
	return TM_Ok;
}

static TM_Result
ledger_tuple_update(Relation rel, ItemPointer otid, TupleTableSlot *slot, CommandId cid,
					Snapshot snapshot, Snapshot crosscheck, bool wait, TM_FailureData *tmfd,
					LockTupleMode *lockmode, SC_UPDATE_INDEXES_TYPE *update_indexes)
{
	sc_refuse_change(rel, "UPDATE");
	return TM_Ok;
}

/*
 * New storage is for new tables, and for the copies that VACUUM FULL, CLUSTER
 * and honest rewrites make.  An existing table gets it from TRUNCATE alone.
 */
static void
ledger_set_new_storage(Relation rel, const ScFileLocator *locator, char persistence,
					   TransactionId *freeze_xid, MultiXactId *min_multi)
{
	sc_refuse_new_storage(rel);
	GetHeapamTableAmRoutine()->sc_am_set_new_storage(rel, locator, persistence, freeze_xid, min_multi);
}

static void
ledger_nontransactional_truncate(Relation rel)
{
	sc_refuse_truncate(RelationGetRelid(rel));
	GetHeapamTableAmRoutine()->relation_nontransactional_truncate(rel);
}

/* TOAST tables are plain heap: their rows are parts of values, not rows of the ledger */
static Oid
ledger_toast_am(Relation rel)
{
	return HEAP_TABLE_AM_OID;
}

/* heap's routine with our callbacks in it */
static TableAmRoutine
make_routine(void)
{
	TableAmRoutine routine = *GetHeapamTableAmRoutine();

	routine.tuple_insert = ledger_tuple_insert;
	routine.tuple_insert_speculative = ledger_tuple_insert_speculative;
	routine.tuple_complete_speculative = ledger_tuple_complete_speculative;
	routine.multi_insert = ledger_multi_insert;
	routine.tuple_delete = ledger_tuple_delete;
	routine.tuple_update = ledger_tuple_update;
	routine.sc_am_set_new_storage = ledger_set_new_storage;
	routine.relation_nontransactional_truncate = ledger_nontransactional_truncate;
	routine.relation_copy_for_cluster = ledger_copy_for_cluster;
	routine.relation_toast_am = ledger_toast_am;
	routine.index_build_range_scan = ledger_index_build_range_scan;
	routine.index_validate_scan = ledger_index_validate_scan;
	return routine;
}

/*
 * seoulchain.ledger_handler(internal) -> table_am_handler
 *
 * Called by the server when it opens a ledger table.
 */
Datum
sc_ledger_handler(PG_FUNCTION_ARGS)
{
	static TableAmRoutine routine;
	static bool made = false;

	if (!made)
	{
		routine = make_routine();
		made = true;
	}
	PG_RETURN_POINTER(&routine);
}
