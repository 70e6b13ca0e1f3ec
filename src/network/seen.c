/*
 * seen.c
 *	  Keeping signed checkpoints that came from elsewhere until they can be compared.
 *
 * Invariant: what a source tells costs it its own room only: of one chain at
 * most SC_SEEN_MAX notes of one source are kept, the smaller trees first,
 * since these are compared first; of a chain that this node does not have
 * (yet) the newest one, and of SC_SEEN_STRANGE_MAX such chains.  Nothing of a
 * note is believed here: seen_compare.c asks for the log's signature.
 *
 * Most of what is heard is what this node has itself: that is looked up by
 * size and leaves nothing behind.
 * Context: a transaction, that of an apply worker mostly.
 */
#include "postgres.h"

#include "network/seen.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "core/disputefile.h"
#include "core/note.h"
#include "network/message.h"
#include "seal/arrival.h"
#include "seal/internal_scan.h"
#include "seal/tree_store.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define SC_SEEN_MAX 64
#define SC_SEEN_STRANGE_MAX 1024
#define SC_SEEN_NOTE_MAX 4096

/* announcements of blocks that are here, in one turn: other chains wait meanwhile */
#define SC_SEEN_OLD_MAX 256

/* the chain of that origin here, a copy or an own one; NULL when there is none */
static ScChain *
chain_by_origin(const char *origin)
{
	ListCell   *cell;

	foreach(cell, sc_chain_list())
	{
		ScChain    *chain = lfirst(cell);

		if (strcmp(chain->origin, origin) == 0)
			return chain;
	}
	return NULL;
}

/* does the chain say the same here? */
static bool
same_here(const ScChain *chain, const ScCheckpoint *checkpoint, Snapshot snapshot)
{
	ScBlock		block;

	return sc_block_by_leaf(chain->chain_id, (int64) checkpoint->size - 1, snapshot, &block) &&
		(uint64) block.tree_size == checkpoint->size &&
		memcmp(block.root_hash.bytes, checkpoint->root.bytes, SC_HASH_LEN) == 0;
}

/* is it kept already, or has its source told enough? */
static bool
kept_or_full(const ScCheckpoint *checkpoint, const char *note, const char *source, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	int			count = 0;
	bool		found = false;

	ScanKeyInit(&key, SC_SEEN_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(checkpoint->origin));
	sc_internal_scan_begin(&scan, "seen", "seen_origin", snapshot, &key, 1);
	while (!found && (tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		count += strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_SEEN_ATTR_SOURCE, scan.rel)), source) == 0;
		found = DatumGetInt64(sc_internal_attr(tuple, SC_SEEN_ATTR_TREE_SIZE, scan.rel)) == (int64) checkpoint->size &&
			strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_SEEN_ATTR_NOTE, scan.rel)), note) == 0;
	}
	sc_internal_scan_end(&scan);
	return found || count >= SC_SEEN_MAX;
}

static void
keep(const ScCheckpoint *checkpoint, const char *note, const char *source)
{
	Relation	rel = sc_internal_open("seen", RowExclusiveLock);
	Datum		values[SC_SEEN_NATTS];
	bool		nulls[SC_SEEN_NATTS] = {false};

	values[SC_SEEN_ATTR_ORIGIN - 1] = CStringGetTextDatum(checkpoint->origin);
	values[SC_SEEN_ATTR_TREE_SIZE - 1] = Int64GetDatum((int64) checkpoint->size);
	values[SC_SEEN_ATTR_NOTE - 1] = CStringGetTextDatum(note);
	values[SC_SEEN_ATTR_SOURCE - 1] = CStringGetTextDatum(source);
	values[SC_SEEN_ATTR_SEEN_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
	CommandCounterIncrement();
	sc_arrival_at_commit();
}

/* forgets what a source told of a chain that is not here; false when it has told of too many others */
static bool
make_room(const char *origin, const char *source, Snapshot snapshot)
{
	Relation	rel = sc_internal_open("seen", RowExclusiveLock);
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	int			count = 0;

	ScanKeyInit(&key, SC_SEEN_ATTR_SOURCE, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(source));
	sc_internal_scan_begin(&scan, "seen", "seen_source", snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		count++;
		if (strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_SEEN_ATTR_ORIGIN, rel)), origin) == 0)
			simple_heap_delete(rel, &tuple->t_self);
	}
	sc_internal_scan_end(&scan);
	table_close(rel, NoLock);
	return count < SC_SEEN_STRANGE_MAX;
}

void
sc_seen_note(const char *note, const char *source)
{
	size_t		len = strlen(note);
	ScNote	   *parsed = palloc(sizeof(ScNote));
	ScCheckpoint checkpoint;
	ScChain    *chain;
	Snapshot	snapshot;

	if (len > SC_SEEN_NOTE_MAX || sc_note_parse(parsed, note, len, false) != SC_OK ||
		sc_checkpoint_parse(&checkpoint, parsed->text, parsed->textlen) != SC_OK ||
		checkpoint.size == 0 || checkpoint.size > PG_INT64_MAX)
		return;
	chain = chain_by_origin(checkpoint.origin);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (chain == NULL)
	{
		if (make_room(checkpoint.origin, source, snapshot))
			keep(&checkpoint, note, source);
	}
	else if (!same_here(chain, &checkpoint, snapshot) && !kept_or_full(&checkpoint, note, source, snapshot))
		keep(&checkpoint, note, source);
	UnregisterSnapshot(snapshot);
}

void
sc_seen_message(HeapTuple tuple, Relation rel)
{
	bool		isnull;
	Datum		body = heap_getattr(tuple, SC_MESSAGE_ATTR_BODY, RelationGetDescr(rel), &isnull);
	char	   *note = isnull ? NULL : strchr(TextDatumGetCString(body), '\n');

	if (note == NULL)
		return;
	sc_seen_note(note + 1, TextDatumGetCString(sc_internal_attr(tuple, SC_MESSAGE_ATTR_SENDER, rel)));
	sc_seen_announced(chain_by_origin(TextDatumGetCString(sc_internal_attr(tuple, SC_MESSAGE_ATTR_ORIGIN, rel))),
					  DatumGetInt64(sc_internal_attr(tuple, SC_MESSAGE_ATTR_NUMBER, rel)), note + 1);
}

bool
sc_seen_old_messages(const ScChain *chain, int64 height)
{
	ScanKeyData keys[3];
	ScInternalScan scan;
	HeapTuple	tuple;
	int			count = 0;

	ScanKeyInit(&keys[0], SC_MESSAGE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(chain->origin));
	ScanKeyInit(&keys[1], SC_MESSAGE_ATTR_KIND, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(SC_MESSAGE_BLOCK));
	sc_key_int8(&keys[2], SC_MESSAGE_ATTR_NUMBER, BTLessEqualStrategyNumber, height);
	LockRelationOid(sc_registry_relation("message"), RowExclusiveLock);
	sc_internal_scan_begin(&scan, "message", "message_origin", GetActiveSnapshot(), keys, 3);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL && count++ < SC_SEEN_OLD_MAX)
	{
		sc_seen_message(tuple, scan.rel);
		simple_heap_delete(scan.rel, &tuple->t_self);
	}
	sc_internal_scan_end(&scan);
	CommandCounterIncrement();
	return tuple != NULL;
}

void
sc_seen_apply_event(const ScChain *teller, const ScJson *event)
{
	const ScJson *notes = sc_json_member(event, "checkpoints");

	if (notes == NULL || notes->kind != SC_JSON_ARRAY)
		return;
	for (const ScJson *note = notes->first; note != NULL; note = note->next)
	{
		if (note->kind == SC_JSON_STRING)
			sc_seen_note(note->string, teller->origin);
	}
}

void
sc_seen_dispute_file(const char *file)
{
	ScDisputeFile *parsed = palloc(sizeof(ScDisputeFile));
	ScContradiction *found = palloc(sizeof(ScContradiction));
	ScChain    *chain;

	if (sc_disputefile_parse(parsed, file, strlen(file)) == SC_OK &&
		sc_disputefile_contradiction(found, parsed) == SC_OK &&
		(chain = chain_by_origin(found->checkpoint[0].origin)) != NULL)
		sc_seen_contradiction(chain, found, file);
	pfree(found);
	pfree(parsed);
}
