/*
 * inclusion.c
 *	  inclusion_proof and verify_inclusion.
 *
 * Invariant: a path reads O(log n) stored nodes, whatever the tree's size;
 * verifying is pure (core/proof.h) and knows nothing of this database.
 * Context: the active snapshot decides what is sealed and signed.
 * Source: RFC 6962 section 2.1.1, RFC 9162 section 2.1.3.
 */
#include "postgres.h"

#include "proof/inclusion.h"

#include "access/htup_details.h"
#include "core/proof.h"
#include "fmgr.h"
#include "funcapi.h"
#include "proof/leaf.h"
#include "proof/node_cache.h"
#include "proof/sizes.h"
#include "proof/values.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_inclusion_proof);
PG_FUNCTION_INFO_V1(sc_verify_inclusion);

int
sc_inclusion_path(ScHash path[SC_PROOF_MAX], int32 chain_id, int64 index, int64 size, Snapshot snapshot)
{
	ScProofPlan plan;
	ScHash		nodes[SC_PLAN_MAX];

	if (sc_tree_plan_inclusion(&plan, index, size) != SC_OK)
		elog(ERROR, "leaf %lld is not in a tree of %lld leaves", (long long) index, (long long) size);
	sc_node_cache_nodes(chain_id, plan.ids, plan.nids, snapshot, nodes);
	sc_tree_plan_path(path, &plan, nodes);
	return plan.npath;
}

void
sc_inclusion_root(ScHash *root, const ScHash *leaf, int64 index, int64 size, const ScHash *path, int npath)
{
	uint64		node = index;
	uint64		last = size - 1;

	*root = *leaf;
	for (int i = 0; i < npath; i++)
	{
		if ((node & 1) || node == last)
		{
			sc_hash_node(root, &path[i], root);
			while (!(node & 1) && node != 0)
			{
				node >>= 1;
				last >>= 1;
			}
		}
		else
			sc_hash_node(root, root, &path[i]);
		node >>= 1;
		last >>= 1;
	}
}

void
sc_inclusion_require_root(int32 chain_id, int64 height, Snapshot snapshot, const ScHash *root)
{
	ScBlock		block;

	if (sc_block_by_height(chain_id, height, snapshot, &block) &&
		memcmp(&block.root_hash, root, sizeof(*root)) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the stored tree does not give the root of block %lld", (long long) height),
			 errhint("SELECT * FROM seoulchain.verify() tells what was changed.")));
}

/* the size to prove in: the caller's, or that of the newest signed block, whose height is then told (else -1) */
static int64
choose_size(FunctionCallInfo fcinfo, const ScRowPlace *place, Snapshot snapshot, int64 *height)
{
	int32		chain_id = place->chain->chain_id;
	int64		size;

	*height = -1;
	if (!PG_ARGISNULL(2))
	{
		size = PG_GETARG_INT64(2);
		sc_size_require("tree_size", size, place->leaf_index + 1, sc_size_sealed(chain_id, snapshot), place->chain);
		return size;
	}
	if (!sc_signature_find(chain_id, -1, snapshot, height, &size, NULL))
		size = 0;
	if (size <= place->leaf_index)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the block of row with ledger_seq %lld of \"%s\" is not signed yet",
						(long long) place->ledger_seq, RelationGetRelationName(place->rel)),
				 errdetail("The newest checkpoint has %lld leaves, the row is leaf %lld.",
						   (long long) size, (long long) place->leaf_index),
				 errhint("Run SELECT seoulchain.seal('%s'), which waits for the signature.", place->chain->name)));
	return size;
}

/*
 * seoulchain.inclusion_proof(relation regclass, ledger_seq bigint, tree_size bigint DEFAULT NULL)
 *		returns record (chain text, leaf_index bigint, tree_size bigint, leaf_hash bytea, path bytea[], root_hash bytea)
 *
 * Proves that the row is in the tree of tree_size leaves; NULL is the size
 * of checkpoint().  Privileges: whoever may SELECT the row.  Errors: row not
 * sealed (OBJECT_NOT_IN_PREREQUISITE_STATE), size out of range.
 */
Datum
sc_inclusion_proof(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	ScRowPlace	place;
	ScHash		path[SC_PROOF_MAX];
	ScHash		root;
	TupleDesc	tupdesc;
	Datum		values[6];
	bool		nulls[6] = {false};
	int64		size;
	int64		height;
	int			npath;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	sc_row_locate(&place, PG_GETARG_OID(0), PG_GETARG_INT64(1), snapshot);
	sc_row_require_sealed(&place);
	size = choose_size(fcinfo, &place, snapshot, &height);
	npath = sc_inclusion_path(path, place.chain->chain_id, place.leaf_index, size, snapshot);
	sc_inclusion_root(&root, &place.leaf_hash, place.leaf_index, size, path, npath);
	if (height >= 0)
		sc_inclusion_require_root(place.chain->chain_id, height, snapshot, &root);
	sc_row_done(&place);

	values[0] = CStringGetTextDatum(place.chain->name);
	values[1] = Int64GetDatum(place.leaf_index);
	values[2] = Int64GetDatum(size);
	values[3] = sc_value_hash(&place.leaf_hash);
	values[4] = sc_value_path(path, npath);
	values[5] = sc_value_hash(&root);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/*
 * seoulchain.verify_inclusion(leaf_hash bytea, leaf_index bigint, tree_size bigint, path bytea[], root_hash bytea)
 *		returns boolean
 *
 * RFC 9162 section 2.1.3.2.  Whatever is malformed is false.  Everybody may call it.
 */
Datum
sc_verify_inclusion(PG_FUNCTION_ARGS)
{
	int64		index = PG_GETARG_INT64(1);
	int64		size = PG_GETARG_INT64(2);
	ScHash		leaf;
	ScHash		root;
	ScHash		path[SC_PROOF_MAX];
	int			npath;

	if (index < 0 || size <= index ||
		!sc_value_to_hash(&leaf, PG_GETARG_DATUM(0)) ||
		!sc_value_to_path(path, &npath, PG_GETARG_DATUM(3)) ||
		!sc_value_to_hash(&root, PG_GETARG_DATUM(4)))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(sc_proof_verify_inclusion(&leaf, index, size, path, npath, &root) == SC_OK);
}
