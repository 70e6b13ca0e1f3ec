/*
 * inclusion.h
 *	  The inclusion path of a leaf, from the stored tree.
 */
#ifndef SC_PROOF_INCLUSION_H
#define SC_PROOF_INCLUSION_H

#include "postgres.h"

#include "core/tree.h"
#include "utils/snapshot.h"

/* PATH(index, D[size]) of RFC 6962 section 2.1.1; requires 0 <= index < size <= sealed size */
extern int	sc_inclusion_path(ScHash path[SC_PROOF_MAX], int32 chain_id, int64 index, int64 size, Snapshot snapshot);

/* the root that a path leads to (RFC 9162 section 2.1.3.2); requires a path of sc_inclusion_path */
extern void sc_inclusion_root(ScHash *root, const ScHash *leaf, int64 index, int64 size, const ScHash *path, int npath);

/* DATA_CORRUPTED unless the root is the one that the block of that height has */
extern void sc_inclusion_require_root(int32 chain_id, int64 height, Snapshot snapshot, const ScHash *root);

#endif							/* SC_PROOF_INCLUSION_H */
