/*
 * final_root.c
 *	  The final checkpoint that rows from other nodes are proven against.
 *
 * Invariant: nothing counts as final here but what verified signatures say:
 * the chain's policy decides, and without one the log key and this node's own
 * cosignature, which it gave after recomputing every row.
 * Effects: none.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "network/cosign.h"
#include "network/final.h"
#include "network/final_root.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "seal/key_history.h"
#include "seal/node.h"
#include "seal/tree_store.h"
#include "sign/key.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/* is one of the note's lines by the key, and is it good? */
static bool
note_by(const char *origin, const ScBlock *block, const char *lines, const ScVerifierKey *key)
{
	char	   *text = sc_checkpoint_note(origin, block->tree_size, &block->root_hash, lines);
	ScNote	   *note = palloc(sizeof(ScNote));
	bool		good = false;
	bool		ok = sc_note_parse(note, text, strlen(text), false) == SC_OK &&
		sc_key_verify_note(note, key, 1, &good, NULL) == SC_OK && good;

	pfree(note);
	pfree(text);
	return ok;
}

bool
sc_log_signed(const ScChain *chain, const ScBlock *block, const char *lines, Snapshot snapshot)
{
	List	   *epochs = sc_key_epochs_of_block(sc_key_epochs(chain, SC_ROLE_LOG, snapshot), block);
	ScVerifierKey *key = palloc(sizeof(ScVerifierKey));
	const char *text = epochs != NIL ? ((ScKeyEpoch *) llast(epochs))->key : NULL;

	return text != NULL && sc_note_parse_key(key, text, strlen(text)) == SC_OK &&
		note_by(chain->origin, block, lines, key);
}

/* a good cosignature by this node among the rows of seoulchain.cosignature */
static bool
cosigned_row(const ScChain *chain, const ScBlock *block, const ScVerifierKey *key, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyEntryInitialize(&keys[0], 0, SC_COSIGNATURE_ATTR_ORIGIN, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, CStringGetTextDatum(chain->origin));
	sc_key_int8(&keys[1], SC_COSIGNATURE_ATTR_TREE_SIZE, BTEqualStrategyNumber, block->tree_size);
	sc_internal_scan_begin(&scan, "cosignature", "cosignature_size", snapshot, keys, 2);
	while (!found && (tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		found = sc_cosignature_ok(TextDatumGetCString(sc_internal_attr(tuple, SC_COSIGNATURE_ATTR_LINE, scan.rel)),
								  key, chain->origin, block->tree_size, &block->root_hash, NULL);
	sc_internal_scan_end(&scan);
	return found;
}

/* has this node cosigned the block's checkpoint? */
static bool
cosigned_here(const ScChain *chain, const ScBlock *block, const char *lines, Snapshot snapshot)
{
	ScVerifierKey *key = palloc(sizeof(ScVerifierKey));
	char	   *text = NULL;

	if (sc_node_name(&text) == NULL || text == NULL || sc_note_parse_key(key, text, strlen(text)) != SC_OK)
		return false;
	return note_by(chain->origin, block, lines, key) || cosigned_row(chain, block, key, snapshot);
}

/* without a policy: signed by the log, cosigned by this node */
static bool
is_own_word(const ScChain *chain, const ScBlock *block, const char *lines, Snapshot snapshot)
{
	return sc_log_signed(chain, block, lines, snapshot) && cosigned_here(chain, block, lines, snapshot);
}

/* the newest that satisfies the policy in force */
static bool
by_policy(ScFinalRoot *out, const ScChain *chain, List *history, Snapshot snapshot)
{
	ScFinal		final;
	ScBlock		block;

	if (!sc_final_find(&final, chain, history, -1, 0, snapshot) ||
		!sc_block_by_height(chain->chain_id, final.height, snapshot, &block))
		return false;
	*out = (ScFinalRoot) {final.height, block.tree_size, block.root_hash};
	return true;
}

bool
sc_final_root(ScFinalRoot *out, const ScChain *chain, Snapshot snapshot)
{
	List	   *history = sc_policy_history(chain, snapshot);
	int64		height;
	int64		size;
	char	   *lines;

	if (!sc_signature_find(chain->chain_id, -1, snapshot, &height, &size, NULL))
		return false;
	if (sc_policy_for_size(history, size) != NULL)
		return by_policy(out, chain, history, snapshot);
	for (; height >= 0; height--)
	{
		ScBlock		block;

		CHECK_FOR_INTERRUPTS();
		if (!sc_signature_find(chain->chain_id, height, snapshot, &out->height, &size, &lines) ||
			!sc_block_by_height(chain->chain_id, height, snapshot, &block) ||
			!is_own_word(chain, &block, lines, snapshot))
			continue;
		out->size = block.tree_size;
		out->root = block.root_hash;
		return true;
	}
	return false;
}
