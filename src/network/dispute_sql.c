/*
 * dispute_sql.c
 *	  Showing disputes: the file that seoulchain-verify judges; settling a complaint.
 *
 * Invariant: a complaint's file ends in the receipt of the event by which it
 * was recorded, once that is signed: the word of whoever filed it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "contract/json_tree.h"
#include "contract/memory.h"
#include "core/disputefile.h"
#include "fmgr.h"
#include "ledger/journal.h"
#include "ledger/registry.h"
#include "network/dispute.h"
#include "proof/receipt.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_dispute_evidence);
PG_FUNCTION_INFO_V1(sc_settle_dispute);

static void
scan_origin(ScInternalScan *scan, text *origin, Snapshot snapshot)
{
	ScanKeyData key;

	ScanKeyInit(&key, SC_DISPUTE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, PointerGetDatum(origin));
	sc_internal_scan_begin(scan, "dispute", "dispute_origin", snapshot, &key, 1);
}

/* is a column what was asked for?  No argument asks for none. */
static bool
same_number(HeapTuple tuple, AttrNumber attno, Relation rel, bool asked_null, int64 asked)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attno, RelationGetDescr(rel), &isnull);

	return isnull ? asked_null : !asked_null && DatumGetInt64(value) == asked;
}

/* the dispute file of a row, with the receipt of a complaint's event if it is signed */
static text *
file_of(HeapTuple tuple, Relation rel)
{
	ScBuf	   *file = sc_context_buf();
	char	   *evidence = TextDatumGetCString(sc_internal_attr(tuple, SC_DISPUTE_ATTR_EVIDENCE, rel));
	text	   *receipt = NULL;

	if (!DatumGetBool(sc_internal_attr(tuple, SC_DISPUTE_ATTR_PROOF, rel)) &&
		!heap_attisnull(tuple, SC_DISPUTE_ATTR_FILED_SEQ, RelationGetDescr(rel)))
		receipt = sc_event_receipt(sc_chain_by_id(DatumGetInt32(sc_internal_attr(tuple, SC_DISPUTE_ATTR_FILED_CHAIN_ID, rel)), false),
								   DatumGetInt64(sc_internal_attr(tuple, SC_DISPUTE_ATTR_FILED_SEQ, rel)),
								   GetActiveSnapshot());
	sc_buf_string(file, evidence);
	if (receipt != NULL)
		sc_disputefile_part(file, "receipt", VARDATA_ANY(receipt), VARSIZE_ANY_EXHDR(receipt));
	return cstring_to_text(sc_buf_copy(file));
}

/*
 * seoulchain.dispute_evidence(origin text, fault text, height bigint DEFAULT NULL, ledger_seq bigint DEFAULT NULL)
 *		returns text
 *
 * The dispute file of a dispute that this node filed; NULL when there is
 * none.  seoulchain_auditor and seoulchain_operator.
 */
Datum
sc_dispute_evidence(PG_FUNCTION_ARGS)
{
	ScInternalScan scan;
	HeapTuple	tuple;
	text	   *result = NULL;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	scan_origin(&scan, PG_GETARG_TEXT_PP(0), GetActiveSnapshot());
	while (result == NULL && (tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		if (strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_DISPUTE_ATTR_FAULT, scan.rel)),
				   text_to_cstring(PG_GETARG_TEXT_PP(1))) == 0 &&
			same_number(tuple, SC_DISPUTE_ATTR_HEIGHT, scan.rel, PG_ARGISNULL(2), PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2)) &&
			same_number(tuple, SC_DISPUTE_ATTR_SEQ, scan.rel, PG_ARGISNULL(3), PG_ARGISNULL(3) ? 0 : PG_GETARG_INT64(3)))
			result = file_of(tuple, scan.rel);
	}
	sc_internal_scan_end(&scan);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}

/* says on the chain that recorded the dispute that it is settled */
static void
record_settled(HeapTuple tuple, Relation rel, const char *why)
{
	ScChain    *chain = sc_chain_by_id(DatumGetInt32(sc_internal_attr(tuple, SC_DISPUTE_ATTR_FILED_CHAIN_ID, rel)), true);

	if (chain != NULL && sc_chain_is_open(chain))
		sc_dispute_record_settled(chain, DatumGetInt64(sc_internal_attr(tuple, SC_DISPUTE_ATTR_FILED_SEQ, rel)), why);
}

void
sc_dispute_record_settled(const ScChain *chain, int64 seq, const char *why)
{
	ScJson	   *event = sc_tree_object();
	ScBuf	   *text = sc_context_buf();

	sc_tree_add(event, "dispute", sc_tree_string(psprintf(INT64_FORMAT, seq)));
	sc_tree_add(event, "reason", sc_tree_string(why));
	sc_tree_add(event, "type", sc_tree_string("settled"));
	sc_tree_write(text, event);
	(void) sc_event_record(chain, SC_TABLE_EVENTS, NULL, text);
}

int
sc_dispute_settle(const char *origin, const char *why)
{
	Relation	rel = sc_internal_open("dispute", ShareRowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	int			n = 0;

	scan_origin(&scan, cstring_to_text(origin), snapshot);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		Datum		values[SC_DISPUTE_NATTS] = {0};
		bool		nulls[SC_DISPUTE_NATTS] = {false};
		bool		replace[SC_DISPUTE_NATTS] = {false};

		if (DatumGetBool(sc_internal_attr(tuple, SC_DISPUTE_ATTR_PROOF, rel)) ||
			!heap_attisnull(tuple, SC_DISPUTE_ATTR_SETTLED_AT, RelationGetDescr(rel)))
			continue;
		values[SC_DISPUTE_ATTR_SETTLED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		values[SC_DISPUTE_ATTR_SETTLED_WHY - 1] = CStringGetTextDatum(why);
		replace[SC_DISPUTE_ATTR_SETTLED_AT - 1] = replace[SC_DISPUTE_ATTR_SETTLED_WHY - 1] = true;
		if (!heap_attisnull(tuple, SC_DISPUTE_ATTR_FILED_SEQ, RelationGetDescr(rel)))
			record_settled(tuple, rel, why);
		CatalogTupleUpdate(rel, &tuple->t_self,
						   heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replace));
		n++;
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	CommandCounterIncrement();
	table_close(rel, NoLock);
	return n;
}

/*
 * seoulchain.settle_dispute(origin text, reason text) returns bigint
 *
 * Complaints about that chain hold its cosignatures back no more; how many
 * there were.  A proof is never settled.  An event on this node's chain tells
 * the others.  seoulchain_operator.
 */
Datum
sc_settle_dispute(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(sc_dispute_settle(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1))));
}
