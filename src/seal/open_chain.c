/*
 * open_chain.c
 *	  Making a restored or copied chain writable in this database.
 *
 * Invariant: the chain row names this cluster and database only after every
 * table of the chain was found with access method ledger, its columns were
 * found again by name, blocks and tree were checked by the proof room, and
 * the chain's sequence is beyond every ledger_seq.  All of it, and the event
 * that tells of it, is the caller's transaction.
 *
 * Locks: the chain's sealing lock, to the end of the transaction.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "ledger/journal.h"
#include "ledger/reconcile.h"
#include "ledger/registry.h"
#include "ledger/sequence.h"
#include "miscadmin.h"
#include "seal/block.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "seal/journal_read.h"
#include "seal/seal.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_open_chain);

/* seoulchain.chain */
#define SC_CHAIN_ATTR_CHAIN_ID 1
#define SC_CHAIN_ATTR_SYSTEM_IDENTIFIER 6
#define SC_CHAIN_ATTR_DATABASE 7
#define SC_CHAIN_NATTS 10

/* seoulchain.ledger_column */
#define SC_COLUMN_ATTR_TABLE_ID 1
#define SC_COLUMN_ATTR_ATTNUM 2
#define SC_COLUMN_ATTR_NAME 3
#define SC_COLUMN_NATTS 5

/* seoulchain.event */
#define SC_EVENT_ATTR_CHAIN_ID 1
#define SC_EVENT_ATTR_LEDGER_SEQ 2

/* errors unless the table is there and a ledger table */
static void
check_table(const ScLedgerTable *table)
{
	if (!OidIsValid(table->relation) || get_rel_name(table->relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("ledger table \"%s\" is missing", table->ledger_name),
				 errhint("Restore the table, then open the chain again.")));
	if (!sc_is_ledger_relation(table->relation))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table \"%s\" came back without access method ledger", table->ledger_name),
				 errdetail("Its rows could have been changed since."),
				 errhint("Restore it without --no-table-access-method.")));
}

/* the number that a column of the table has now */
static AttrNumber
column_number(const ScLedgerTable *table, const char *column)
{
	AttrNumber	attnum = get_attnum(table->relation, column);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of ledger table \"%s\" is missing", column, table->ledger_name),
				 errhint("Restore the table with all its columns, then open the chain again.")));
	return attnum;
}

/* finds the table's columns again by name: a restore numbers them anew */
static void
renumber_columns(const ScLedgerTable *table)
{
	Relation	rel = sc_internal_open("ledger_column", ShareRowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *renumbered = NIL;
	ListCell   *lc;

	sc_key_int4(&key, SC_COLUMN_ATTR_TABLE_ID, table->table_id);
	sc_internal_scan_begin(&scan, "ledger_column", "ledger_column_pkey", snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		Name		name = DatumGetName(sc_internal_attr(tuple, SC_COLUMN_ATTR_NAME, rel));
		AttrNumber	attnum = column_number(table, NameStr(*name));
		Datum		values[SC_COLUMN_NATTS];
		bool		nulls[SC_COLUMN_NATTS];

		if (attnum == DatumGetInt16(sc_internal_attr(tuple, SC_COLUMN_ATTR_ATTNUM, rel)))
			continue;
		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		values[SC_COLUMN_ATTR_ATTNUM - 1] = Int16GetDatum(attnum);
		renumbered = lappend(renumbered, heap_form_tuple(RelationGetDescr(rel), values, nulls));
		/* all old rows go before any new one comes: numbers may be swapped */
		CatalogTupleDelete(rel, &tuple->t_self);
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	foreach(lc, renumbered)
		CatalogTupleInsert(rel, (HeapTuple) lfirst(lc));
	/* sessions keep formats of rows by column number */
	CacheInvalidateRelcacheByRelid(table->relation);
	table_close(rel, NoLock);
}

/* the greatest first key column behind chain_id that an index holds for the chain, 0 = none */
static int64
greatest_number(const char *table, const char *index, AttrNumber result, int32 chain_id, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	int64		number = 0;

	sc_key_int4(&key, 1, chain_id);
	sc_internal_scan_begin(&scan, table, index, snapshot, &key, 1);
	tuple = sc_internal_scan_next(&scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple))
		number = DatumGetInt64(sc_internal_attr(tuple, result, scan.rel));
	sc_internal_scan_end(&scan);
	return number;
}

int64
sc_chain_greatest_seq(int32 chain_id, Snapshot snapshot)
{
	int64		used = greatest_number("block_range", "block_range_pkey", SC_BLOCK_RANGE_ATTR_UPPER, chain_id, snapshot);

	used = Max(used, greatest_number("event", "event_pkey", SC_EVENT_ATTR_LEDGER_SEQ, chain_id, snapshot));
	return Max(used, sc_journal_greatest(chain_id, snapshot));
}

void
sc_chain_advance_sequence(const ScChain *chain, int64 used)
{
	int64		next;
	Oid			user;
	int			context;

	/* numbers are handed out in strides that begin at 1 + k * stride */
	next = (used / SC_SEQUENCE_STRIDE + 1) * SC_SEQUENCE_STRIDE + 1;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(sc_registry_owner(), context | SECURITY_LOCAL_USERID_CHANGE);
	if (DatumGetInt64(DirectFunctionCall1(nextval_oid, ObjectIdGetDatum(chain->sequence))) < next)
		DirectFunctionCall3(setval3_oid, ObjectIdGetDatum(chain->sequence), Int64GetDatum(next), BoolGetDatum(false));
	SetUserIdAndSecContext(user, context);
}

/* the chain lives here from now on */
static void
claim_chain(const ScChain *chain, Snapshot snapshot)
{
	Relation	rel = sc_internal_open("chain", RowExclusiveLock);
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	Datum		values[SC_CHAIN_NATTS] = {0};
	bool		nulls[SC_CHAIN_NATTS] = {false};
	bool		replace[SC_CHAIN_NATTS] = {false};

	sc_key_int4(&key, SC_CHAIN_ATTR_CHAIN_ID, chain->chain_id);
	sc_internal_scan_begin(&scan, "chain", "chain_pkey", snapshot, &key, 1);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "chain %d has no row", chain->chain_id);
	values[SC_CHAIN_ATTR_SYSTEM_IDENTIFIER - 1] = Int64GetDatum((int64) GetSystemIdentifier());
	values[SC_CHAIN_ATTR_DATABASE - 1] = ObjectIdGetDatum(MyDatabaseId);
	replace[SC_CHAIN_ATTR_SYSTEM_IDENTIFIER - 1] = replace[SC_CHAIN_ATTR_DATABASE - 1] = true;
	tuple = heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replace);
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	sc_internal_scan_end(&scan);
	table_close(rel, NoLock);
}

/* checks everything that can be checked before the chain may go on */
static void
check_chain(const ScChain *chain)
{
	ListCell   *lc;

	foreach(lc, sc_ledger_list(chain->chain_id))
	{
		ScLedgerTable *table = lfirst(lc);

		if (table->dropped_seq != 0)
			continue;
		check_table(table);
		renumber_columns(table);
		sc_reconcile_closed(table);
	}
	CommandCounterIncrement();
	if (sc_open_chain_check_hook != NULL)
		sc_open_chain_check_hook(chain);
}

/* tells on the chain itself that it was opened */
static void
record_opening(const ScChain *chain)
{
	ScBuf		event = SC_BUF_INIT;

	sc_buf_literal(&event, "{\"type\":\"open\"}");
	if (event.failed)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	(void) sc_event_record(chain, SC_TABLE_EVENTS, NULL, &event);
	sc_buf_free(&event);
}

/*
 * seoulchain.open_chain(name text) -> void
 *
 * Privileges: seoulchain_operator.  Errors: UNDEFINED_OBJECT;
 * OBJECT_NOT_IN_PREREQUISITE_STATE when the chain is open here;
 * UNDEFINED_TABLE, UNDEFINED_COLUMN, WRONG_OBJECT_TYPE for tables that did
 * not come back whole; what the check of blocks and tree finds.
 * Source: DESIGN section 3, Restore and clones; docs/node.md.
 */
Datum
sc_open_chain(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	Snapshot	snapshot;

	sc_chain_lock(chain->chain_id);
	chain = sc_chain_by_id(chain->chain_id, false);
	if (sc_chain_is_open(chain))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" is open already", chain->name)));
	check_chain(chain);

	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (!chain->copy)
		sc_chain_advance_sequence(chain, sc_chain_greatest_seq(chain->chain_id, snapshot));
	claim_chain(chain, snapshot);
	UnregisterSnapshot(snapshot);
	CommandCounterIncrement();
	if (!chain->copy)
		record_opening(sc_chain_by_id(chain->chain_id, false));
	PG_RETURN_VOID();
}
