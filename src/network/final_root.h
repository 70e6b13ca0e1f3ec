/*
 * final_root.h
 *	  The final checkpoint that rows from other nodes are proven against.
 */
#ifndef SC_NETWORK_FINAL_ROOT_H
#define SC_NETWORK_FINAL_ROOT_H

#include "postgres.h"

#include "core/hash.h"
#include "ledger/registry.h"
#include "seal/tree_store.h"
#include "utils/snapshot.h"

typedef struct ScFinalRoot
{
	int64		height;
	int64		size;
	ScHash		root;
} ScFinalRoot;

/*
 * The newest checkpoint of the chain that is final under its policy; of a
 * chain without one, the newest that its log key signed and this node
 * cosigned.  Signatures are verified.  false when there is none.
 */
extern bool sc_final_root(ScFinalRoot *out, const ScChain *chain, Snapshot snapshot);

/* has the chain's log key, the one that signs this block, signed its checkpoint with one of these lines? */
extern bool sc_log_signed(const ScChain *chain, const ScBlock *block, const char *lines, Snapshot snapshot);

#endif							/* SC_NETWORK_FINAL_ROOT_H */
