/*
 * integrate.h
 *	  Integrating other nodes' blocks: what may be checked of them besides hashes and signatures.
 *
 * A block whose rows give the signed root is integrated: it joins the copy's
 * tree.  Before it is stored the registered checks look at its leaves; what
 * they find keeps this node from cosigning it and every block above it, and
 * is filed as a dispute.  The rows stay and replication goes on.
 */
#ifndef SC_NETWORK_INTEGRATE_H
#define SC_NETWORK_INTEGRATE_H

#include "postgres.h"

#include "ledger/registry.h"
#include "network/dispute.h"
#include "seal/journal_read.h"
#include "seal/tree_store.h"

/* a block of a copy that is about to be stored */
typedef struct ScIntegrateBlock
{
	const ScChain *chain;		/* the copy */
	const ScBlock *block;
	const ScSealLeaf *leaves;	/* in leaf order, by ledger_seq; leaf i of them is leaf first_leaf + i of the tree */
	int64		nleaves;		/* the block leaf is not among them */
	List	   *findings;		/* ScFinding *, added by sc_integrate_finding */
	char	   *wait;			/* why the block cannot be judged yet, or NULL */
} ScIntegrateBlock;

/*
 * Looks at a block, in the transaction that will store it and under its
 * active snapshot; blocks come in the order of the chain.  May write what the
 * next blocks' checks need: it is undone when the block is not stored.  Does
 * not raise because of what the block holds.
 */
typedef void (*ScIntegrateCheck) (ScIntegrateBlock *block);

/* adds a check, for ever; from _PG_init.  Checks run in the order in which they came. */
extern void sc_integrate_check_register(ScIntegrateCheck check);

/* for checks: something is wrong with the block; the finding and its texts are copied, origin and height filled in */
extern void sc_integrate_finding(ScIntegrateBlock *block, int64 ledger_seq, const char *fault, bool proof,
								 const char *detail, const char *evidence);

/* for checks: the block cannot be judged before something else has come; it is tried again */
extern void sc_integrate_wait(ScIntegrateBlock *block, const char *why);

extern void sc_integrate_init(void);

#endif							/* SC_NETWORK_INTEGRATE_H */
