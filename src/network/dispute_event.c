/*
 * dispute_event.c
 *	  Events about disputes: those of this node recorded on a chain of its own, those of others kept.
 *
 *	{"evidence":<SHA-256 of the dispute file>,"fault":..[,"file":<the dispute file>][,"height":..],
 *	 "kind":"proof"|"complaint"[,"ledger_seq":..],"origin":..,"type":"dispute"}
 *
 * Invariant: a dispute has one event, on the first open chain of this node
 * that has a key, a shared one if there is one: event and filed_seq are one
 * transaction.  A proof travels in its event if it fits, so that everybody
 * who follows that chain can judge it himself.
 * Context: sc_dispute_record_events in the sealing worker, outside a transaction.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "contract/json_tree.h"
#include "contract/memory.h"
#include "core/hash.h"
#include "core/note.h"
#include "ledger/journal.h"
#include "ledger/registry.h"
#include "network/dispute.h"
#include "network/seen.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* a longer proof does not travel in its event */
#define SC_DISPUTE_FILE_MAX 32768

/* so much is kept of what one chain tells about another: a cheat fills nobody's views */
#define SC_HEARD_MAX 1000

/* seoulchain.heard_dispute */
enum
{
	SC_HEARD_ATTR_CHAIN_ID = 1,
	SC_HEARD_ATTR_EVENT_SEQ,
	SC_HEARD_ATTR_ORIGIN,
	SC_HEARD_ATTR_HEIGHT,
	SC_HEARD_ATTR_SEQ,
	SC_HEARD_ATTR_FAULT,
	SC_HEARD_ATTR_PROOF,
	SC_HEARD_ATTR_DIGEST,
	SC_HEARD_ATTR_FILE,
	SC_HEARD_ATTR_HEARD_AT
};

#define SC_HEARD_NATTS 10

/* the chain on which this node says what it found, or NULL */
static ScChain *
own_chain(void)
{
	ScChain    *found = NULL;
	ListCell   *cell;

	foreach(cell, sc_chain_list())
	{
		ScChain    *chain = lfirst(cell);

		if (chain->copy || chain->log_key == NULL || !sc_chain_is_open(chain))
			continue;
		if (chain->shared)
			return chain;
		if (found == NULL)
			found = chain;
	}
	return found;
}

static void
add_text(ScJson *event, const char *key, const char *text)
{
	sc_tree_add(event, key, sc_tree_string(text));
}

/* a column's text, or NULL */
static char *
text_or_null(HeapTuple tuple, AttrNumber attno, Relation rel)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attno, RelationGetDescr(rel), &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* adds a column that may be null as a decimal */
static void
add_number(ScJson *event, const char *key, HeapTuple tuple, AttrNumber attno, Relation rel)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attno, RelationGetDescr(rel), &isnull);

	if (!isnull)
		add_text(event, key, psprintf(INT64_FORMAT, DatumGetInt64(value)));
}

static char *
sha256_hex(const char *text)
{
	ScBuf	   *hex = sc_context_buf();
	ScHash		hash;

	sc_hash_bytes(&hash, text, strlen(text));
	sc_buf_hex(hex, hash.bytes, SC_HASH_LEN);
	return sc_buf_copy(hex);
}

/* the event about a row of the table */
static ScBuf *
event_of(HeapTuple tuple, Relation rel)
{
	ScJson	   *event = sc_tree_object();
	ScBuf	   *text = sc_context_buf();
	char	   *evidence = text_or_null(tuple, SC_DISPUTE_ATTR_EVIDENCE, rel);
	bool		proof = DatumGetBool(sc_internal_attr(tuple, SC_DISPUTE_ATTR_PROOF, rel));

	add_text(event, "type", SC_EVENT_DISPUTE);
	add_text(event, "origin", text_or_null(tuple, SC_DISPUTE_ATTR_ORIGIN, rel));
	add_text(event, "fault", text_or_null(tuple, SC_DISPUTE_ATTR_FAULT, rel));
	add_text(event, "kind", proof ? "proof" : "complaint");
	add_number(event, "height", tuple, SC_DISPUTE_ATTR_HEIGHT, rel);
	add_number(event, "ledger_seq", tuple, SC_DISPUTE_ATTR_SEQ, rel);
	add_text(event, "evidence", sha256_hex(evidence));
	if (proof && strlen(evidence) <= SC_DISPUTE_FILE_MAX)
		add_text(event, "file", evidence);
	sc_tree_write(text, event);
	return text;
}

/* records the event about one row, and says so in it */
static void
record_one(const ScChain *chain, HeapTuple tuple, Relation rel)
{
	Datum		values[SC_DISPUTE_NATTS] = {0};
	bool		nulls[SC_DISPUTE_NATTS] = {false};
	bool		replace[SC_DISPUTE_NATTS] = {false};
	int64		seq = sc_event_record(chain, SC_TABLE_EVENTS, NULL, event_of(tuple, rel));
	char	   *settled = text_or_null(tuple, SC_DISPUTE_ATTR_SETTLED_WHY, rel);

	values[SC_DISPUTE_ATTR_FILED_CHAIN_ID - 1] = Int32GetDatum(chain->chain_id);
	values[SC_DISPUTE_ATTR_FILED_SEQ - 1] = Int64GetDatum(seq);
	replace[SC_DISPUTE_ATTR_FILED_CHAIN_ID - 1] = true;
	replace[SC_DISPUTE_ATTR_FILED_SEQ - 1] = true;
	CatalogTupleUpdate(rel, &tuple->t_self, heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replace));
	/* settled before this worker came to it */
	if (settled != NULL)
		sc_dispute_record_settled(chain, seq, settled);
}

/* rows that have no event yet, copied; under the table's lock */
static List *
unfiled(void)
{
	List	   *tuples = NIL;
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	ScanKeyEntryInitialize(&key, SK_ISNULL | SK_SEARCHNULL, SC_DISPUTE_ATTR_FILED_SEQ, InvalidStrategy,
						   InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
	sc_internal_scan_begin(&scan, "dispute", "dispute_filed", snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		tuples = lappend(tuples, heap_copytuple(tuple));
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return tuples;
}

void
sc_dispute_record_events(void)
{
	const ScChain *chain = NULL;
	ListCell   *cell;
	List	   *tuples;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	tuples = unfiled();
	if (tuples != NIL)
		chain = own_chain();
	if (chain != NULL)
	{
		Relation	rel = sc_internal_open("dispute", ShareRowExclusiveLock);

		/* nobody else writes filed_seq, but rows may have been settled meanwhile */
		foreach(cell, unfiled())
			record_one(chain, lfirst(cell), rel);
		table_close(rel, NoLock);
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* has this chain told it already, or too many about that one? */
static bool
heard_or_full(const ScChain *teller, const char *origin, int64 height, int64 ledger_seq, const char *fault)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	int			count = 0;
	bool		found = false;

	ScanKeyInit(&key, SC_HEARD_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(origin));
	sc_internal_scan_begin(&scan, "heard_dispute", "heard_dispute_origin", snapshot, &key, 1);
	while (!found && (tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		if (DatumGetInt32(sc_internal_attr(tuple, SC_HEARD_ATTR_CHAIN_ID, scan.rel)) != teller->chain_id)
			continue;
		count++;
		found = sc_internal_int8_or(tuple, SC_HEARD_ATTR_HEIGHT, scan.rel, -1) == height &&
			sc_internal_int8_or(tuple, SC_HEARD_ATTR_SEQ, scan.rel, 0) == ledger_seq &&
			strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_HEARD_ATTR_FAULT, scan.rel)), fault) == 0;
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found || count >= SC_HEARD_MAX;
}

/* a decimal member, or none */
static int64
number_member(const ScJson *event, const char *key, int64 none)
{
	const char *text = sc_tree_text(event, key);
	uint64_t	value;

	return text != NULL && strlen(text) < 20 && strspn(text, "0123456789") == strlen(text) && text[0] != '\0' &&
		(value = strtoull(text, NULL, 10)) <= PG_INT64_MAX ? (int64) value : none;
}

void
sc_dispute_apply_event(const ScChain *teller, int64 seq, const ScJson *event)
{
	const char *origin = sc_tree_text(event, "origin");
	const char *fault = sc_tree_text(event, "fault");
	const char *kind = sc_tree_text(event, "kind");
	const char *digest = sc_tree_text(event, "evidence");
	const char *file = sc_tree_text(event, "file");
	int64		height = number_member(event, "height", -1);
	int64		ledger_seq = number_member(event, "ledger_seq", 0);
	Datum		values[SC_HEARD_NATTS] = {0};
	bool		nulls[SC_HEARD_NATTS] = {false};
	Relation	rel;

	if (origin == NULL || fault == NULL || kind == NULL || digest == NULL || strlen(origin) > SC_NAME_MAX || strlen(fault) > SC_NAME_MAX)
		return;
	/* judged, whatever is kept of it */
	if (file != NULL)
		sc_seen_dispute_file(file);
	if (heard_or_full(teller, origin, height, ledger_seq, fault))
		return;
	rel = sc_internal_open("heard_dispute", RowExclusiveLock);
	values[SC_HEARD_ATTR_CHAIN_ID - 1] = Int32GetDatum(teller->chain_id);
	values[SC_HEARD_ATTR_EVENT_SEQ - 1] = Int64GetDatum(seq);
	values[SC_HEARD_ATTR_ORIGIN - 1] = CStringGetTextDatum(origin);
	values[SC_HEARD_ATTR_HEIGHT - 1] = Int64GetDatum(height);
	nulls[SC_HEARD_ATTR_HEIGHT - 1] = height < 0;
	values[SC_HEARD_ATTR_SEQ - 1] = Int64GetDatum(ledger_seq);
	nulls[SC_HEARD_ATTR_SEQ - 1] = ledger_seq <= 0;
	values[SC_HEARD_ATTR_FAULT - 1] = CStringGetTextDatum(fault);
	values[SC_HEARD_ATTR_PROOF - 1] = BoolGetDatum(strcmp(kind, "proof") == 0);
	values[SC_HEARD_ATTR_DIGEST - 1] = CStringGetTextDatum(digest);
	nulls[SC_HEARD_ATTR_FILE - 1] = file == NULL;
	if (file != NULL)
		values[SC_HEARD_ATTR_FILE - 1] = CStringGetTextDatum(file);
	values[SC_HEARD_ATTR_HEARD_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

void
sc_dispute_judge_heard(const char *origin)
{
	List	   *files = NIL;
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	ListCell   *lc;

	ScanKeyInit(&key, SC_HEARD_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(origin));
	sc_internal_scan_begin(&scan, "heard_dispute", "heard_dispute_origin", GetActiveSnapshot(), &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		char	   *file = text_or_null(tuple, SC_HEARD_ATTR_FILE, scan.rel);

		if (file != NULL)
			files = lappend(files, file);
	}
	sc_internal_scan_end(&scan);
	foreach(lc, files)
		sc_seen_dispute_file(lfirst(lc));
}
