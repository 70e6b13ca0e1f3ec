/*
 * seen_publish.c
 *	  Telling on this node's chains which checkpoints of other nodes it has.
 *
 * Invariant: a block of a shared chain that has other leaves gets one event
 * with the newest signed checkpoints of followed chains that are newer than
 * those which this chain told before; the event, what was told and the block
 * are one transaction.  A note bears the lines of its origin's key only.  An
 * event has at most SC_SEEN_EVENT_MAX bytes; what does not fit comes with the
 * next block.
 * Context: the sealing worker, in the block's transaction.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "contract/memory.h"
#include "core/json.h"
#include "ledger/journal.h"
#include "network/seen.h"
#include "seal/block.h"
#include "seal/internal_scan.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define SC_SEEN_EVENT_MAX 32768

/* seoulchain.republished */
enum
{
	SC_REPUBLISHED_ATTR_CHAIN_ID = 1,
	SC_REPUBLISHED_ATTR_ORIGIN,
	SC_REPUBLISHED_ATTR_TREE_SIZE
};

#define SC_REPUBLISHED_NATTS 3

/* the row of what this chain told last about an origin, copied; NULL when it told nothing */
static HeapTuple
told_row(const ScChain *chain, const char *origin, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	sc_key_int4(&keys[0], SC_REPUBLISHED_ATTR_CHAIN_ID, chain->chain_id);
	ScanKeyInit(&keys[1], SC_REPUBLISHED_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(origin));
	sc_internal_scan_begin(&scan, "republished", "republished_pkey", snapshot, keys, 2);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (tuple != NULL)
		tuple = heap_copytuple(tuple);
	sc_internal_scan_end(&scan);
	return tuple;
}

/* remembers what is being told */
static void
tell(Relation rel, const ScChain *chain, const char *origin, int64 size, HeapTuple before)
{
	Datum		values[SC_REPUBLISHED_NATTS];
	bool		nulls[SC_REPUBLISHED_NATTS] = {false};
	HeapTuple	tuple;

	values[SC_REPUBLISHED_ATTR_CHAIN_ID - 1] = Int32GetDatum(chain->chain_id);
	values[SC_REPUBLISHED_ATTR_ORIGIN - 1] = CStringGetTextDatum(origin);
	values[SC_REPUBLISHED_ATTR_TREE_SIZE - 1] = Int64GetDatum(size);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	if (before == NULL)
		CatalogTupleInsert(rel, tuple);
	else
		CatalogTupleUpdate(rel, &before->t_self, tuple);
}

/* the lines that the origin's own keys signed; NULL when there is none */
static char *
origin_lines(const char *origin, char *note)
{
	ScNote	   *parsed = palloc(sizeof(ScNote));
	ScBuf	   *lines = sc_context_buf();

	if (sc_note_parse(parsed, note, strlen(note), true) != SC_OK)
		return NULL;
	for (int i = 0; i < parsed->nsigs; i++)
	{
		const ScNoteSignature *sig = &parsed->sigs[i];

		if (sig->namelen == strlen(origin) && memcmp(sig->name, origin, sig->namelen) == 0)
			sc_buf_append(lines, sig->line, sig->linelen);
	}
	pfree(parsed);
	return lines->len == 0 ? NULL : sc_buf_copy(lines);
}

/* the newest signed checkpoint of a copy; NULL when there is none beyond `above` leaves */
static char *
newest_note(const ScChain *copy, int64 above, Snapshot snapshot, int64 *size)
{
	ScBlock		block;
	int64		height;
	char	   *lines;

	if (!sc_signature_find(copy->chain_id, -1, snapshot, &height, size, &lines) || *size <= above ||
		!sc_block_by_height(copy->chain_id, height, snapshot, &block))
		return NULL;
	lines = origin_lines(copy->origin, sc_checkpoint_note(copy->origin, *size, &block.root_hash, lines));
	return lines == NULL ? NULL : sc_checkpoint_note(copy->origin, *size, &block.root_hash, lines);
}

/* adds a copy's newest note to the event, if it is news for the chain and there is room */
static void
add_note(ScBuf *event, Relation rel, const ScChain *chain, const ScChain *copy, Snapshot snapshot)
{
	HeapTuple	before = told_row(chain, copy->origin, snapshot);
	int64		above = before == NULL ? 0 :
		DatumGetInt64(sc_internal_attr(before, SC_REPUBLISHED_ATTR_TREE_SIZE, rel));
	int64		size;
	char	   *note = newest_note(copy, above, snapshot, &size);

	/* a character becomes six bytes at most */
	if (note == NULL || event->len + 6 * strlen(note) > SC_SEEN_EVENT_MAX)
		return;
	if (event->data[event->len - 1] == '"')
		sc_buf_char(event, ',');
	sc_json_string(event, note, strlen(note));
	tell(rel, chain, copy->origin, size, before);
}

/* sc_block_join_hook */
static bool
join_block(const ScChain *chain, int64 *seq, ScHash *leaf)
{
	static const char start[] = "{\"checkpoints\":[";
	Relation	rel;
	Snapshot	snapshot;
	ScBuf	   *event;
	ListCell   *cell;

	if (chain->log_key == NULL)
		return false;
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	rel = sc_internal_open("republished", RowExclusiveLock);
	event = sc_context_buf();
	sc_buf_literal(event, start);
	foreach(cell, sc_chain_list())
	{
		const ScChain *copy = lfirst(cell);

		if (copy->copy && copy->log_key != NULL)
			add_note(event, rel, chain, copy, snapshot);
	}
	table_close(rel, NoLock);
	UnregisterSnapshot(snapshot);
	if (event->len == strlen(start))
		return false;
	sc_buf_literal(event, "],\"type\":\"" SC_EVENT_SEEN "\"}");
	*seq = sc_event_make(chain, SC_TABLE_EVENTS, NULL, event, leaf);
	return true;
}

void
sc_seen_publish_init(void)
{
	sc_block_join_hook = join_block;
}
