/*
 * signed_payload_rebuild.c
 *	  rebuild_signed_payloads(): what counts as used, made again from the rows.
 *
 * Invariant: afterwards the table's entries are those of its rows, of each row
 * by the rule that was in force for it.
 * Locks: ShareRowExclusiveLock on the ledger table, so that nobody inserts
 * meanwhile; RowExclusiveLock on seoulchain.signed_payload.
 * Effects: rows of seoulchain.signed_payload.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "member/signature_rule.h"
#include "member/signed_payload.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_rebuild_signed_payloads);

/* takes the table's entries out */
static void
delete_entries(int32 table_id)
{
	Relation	rel = sc_registry_open(SC_SIGNED_PAYLOAD, RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, SC_PAYLOAD_ATTR_TABLE_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(table_id));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		simple_heap_delete(rel, &tuple->t_self);
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/* the rule for a row, or NULL */
static const ScSigning *
rule_for(const List *signings, int64 ledger_seq)
{
	const ScSigning *found = NULL;
	ListCell   *cell;

	foreach(cell, signings)
	{
		const ScSigning *signing = lfirst(cell);

		if (signing->rule->rule_seq < ledger_seq)
			found = signing;
	}
	return found;
}

/* makes the entry of one row; false when another row has used the payload */
static bool
add_entry(const List *signings, TupleTableSlot *slot, AttrNumber seq_attno, ScBuf *buf)
{
	const ScSigning *signing;
	bool		isnull;
	int64		ledger_seq = DatumGetInt64(slot_getattr(slot, seq_attno, &isnull));
	ScHash		digest;
	int32		other_table;

	signing = isnull ? NULL : rule_for(signings, ledger_seq);
	if (signing == NULL)
		return true;
	slot_getallattrs(slot);
	if (!sc_signing_digest(signing, slot->tts_values, slot->tts_isnull, buf, &digest))
		return true;
	return sc_payload_use(signing->chain_id, signing->rule->table_id, &digest, ledger_seq, &other_table) == 0;
}

/* makes the entries of all rows */
static int64
add_entries(Relation rel, const List *signings)
{
	const ScRowFormat *format = ((const ScSigning *) linitial(signings))->format;
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "signed row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(row_context);
	ScBuf		buf = SC_BUF_INIT;
	int			nestlevel = sc_row_settings_begin(format);
	volatile int64 n = 0;

	PG_TRY();
	{
		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			CHECK_FOR_INTERRUPTS();
			if (!add_entry(signings, slot, sc_row_format_seq_attno(format), &buf))
				ereport(ERROR,
						(errcode(ERRCODE_UNIQUE_VIOLATION),
						 errmsg("a payload stands in two rows of \"%s\"", RelationGetRelationName(rel)),
						 errhint("SELECT * FROM seoulchain.verify(); tells what was changed.")));
			n++;
			MemoryContextReset(row_context);
		}
	}
	PG_FINALLY();
	{
		sc_buf_free(&buf);
	}
	PG_END_TRY();
	sc_row_settings_end(nestlevel);
	MemoryContextSwitchTo(old);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	return n;
}

/*
 * seoulchain.rebuild_signed_payloads(relation regclass) returns bigint
 *
 * Makes the table's part of seoulchain.signed_payload again; returns how many
 * rows were looked at.  For operators.  Errors: WRONG_OBJECT_TYPE,
 * UNIQUE_VIOLATION when two rows carry the same payload of one signer.
 */
Datum
sc_rebuild_signed_payloads(PG_FUNCTION_ARGS)
{
	Relation	rel;
	ScLedgerTable *table;
	List	   *signings = NIL;
	int64		n = 0;
	ListCell   *cell;

	/* operators get to lock, or queue for, ledger tables only */
	(void) sc_ledger_by_relation(PG_GETARG_OID(0), false);
	rel = table_open(PG_GETARG_OID(0), ShareRowExclusiveLock);
	table = sc_ledger_by_relation(RelationGetRelid(rel), false);
	sc_chain_require_open(sc_chain_by_id(table->chain_id, false));
	foreach(cell, sc_signature_rules(table->table_id, NULL))
		signings = lappend(signings, sc_signing_make(rel, table->chain_id, lfirst(cell)));
	delete_entries(table->table_id);
	if (signings != NIL)
		n = add_entries(rel, signings);
	table_close(rel, NoLock);
	PG_RETURN_INT64(n);
}
