/*
 * rotation_receipt.c
 *	  key_rotations: the changes of a chain's keys, each with the receipt that convinces holders of the old key.
 *
 * The receipt of an ordinary row has the newest checkpoint; that of a
 * rotation has the one of the block that holds its event, which both keys
 * signed.
 *
 * Context: the newest committed state.  Source: docs/format.md 3.1.
 */
#include "postgres.h"

#include "core/prooffile.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/registry_tables.h"
#include "proof/inclusion.h"
#include "proof/receipt.h"
#include "seal/final.h"
#include "seal/internal_scan.h"
#include "seal/key_history.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_key_rotations);

#define SC_KEY_ROTATIONS_NATTS 5

/* the leaf of an event; errors when it is not there */
static char *
event_leaf(const ScChain *chain, int64 seq, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;
	char	   *leaf;

	sc_key_int4(&keys[0], SC_EVENT_ATTR_CHAIN_ID, chain->chain_id);
	sc_key_int8(&keys[1], SC_EVENT_ATTR_SEQ, BTEqualStrategyNumber, seq);
	sc_internal_scan_begin(&scan, "event", "event_pkey", snapshot, keys, 2);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the event with ledger_seq " INT64_FORMAT " of chain \"%s\" is missing", seq, chain->name),
				 errhint("Run seoulchain.verify() and repair the chain from a copy.")));
	leaf = TextDatumGetCString(sc_internal_attr(tuple, SC_EVENT_ATTR_LEAF, scan.rel));
	sc_internal_scan_end(&scan);
	return leaf;
}

/* the receipt of an event under the checkpoint of its own block */
static text *
make_receipt(const ScChain *chain, const char *leaf, int64 leaf_index, const ScBlock *block, const char *lines,
			 Snapshot snapshot)
{
	ScHash		path[SC_PROOF_MAX];
	ScHash		hash;
	ScHash		root;
	ScBuf		buf = SC_BUF_INIT;
	char	   *note;
	text	   *result;
	int			npath = sc_inclusion_path(path, chain->chain_id, leaf_index, block->tree_size, snapshot);

	sc_hash_leaf(&hash, leaf, strlen(leaf));
	sc_inclusion_root(&root, &hash, leaf_index, block->tree_size, path, npath);
	sc_inclusion_require_root(chain->chain_id, block->height, snapshot, &root);
	note = sc_checkpoint_note(chain->origin, block->tree_size, &root, lines);
	sc_prooffile_format(&buf, leaf, strlen(leaf), leaf_index, path, npath, note, strlen(note));
	if (buf.failed)
	{
		sc_buf_free(&buf);
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	result = cstring_to_text_with_len(buf.data, buf.len);
	sc_buf_free(&buf);
	return result;
}

text *
sc_event_receipt(const ScChain *chain, int64 ledger_seq, Snapshot snapshot)
{
	int64		leaf = sc_member_leaf_index(chain->chain_id, ledger_seq, snapshot);
	ScBlock		block;
	int64		size;
	int64		height;
	char	   *lines;

	if (leaf < 0 || !sc_block_by_leaf(chain->chain_id, leaf, snapshot, &block) ||
		!sc_signature_find(chain->chain_id, block.height, snapshot, &height, &size, &lines))
		return NULL;
	return make_receipt(chain, event_leaf(chain, ledger_seq, snapshot), leaf, &block, lines, snapshot);
}

text *
sc_event_receipt_at(const ScChain *chain, int64 ledger_seq, int64 tree_size, Snapshot snapshot)
{
	int64		leaf = sc_member_leaf_index(chain->chain_id, ledger_seq, snapshot);
	ScBlock		block;
	int64		size;
	int64		height;
	char	   *lines;

	if (leaf < 0 || leaf >= tree_size || !sc_signature_by_size(chain->chain_id, tree_size, snapshot, &height) ||
		!sc_block_by_height(chain->chain_id, height, snapshot, &block) ||
		!sc_signature_find(chain->chain_id, height, snapshot, &height, &size, &lines))
		return NULL;
	return make_receipt(chain, event_leaf(chain, ledger_seq, snapshot), leaf, &block,
						sc_note_lines_hook(chain, height, lines, snapshot), snapshot);
}

/* one rotation's row */
static void
put_rotation(ReturnSetInfo *rsinfo, const ScChain *chain, const char *old_key, const ScKeyEpoch *epoch, Snapshot snapshot)
{
	Datum		values[SC_KEY_ROTATIONS_NATTS] = {0};
	bool		nulls[SC_KEY_ROTATIONS_NATTS] = {false};
	ScBlock		block;

	values[0] = Int64GetDatum(epoch->seq);
	nulls[1] = nulls[4] = true;
	values[2] = CStringGetTextDatum(old_key);
	values[3] = CStringGetTextDatum(epoch->key);
	if (epoch->leaf != PG_INT64_MAX && sc_block_by_leaf(chain->chain_id, epoch->leaf, snapshot, &block))
	{
		nulls[1] = false;
		values[1] = Int64GetDatum(block.height);
		values[4] = PointerGetDatum(sc_event_receipt(chain, epoch->seq, snapshot));
		nulls[4] = DatumGetPointer(values[4]) == NULL;
	}
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * seoulchain.key_rotations(chain text DEFAULT 'main') -> SETOF (ledger_seq
 * bigint, height bigint, old_key text, new_key text, receipt text)
 *
 * The changes of the chain's log key, then those of its node's cosigner key,
 * oldest first.  Height and receipt are NULL until the event's block is sealed
 * and signed.  Privileges: PUBLIC.  Errors: UNDEFINED_OBJECT.
 */
Datum
sc_key_rotations(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	InitMaterializedSRF(fcinfo, 0);
	for (int role = SC_ROLE_LOG; role <= SC_ROLE_COSIGNER; role++)
	{
		const char *old_key = NULL;
		ListCell   *lc;

		foreach(lc, sc_key_epochs(chain, role, snapshot))
		{
			const ScKeyEpoch *epoch = lfirst(lc);

			if (epoch->seq > 0)
				put_rotation(rsinfo, chain, old_key, epoch, snapshot);
			old_key = epoch->key;
		}
	}
	UnregisterSnapshot(snapshot);
	return (Datum) 0;
}
