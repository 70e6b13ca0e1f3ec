/*
 * verify_tree.h
 *	  Recomputing a chain's tree from its stored leaf hashes.
 */
#ifndef SC_PROOF_VERIFY_TREE_H
#define SC_PROOF_VERIFY_TREE_H

#include "postgres.h"

#include "proof/verify.h"

/* a completed subtree that differs from the stored one */
typedef struct ScNodeDifference
{
	int			level;
	int64		index;
	bool		present;		/* a hash is stored */
	ScHash		computed;
	ScHash		stored;
} ScNodeDifference;

typedef struct ScTreePass
{
	ScVerify   *v;
	ScVerifyChain *chain;
	int64		size;			/* leaves so far */
	int64		good_size;		/* the last size whose root was the block's */
	bool		valid;			/* the frontier has all `size` leaves */
	bool		diverged;		/* a root differed and none matched since */
	int64		missing_tile;	/* number + 1 of the tile that was missing last */
	List	   *differences;	/* of ScNodeDifference, since the last block */
	ScFrontier	frontier;
} ScTreePass;

extern void sc_treepass_begin(ScTreePass *pass, ScVerify *v, ScVerifyChain *chain);

/* accounts for leaves up to `to`, which belong to the block at `height` */
extern void sc_treepass_append(ScTreePass *pass, int64 to, int64 height);

/* compares the root here with a block's; reports; true when it is the tree's */
extern bool sc_treepass_root(ScTreePass *pass, int64 height, const ScHash *root);

/* reports tiles that are too many */
extern void sc_treepass_end(ScTreePass *pass);

#endif							/* SC_PROOF_VERIFY_TREE_H */
