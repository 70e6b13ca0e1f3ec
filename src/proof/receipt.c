/*
 * receipt.c
 *	  receipt: a file that proves one row to someone with no database at hand.
 *
 * Invariant: `extra` is exactly the leaf's bytes, and they hash to the leaf
 * that the path proves: a row that is no longer what was sealed gets an
 * error, never a receipt that fails elsewhere.
 * Context: the active snapshot.  Source: C2SP tlog-proof (docs/format.md).
 * Does not sign anything: the note is the newest that the worker signed.
 */
#include "postgres.h"

#include "core/prooffile.h"
#include "fmgr.h"
#include "proof/inclusion.h"
#include "proof/leaf.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_receipt);

/* the newest signed block, which must cover the leaf: its height, size and signature lines */
static int64
covering_block(const ScRowPlace *place, Snapshot snapshot, int64 *size, char **lines)
{
	int64		height;

	if (!sc_signature_find(place->chain->chain_id, -1, snapshot, &height, size, lines) || *size <= place->leaf_index)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the block of row with ledger_seq %lld of \"%s\" is not signed yet",
						(long long) place->ledger_seq, RelationGetRelationName(place->rel)),
				 errhint("Run SELECT seoulchain.seal('%s'), which waits for the signature.", place->chain->name)));
	return height;
}

/* errors unless the stored row still gives the sealed leaf */
static void
require_unaltered(const ScRowPlace *place, const char *leaf, size_t len)
{
	ScHash		hash;

	sc_hash_leaf(&hash, leaf, len);
	if (memcmp(&hash, &place->leaf_hash, sizeof(hash)) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("row with ledger_seq %lld of \"%s\" is not what was sealed",
					(long long) place->ledger_seq, RelationGetRelationName(place->rel)),
			 errdetail("Its leaf hash differs from leaf %lld of chain \"%s\".",
					   (long long) place->leaf_index, place->chain->name),
			 errhint("Run SELECT * FROM seoulchain.verify('%s') to see what was changed.",
					 quote_identifier(RelationGetRelationName(place->rel)))));
}

/*
 * seoulchain.receipt(relation regclass, ledger_seq bigint) returns text
 *
 * The row's leaf, its inclusion path and the newest checkpoint, as a
 * c2sp.org/tlog-proof@v1 file that seoulchain-verify reads.  Privileges:
 * whoever may SELECT the row.  Errors: row not sealed, block not signed.
 */
Datum
sc_receipt(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	ScRowPlace	place;
	ScHash		path[SC_PROOF_MAX];
	ScBuf		buf = SC_BUF_INIT;
	text	   *result;
	ScHash		root;
	char	   *lines;
	char	   *note;
	char	   *leaf;
	size_t		len;
	int64		height;
	int64		size;
	int			npath;

	sc_row_locate(&place, PG_GETARG_OID(0), PG_GETARG_INT64(1), snapshot);
	sc_row_require_sealed(&place);
	height = covering_block(&place, snapshot, &size, &lines);
	leaf = sc_row_leaf_text(&place, &len);
	require_unaltered(&place, leaf, len);
	npath = sc_inclusion_path(path, place.chain->chain_id, place.leaf_index, size, snapshot);
	sc_inclusion_root(&root, &place.leaf_hash, place.leaf_index, size, path, npath);
	sc_inclusion_require_root(place.chain->chain_id, height, snapshot, &root);
	note = sc_checkpoint_note(place.chain->origin, size, &root, lines);
	sc_row_done(&place);

	sc_prooffile_format(&buf, leaf, len, place.leaf_index, path, npath, note, strlen(note));
	if (buf.failed)
	{
		sc_buf_free(&buf);
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	result = palloc(VARHDRSZ + buf.len);
	SET_VARSIZE(result, VARHDRSZ + buf.len);
	memcpy(VARDATA(result), buf.data, buf.len);
	sc_buf_free(&buf);
	PG_RETURN_TEXT_P(result);
}
