/*
 * receipt.c
 *	  receipt: a file that proves one row to someone with no database at hand.
 *
 * Invariant: `extra` is exactly the leaf's bytes, and they hash to the leaf
 * that the path proves: a row that is no longer what was sealed gets an
 * error, never a receipt that fails elsewhere.
 * Context: the active snapshot.  Source: C2SP tlog-proof (docs/format.md).
 * Does not sign anything: the note is one that the worker signed.
 */
#include "postgres.h"

#include "proof/receipt.h"

#include "compat.h"
#include "core/prooffile.h"
#include "fmgr.h"
#include "proof/inclusion.h"
#include "proof/leaf.h"
#include "seal/final.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_receipt);

/* the error for a checkpoint that does not hold the row */
static void SC_NORETURN
not_covered(const ScRowPlace *place, int64 size)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("chain \"%s\" has no checkpoint of %lld leaves that holds the row", place->chain->name, (long long) size),
			 errdetail("The row with ledger_seq %lld of \"%s\" is leaf %lld.", (long long) place->ledger_seq,
					   RelationGetRelationName(place->rel), (long long) place->leaf_index),
			 errhint("SELECT tree_size FROM seoulchain.block WHERE chain = '%s' AND tree_size > %lld lists those that do.",
					 place->chain->name, (long long) place->leaf_index)));
}

/* the signed block of that size, 0 = the newest, which must cover the leaf, with the lines that are known of it */
static void
covering_block(ScFinal *out, const ScRowPlace *place, int64 size, Snapshot snapshot)
{
	int32		chain_id = place->chain->chain_id;
	int64		height = -1;

	if (size != 0 && (size <= place->leaf_index || !sc_signature_by_size(chain_id, size, snapshot, &height)))
		not_covered(place, size);
	if (!sc_signature_find(chain_id, height, snapshot, &out->height, &out->size, &out->lines) ||
		out->size <= place->leaf_index)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the block of row with ledger_seq %lld of \"%s\" is not signed yet",
						(long long) place->ledger_seq, RelationGetRelationName(place->rel)),
				 errhint("Run SELECT seoulchain.seal('%s'), which waits for the signature.", place->chain->name)));
	out->lines = sc_note_lines_hook(place->chain, out->height, out->lines, snapshot);
}

/* the same, and final */
static void
final_block(ScFinal *out, const ScRowPlace *place, int64 size, Snapshot snapshot)
{
	int64		height = -1;

	if (size != 0 && (size <= place->leaf_index ||
					  !sc_signature_by_size(place->chain->chain_id, size, snapshot, &height)))
		not_covered(place, size);
	sc_final_hook(place->chain, height, place->leaf_index, snapshot, out);
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

/* the file as text; the buffer is freed */
static text *
take_file(ScBuf *buf)
{
	text	   *result = buf->failed ? NULL :
		(text *) MemoryContextAllocExtended(CurrentMemoryContext, VARHDRSZ + buf->len, MCXT_ALLOC_NO_OOM);

	if (result != NULL)
	{
		SET_VARSIZE(result, VARHDRSZ + buf->len);
		memcpy(VARDATA(result), buf->data, buf->len);
	}
	sc_buf_free(buf);
	if (result == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return result;
}

text *
sc_receipt_text(const ScRowPlace *place, int64 tree_size, bool final, Snapshot snapshot)
{
	ScHash		path[SC_PROOF_MAX];
	ScBuf		buf = SC_BUF_INIT;
	ScFinal		shown;
	ScHash		root;
	char	   *note;
	char	   *leaf;
	size_t		len;
	int			npath;

	sc_row_require_sealed(place);
	if (final)
		final_block(&shown, place, tree_size, snapshot);
	else
		covering_block(&shown, place, tree_size, snapshot);
	leaf = sc_row_leaf_text(place, &len);
	require_unaltered(place, leaf, len);
	npath = sc_inclusion_path(path, place->chain->chain_id, place->leaf_index, shown.size, snapshot);
	sc_inclusion_root(&root, &place->leaf_hash, place->leaf_index, shown.size, path, npath);
	sc_inclusion_require_root(place->chain->chain_id, shown.height, snapshot, &root);
	note = sc_checkpoint_note(place->chain->origin, shown.size, &root, shown.lines);
	sc_prooffile_format(&buf, leaf, len, place->leaf_index, path, npath, note, strlen(note));
	return take_file(&buf);
}

/*
 * seoulchain.receipt(relation regclass, ledger_seq bigint, tree_size bigint DEFAULT NULL,
 *					  final boolean DEFAULT false) returns text
 *
 * The row's leaf, its inclusion path and a checkpoint with the cosignatures
 * known here, the newest (with final, the newest final one) without a size,
 * as a c2sp.org/tlog-proof@v1 file that seoulchain-verify reads.
 * Privileges: whoever may SELECT the row.  Errors: row not sealed, block not
 * signed or not final, no checkpoint of that size holds the row.
 */
Datum
sc_receipt(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	ScRowPlace	place;
	text	   *result;
	int64		size = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	sc_row_locate(&place, PG_GETARG_OID(0), PG_GETARG_INT64(1), snapshot);
	if (size == 0 && !PG_ARGISNULL(2))
		not_covered(&place, size);
	result = sc_receipt_text(&place, size, PG_GETARG_BOOL(3), snapshot);
	sc_row_done(&place);
	PG_RETURN_TEXT_P(result);
}
