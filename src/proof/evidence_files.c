/*
 * evidence_files.c
 *	  The single files of evidence: receipts of rows and events, checkpoints, timestamps.
 *
 * Invariant: every receipt is of one checkpoint, so that an outsider needs no
 * consistency proof for them; a checkpoint of another size comes with one.
 * Context: the snapshot of the caller.  Privileges: rows only for those who
 * may SELECT them (locate.c); events and checkpoints are made to be shown.
 */
#include "postgres.h"

#include "proof/evidence.h"

#include "core/json.h"
#include "core/leaf.h"
#include "core/prooffile.h"
#include "ledger/error.h"
#include "ledger/registry_tables.h"
#include "proof/inclusion.h"
#include "proof/node_cache.h"
#include "proof/receipt.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "seal/timestamp_store.h"
#include "seal/final.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"

/* the note of a signed block, and its root */
static char *
signed_note(ScEvidenceFiles *files, int64 height, int64 *size, ScHash *root)
{
	ScBlock		block;
	char	   *lines;

	if (!sc_signature_find(files->chain->chain_id, height, files->snapshot, &height, size, &lines) ||
		!sc_block_by_height(files->chain->chain_id, height, files->snapshot, &block))
		return NULL;
	files->height = height;
	*root = block.root_hash;
	lines = sc_note_lines_hook(files->chain, height, lines, files->snapshot);
	return sc_checkpoint_note(files->chain->origin, *size, root, lines);
}

void
sc_evidence_begin(ScEvidenceFiles *files, ReturnSetInfo *result, const ScChain *chain, Snapshot snapshot,
				  int64 leaf, int64 ledger_seq)
{
	files->result = result;
	files->chain = chain;
	files->snapshot = snapshot;
	files->note = signed_note(files, -1, &files->tree_size, &files->root);
	if (files->note == NULL || files->tree_size <= leaf)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the block of row with ledger_seq %lld is not signed yet", (long long) ledger_seq),
				 errhint("Run SELECT seoulchain.seal('%s'), which waits for the signature.", chain->name)));
}

void
sc_evidence_file(ScEvidenceFiles *files, const char *name, const void *data, size_t len)
{
	Datum		values[2] = {CStringGetTextDatum(name), sc_internal_bytea(data, len)};
	bool		nulls[2] = {false};

	tuplestore_putvalues(files->result->setResult, files->result->setDesc, values, nulls);
}

/* hands a buffer on and frees it */
static void
put_buf(ScEvidenceFiles *files, const char *name, ScBuf *buf)
{
	char	   *copy = buf->failed ? NULL : MemoryContextAllocExtended(CurrentMemoryContext, buf->len + 1, MCXT_ALLOC_NO_OOM);
	size_t		len = buf->len;

	if (copy && len > 0)
		memcpy(copy, buf->data, len);
	sc_buf_free(buf);
	if (copy == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	sc_evidence_file(files, name, copy, len);
	pfree(copy);
}

void
sc_evidence_row(ScEvidenceFiles *files, const char *name, Oid relid, int64 ledger_seq)
{
	ScRowPlace	place;
	text	   *receipt;

	sc_row_locate(&place, relid, ledger_seq, files->snapshot);
	receipt = sc_receipt_text(&place, files->tree_size, false, files->snapshot);
	sc_evidence_file(files, name, VARDATA(receipt), VARSIZE(receipt) - VARHDRSZ);
	sc_row_done(&place);
}

/* the events of the chain from a number on */
static void
scan_events(ScInternalScan *scan, ScEvidenceFiles *files, StrategyNumber strategy, int64 ledger_seq)
{
	ScanKeyData keys[2];

	sc_key_int4(&keys[0], SC_EVENT_ATTR_CHAIN_ID, files->chain->chain_id);
	sc_key_int8(&keys[1], SC_EVENT_ATTR_SEQ, strategy, ledger_seq);
	sc_internal_scan_begin(scan, "event", "event_pkey", files->snapshot, keys, 2);
}

/* the leaf of an event */
static char *
event_leaf(ScEvidenceFiles *files, int64 ledger_seq)
{
	ScInternalScan scan;
	HeapTuple	tuple;
	char	   *leaf = NULL;

	scan_events(&scan, files, BTEqualStrategyNumber, ledger_seq);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
		leaf = TextDatumGetCString(sc_internal_attr(tuple, SC_EVENT_ATTR_LEAF, scan.rel));
	sc_internal_scan_end(&scan);
	if (leaf == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("event with ledger_seq %lld of chain \"%s\" is missing", (long long) ledger_seq, files->chain->name),
				 errhint("SELECT * FROM seoulchain.verify() tells what was changed.")));
	return leaf;
}

void
sc_evidence_event(ScEvidenceFiles *files, const char *name, int64 ledger_seq)
{
	int32		chain_id = files->chain->chain_id;
	char	   *leaf = event_leaf(files, ledger_seq);
	int64		index = sc_member_leaf_index(chain_id, ledger_seq, files->snapshot);
	ScHash		path[SC_PROOF_MAX];
	ScHash		hash;
	ScHash		root;
	ScBuf		buf = SC_BUF_INIT;
	int			npath;

	if (index < 0 || index >= files->tree_size)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("event with ledger_seq %lld is not in a signed block yet", (long long) ledger_seq),
				 errhint("Run SELECT seoulchain.seal('%s'), which waits for the signature.", files->chain->name)));
	sc_hash_leaf(&hash, leaf, strlen(leaf));
	npath = sc_inclusion_path(path, chain_id, index, files->tree_size, files->snapshot);
	sc_inclusion_root(&root, &hash, index, files->tree_size, path, npath);
	sc_inclusion_require_root(chain_id, files->height, files->snapshot, &root);
	sc_prooffile_format(&buf, leaf, strlen(leaf), index, path, npath, files->note, strlen(files->note));
	put_buf(files, name, &buf);
}

/* whether an event's leaf is of the type */
static bool
is_of_type(const char *text, const char *type)
{
	ScLeaf		leaf;
	bool		same;

	if (sc_leaf_parse(&leaf, text, strlen(text)) != SC_OK)
		return false;
	same = leaf.kind == SC_LEAF_EVENT && strcmp(sc_json_member(leaf.event, "type")->string, type) == 0;
	sc_leaf_free(&leaf);
	return same;
}

int64
sc_evidence_find_event(ScEvidenceFiles *files, const char *type, int64 behind)
{
	ScInternalScan scan;
	HeapTuple	tuple;
	int64		found = 0;

	scan_events(&scan, files, BTGreaterStrategyNumber, behind);
	while (found == 0 && HeapTupleIsValid(tuple = sc_internal_scan_next(&scan, ForwardScanDirection)))
	{
		if (is_of_type(TextDatumGetCString(sc_internal_attr(tuple, SC_EVENT_ATTR_LEAF, scan.rel)), type))
			found = DatumGetInt64(sc_internal_attr(tuple, SC_EVENT_ATTR_SEQ, scan.rel));
	}
	sc_internal_scan_end(&scan);
	return found;
}

void
sc_evidence_long_text(ScEvidenceFiles *files, const char *name, const char *text, size_t len)
{
	if (len > SC_LEAF_LONG_VALUE)
		sc_evidence_file(files, name, text, len);
}

void
sc_evidence_long_bytea(ScEvidenceFiles *files, const char *name, const void *data, size_t len)
{
	/* leaves have a bytea as "\x" and hex */
	if (2 * len + 2 > SC_LEAF_LONG_VALUE)
		sc_evidence_file(files, name, data, len);
}

/* how the tree of that size goes on to the receipts': one base64 hash a line */
static void
put_consistency(ScEvidenceFiles *files, int64 size)
{
	ScProofPlan plan;
	ScHash		nodes[SC_PLAN_MAX];
	ScHash		path[SC_PROOF_MAX];
	ScBuf		buf = SC_BUF_INIT;

	if (sc_tree_plan_consistency(&plan, size, files->tree_size) != SC_OK)
		elog(ERROR, "sizes %lld and %lld have no consistency proof", (long long) size, (long long) files->tree_size);
	if (plan.nids > 0)
		sc_node_cache_nodes(files->chain->chain_id, plan.ids, plan.nids, files->snapshot, nodes);
	sc_tree_plan_path(path, &plan, nodes);
	for (int i = 0; i < plan.npath; i++)
	{
		sc_buf_base64(&buf, path[i].bytes, SC_HASH_LEN);
		sc_buf_char(&buf, '\n');
	}
	put_buf(files, psprintf("consistency-%lld", (long long) size), &buf);
}

/* the signed checkpoint of that size, unless it is the receipts' own */
static void
put_checkpoint(ScEvidenceFiles *files, int64 size)
{
	int64		height;
	ScEvidenceFiles own = *files;
	ScHash		root;
	char	   *note;

	if (size == files->tree_size || !sc_signature_by_size(files->chain->chain_id, size, files->snapshot, &height))
		return;
	note = signed_note(&own, height, &size, &root);
	if (note == NULL)
		return;
	sc_evidence_file(files, psprintf("checkpoint-%lld", (long long) size), note, strlen(note));
	put_consistency(files, size);
}

/* the size of the first signed checkpoint that holds the leaf */
static int64
first_signed(ScEvidenceFiles *files, int64 leaf)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;
	int64		size = files->tree_size;

	sc_key_int4(&keys[0], SC_SIGNATURE_ATTR_CHAIN_ID, files->chain->chain_id);
	sc_key_int8(&keys[1], SC_SIGNATURE_ATTR_TREE_SIZE, BTGreaterStrategyNumber, leaf);
	sc_internal_scan_begin(&scan, "signature", "signature_tree_size", files->snapshot, keys, 2);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
		size = DatumGetInt64(sc_internal_attr(tuple, SC_SIGNATURE_ATTR_TREE_SIZE, scan.rel));
	sc_internal_scan_end(&scan);
	return size;
}

void
sc_evidence_times(ScEvidenceFiles *files, int64 leaf)
{
	List	   *stamps = sc_timestamps_covering(files->chain->chain_id, leaf, files->snapshot);
	int64		first = first_signed(files, leaf);
	int64		stamped = stamps ? ((const ScStoredTimestamp *) linitial(stamps))->tree_size : first;
	ListCell   *cell;

	put_checkpoint(files, first);
	if (stamped != first)
		put_checkpoint(files, stamped);
	foreach(cell, stamps)
	{
		const ScStoredTimestamp *stamp = lfirst(cell);

		/* a checkpoint that is newer than the receipts' would want a proof the other way */
		if (stamp->tree_size <= files->tree_size)
			sc_evidence_file(files, psprintf("timestamp-%lld-%d.tsr", (long long) stamp->tree_size, foreach_current_index(cell) + 1),
							 VARDATA_ANY(stamp->token), VARSIZE_ANY_EXHDR(stamp->token));
	}
}
