/*
 * tree.h
 *	  Geometry of the RFC 6962 Merkle tree: which nodes make a root or a proof.
 *
 * Geometry, hashing and storage never mix: a plan names the perfect subtrees
 * it needs, storage fetches their hashes, sc_tree_fold makes the answer.
 * A node (level, index) is the root of leaves [index << level, (index+1) << level).
 *
 * The frontier is the row of perfect subtrees that cover a tree of `size`
 * leaves, largest first: all that an append needs to know.
 */
#ifndef SC_CORE_TREE_H
#define SC_CORE_TREE_H

#include <stdbool.h>

#include "core/hash.h"
#include "core/status.h"

#define SC_TREE_MAX_LEVELS 64
#define SC_PROOF_MAX 64			/* hashes in a proof of a tree of < 2^63 leaves */
#define SC_PLAN_MAX 192			/* nodes a plan may name */

typedef struct ScNodeId
{
	uint64_t	index;
	int			level;
} ScNodeId;

/* path[i] of a proof = nodes ids[start[i] .. start[i+1]) folded right to left */
typedef struct ScProofPlan
{
	int			npath;
	int			nids;
	int			start[SC_PROOF_MAX + 1];
	ScNodeId	ids[SC_PLAN_MAX];
} ScProofPlan;

/* nodes whose right-to-left fold is MTH(D[0:size]); requires size > 0; returns how many (<= 64) */
extern int	sc_tree_root_nodes(ScNodeId ids[SC_TREE_MAX_LEVELS], uint64_t size);

/* PATH(index, D[size]); SC_RANGE unless index < size */
extern SC_WARN_UNUSED ScStatus sc_tree_plan_inclusion(ScProofPlan *plan, uint64_t index, uint64_t size);

/* PROOF(from, D[to]); empty when from = to or from = 0; SC_RANGE unless from <= to */
extern SC_WARN_UNUSED ScStatus sc_tree_plan_consistency(ScProofPlan *plan, uint64_t from, uint64_t to);

/* MTH of adjacent subtrees given left to right, largest first: right-to-left fold; requires n > 0 */
extern void sc_tree_fold(ScHash *out, const ScHash *hashes, int n);

/* path[0..plan->npath) from the hashes of plan->ids, in their order */
extern void sc_tree_plan_path(ScHash *path, const ScProofPlan *plan, const ScHash *hashes);

/* root of a perfect subtree given its 2^height leaves' hashes (destroys them); requires height >= 0 */
extern void sc_tree_perfect_root(ScHash *out, ScHash *hashes, int height);

typedef struct ScFrontier
{
	uint64_t	size;
	int			nnodes;
	ScHash		nodes[SC_TREE_MAX_LEVELS];	/* as sc_tree_root_nodes(size) */
} ScFrontier;

/*
 * Adds a leaf hash.  `done`, if not NULL, is called once for the leaf (level
 * 0) and for every perfect subtree that it completes, from small to large.
 */
typedef void (*ScNodeDone) (void *arg, int level, uint64_t index, const ScHash *hash);
extern void sc_frontier_append(ScFrontier *frontier, const ScHash *leaf, ScNodeDone done, void *arg);

/* MTH of the frontier's tree (the empty tree's too) */
extern void sc_frontier_root(ScHash *out, const ScFrontier *frontier);

#endif							/* SC_CORE_TREE_H */
