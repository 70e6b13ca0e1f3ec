/*
 * cosignature_sql.c
 *	  Cosignatures brought by hand, and those that are missing.
 *
 * Invariant: a line is kept only when a key verified it that a policy of the
 * chain names, or that is this node's or a peer's; lines of other keys say
 * nothing to anybody here and are left out.
 */
#include "postgres.h"

#include "compat.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "network/cosignature_store.h"
#include "network/final.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_add_cosignature);
PG_FUNCTION_INFO_V1(sc_cosignatures_missing);

/* without a size, that of one of the newest so many blocks */
#define SC_BLOCKS_TRIED 64

#define SC_MISSING_NATTS 7

/* the keys whose lines are kept: List of ScVerifierKey * */
static List *
known_keys(const ScChain *chain, Snapshot snapshot)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, sc_policy_list(chain, snapshot))
	{
		ScPolicy   *policy = ((ScPolicyEntry *) lfirst(lc))->policy;

		for (int i = 0; policy != NULL && i < policy->nkeys; i++)
			if (!policy->is_log[i])
				result = lappend(result, &policy->keys[i]);
	}
	foreach(lc, sc_known_cosigner_keys())
	{
		ScVerifierKey *key = palloc(sizeof(ScVerifierKey));

		if (sc_note_parse_key(key, lfirst(lc), strlen(lfirst(lc))) == SC_OK)
			result = lappend(result, key);
	}
	return result;
}

/* the signed block of that size, or the newest that a line is about; errors when there is none */
static void
find_block(ScBlock *block, const ScChain *chain, List *lines, List *keys, int64 size, Snapshot snapshot)
{
	int64		height = -1;
	int64		newest_size;
	ListCell   *lc;

	if (size > 0 && !sc_signature_by_size(chain->chain_id, size, snapshot, &height))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("chain \"%s\" has no signed checkpoint of " INT64_FORMAT " leaves", chain->name, size)));
	if (size <= 0 && !sc_signature_find(chain->chain_id, -1, snapshot, &height, &newest_size, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" has no signed block yet", chain->name)));
	for (int i = 0; i < (size > 0 ? 1 : SC_BLOCKS_TRIED) && height >= i; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!sc_block_by_height(chain->chain_id, height - i, snapshot, block))
			break;
		foreach(lc, keys)
			if (sc_lines_by(lines, lfirst(lc), chain, block) != NULL)
				return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no line is a cosignature of chain \"%s\" by a key that is known here", chain->name),
			 size > 0 ? errdetail("The checkpoint of " INT64_FORMAT " leaves was looked at.", size) :
			 errdetail("The newest %d checkpoints were looked at.", SC_BLOCKS_TRIED),
			 errhint("Known are the keys of the chain's policies, this node's and its peers'.")));
}

/* errors if a line names a known key that did not make it */
static void
require_good(List *lines, List *keys, const ScChain *chain, const ScBlock *block)
{
	ListCell   *lc;

	foreach(lc, lines)
	{
		const ScLine *line = lfirst(lc);
		bool		named = false;
		bool		good = false;
		ListCell   *kc;

		foreach(kc, keys)
		{
			named = named || sc_line_names(line, lfirst(kc));
			good = good || sc_lines_by(list_make1(unconstify(ScLine *, line)), lfirst(kc), chain, block) != NULL;
		}
		if (named && !good)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the line of \"%s\" is no good signature", line->name),
					 errdetail("It does not sign the checkpoint of " INT64_FORMAT " leaves of chain \"%s\".",
							   block->tree_size, chain->name)));
	}
}

/*
 * seoulchain.add_cosignature(chain text, lines text, tree_size bigint DEFAULT NULL) -> integer
 *
 * Keeps cosignatures that a witness has given: signed-note lines, one or
 * more, over the checkpoint of tree_size leaves, or over one of the newest 64
 * without a size.  How many are new here; lines of keys that nobody here
 * knows are left out.  Privileges: seoulchain_operator.  Errors:
 * UNDEFINED_OBJECT; INVALID_PARAMETER_VALUE when no line is good, or one is
 * bad that names a known key.
 */
Datum
sc_add_cosignature(PG_FUNCTION_ARGS)
{
	ScChain    *chain;
	List	   *lines;
	List	   *keys;
	ScBlock		block;
	Snapshot	snapshot;
	ListCell   *lc;
	int32		added = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	lines = sc_lines_split(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	keys = known_keys(chain, snapshot);
	find_block(&block, chain, lines, keys, PG_ARGISNULL(2) ? -1 : Max(PG_GETARG_INT64(2), 1), snapshot);
	require_good(lines, keys, chain, &block);
	foreach(lc, keys)
	{
		const ScLine *line = sc_lines_by(lines, lfirst(lc), chain, &block);

		if (line != NULL && sc_cosignature_add(chain->origin, block.tree_size, line))
			added++;
	}
	UnregisterSnapshot(snapshot);
	PG_RETURN_INT32(added);
}

/* the rows of one chain: whoever has not cosigned its newest signed block */
static void
put_missing(ReturnSetInfo *rsinfo, const ScChain *chain, Snapshot snapshot)
{
	List	   *history = sc_policy_history(chain, snapshot);
	const ScPolicyEntry *entry;
	ScFinal		newest_final;
	bool		has_final;
	int64		height;
	int64		size;
	bool		final;
	ListCell   *lc;

	if (history == NIL || !sc_signature_find(chain->chain_id, -1, snapshot, &height, &size, NULL) ||
		(entry = sc_policy_for_size(history, size)) == NULL)
		return;
	has_final = sc_final_find(&newest_final, chain, history, -1, 0, snapshot);
	foreach(lc, sc_final_witnesses(chain, entry, height, snapshot, &final))
	{
		const ScWitnessState *witness = lfirst(lc);
		Datum		values[SC_MISSING_NATTS] = {0};
		bool		nulls[SC_MISSING_NATTS] = {false};

		if (witness->signed_it)
			continue;
		values[0] = CStringGetTextDatum(chain->name);
		values[1] = Int64GetDatum(height);
		values[2] = Int64GetDatum(size);
		values[3] = CStringGetTextDatum(witness->name);
		values[4] = CStringGetTextDatum(witness->key->name);
		values[5] = BoolGetDatum(final);
		nulls[6] = !has_final;
		if (has_final)
			values[6] = Int64GetDatum(newest_final.height);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/*
 * seoulchain.cosignatures_missing() -> SETOF (chain text, height bigint,
 * tree_size bigint, witness text, key_name text, final boolean, final_height
 * bigint); the view cosignatures_missing
 *
 * Of every chain with a policy in force, the witnesses that it asks for and
 * that have not cosigned the newest signed block.  Privileges: PUBLIC.
 */
Datum
sc_cosignatures_missing(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, sc_chain_list())
		put_missing(rsinfo, lfirst(lc), snapshot);
	UnregisterSnapshot(snapshot);
	return (Datum) 0;
}
