/*
 * witness_request.c
 *	  witness_request: what a log sends to a public witness.
 *
 * Context: the newest committed state.  Writes nothing, posts nothing: the
 * script seoulchain-witness carries it.  Source: C2SP tlog-witness v1.0.0.
 */
#include "postgres.h"

#include "core/witness.h"
#include "fmgr.h"
#include "ledger/error.h"
#include "ledger/registry.h"
#include "proof/consistency.h"
#include "proof/sizes.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_witness_request);

/* the newest signed checkpoint of a chain that has a key, as a note */
static char *
signed_note(const ScChain *chain, Snapshot snapshot, int64 *size)
{
	int64		height;
	char	   *lines;
	ScHash		root;

	if (chain->log_key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" has no key", chain->name),
				 errdetail("It was made before this database became a node; witnesses cosign signed checkpoints.")));
	if (!sc_signature_find(chain->chain_id, -1, snapshot, &height, size, &lines))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" has no signed block yet", chain->name),
				 errhint("Run seoulchain.seal('%s').", chain->name)));
	sc_tree_root(chain->chain_id, *size, snapshot, &root);
	return sc_checkpoint_note(chain->origin, *size, &root, lines);
}

/*
 * seoulchain.witness_request(chain text, old_size bigint DEFAULT 0) -> text
 *
 * The body of an add-checkpoint request about the newest signed checkpoint,
 * for a witness whose last one had old_size leaves.  It shows hashes and a
 * checkpoint, so everybody may call it.  Errors: UNDEFINED_OBJECT;
 * OBJECT_NOT_IN_PREREQUISITE_STATE for an unnamed chain or one without a
 * signed block; INVALID_PARAMETER_VALUE for a size that is not below it.
 */
Datum
sc_witness_request(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	int64		old_size = PG_GETARG_INT64(1);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScHash		path[SC_PROOF_MAX];
	ScBuf		buf = SC_BUF_INIT;
	ScStatus	status;
	text	   *result = NULL;
	char	   *note;
	int64		size;
	int			npath;

	note = signed_note(chain, snapshot, &size);
	sc_size_require("old_size", old_size, 0, size, chain);
	npath = sc_consistency_path(path, chain->chain_id, old_size, size, snapshot);
	UnregisterSnapshot(snapshot);
	status = sc_witness_format_request(&buf, (uint64) old_size, path, npath, note, strlen(note));
	if (status == SC_OK)
		result = cstring_to_text_with_len(buf.data, buf.len);
	sc_buf_free(&buf);
	sc_status_report(status, "witness request");
	PG_RETURN_TEXT_P(result);
}
