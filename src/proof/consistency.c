/*
 * consistency.c
 *	  consistency_proof and verify_consistency: one tree extends another.
 *
 * Invariant: a proof reads O(log n) stored nodes; verifying is pure.
 * Context: the active snapshot decides what is sealed and signed.
 * Source: RFC 6962 section 2.1.2, RFC 9162 section 2.1.4.
 */
#include "postgres.h"

#include "proof/consistency.h"

#include "core/proof.h"
#include "core/tree.h"
#include "fmgr.h"
#include "proof/node_cache.h"
#include "proof/sizes.h"
#include "proof/values.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_consistency_proof);
PG_FUNCTION_INFO_V1(sc_verify_consistency);

int
sc_consistency_path(ScHash path[SC_PROOF_MAX], int32 chain_id, int64 from, int64 to, Snapshot snapshot)
{
	ScProofPlan plan;
	ScHash		nodes[SC_PLAN_MAX];

	if (sc_tree_plan_consistency(&plan, from, to) != SC_OK)
		elog(ERROR, "sizes %lld and %lld have no consistency proof", (long long) from, (long long) to);
	if (plan.nids > 0)
		sc_node_cache_nodes(chain_id, plan.ids, plan.nids, snapshot, nodes);
	sc_tree_plan_path(path, &plan, nodes);
	return plan.npath;
}

/*
 * seoulchain.consistency_proof(chain text, from_size bigint, to_size bigint DEFAULT NULL) returns bytea[]
 *
 * Proves that the tree of to_size leaves extends the one of from_size; NULL
 * is the size of checkpoint().  Empty when the sizes are equal or from_size
 * is 0.  It shows hashes only, so everybody may call it.
 */
Datum
sc_consistency_proof(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	ScChain    *chain;
	ScHash		path[SC_PROOF_MAX];
	int64		from;
	int64		to;
	int			npath;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	from = PG_GETARG_INT64(1);
	if (PG_ARGISNULL(2))
		to = sc_size_signed(chain->chain_id, snapshot);
	else
	{
		to = PG_GETARG_INT64(2);
		sc_size_require("to_size", to, 0, sc_size_sealed(chain->chain_id, snapshot), chain);
	}
	sc_size_require("from_size", from, 0, to, chain);
	npath = sc_consistency_path(path, chain->chain_id, from, to, snapshot);
	PG_RETURN_DATUM(sc_value_path(path, npath));
}

/*
 * seoulchain.verify_consistency(from_size bigint, from_root bytea, to_size bigint, to_root bytea, path bytea[])
 *		returns boolean
 *
 * RFC 9162 section 2.1.4.2.  Whatever is malformed is false.  Everybody may call it.
 */
Datum
sc_verify_consistency(PG_FUNCTION_ARGS)
{
	int64		from = PG_GETARG_INT64(0);
	int64		to = PG_GETARG_INT64(2);
	ScHash		from_root;
	ScHash		to_root;
	ScHash		path[SC_PROOF_MAX];
	int			npath;

	if (from < 0 || to < from ||
		!sc_value_to_hash(&from_root, PG_GETARG_DATUM(1)) ||
		!sc_value_to_hash(&to_root, PG_GETARG_DATUM(3)) ||
		!sc_value_to_path(path, &npath, PG_GETARG_DATUM(4)))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(sc_proof_verify_consistency(from, &from_root, to, &to_root, path, npath) == SC_OK);
}
