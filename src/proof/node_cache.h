/*
 * node_cache.h
 *	  Nodes of stored trees, remembered by the session.
 */
#ifndef SC_PROOF_NODE_CACHE_H
#define SC_PROOF_NODE_CACHE_H

#include "postgres.h"

#include "core/tree.h"
#include "utils/snapshot.h"

/* as sc_tree_nodes of seal/tree_store.h: hashes of perfect subtrees, in the order asked */
extern void sc_node_cache_nodes(int32 chain_id, const ScNodeId *ids, int nids, Snapshot snapshot, ScHash *out);

#endif							/* SC_PROOF_NODE_CACHE_H */
