/*
 * sign_block.h
 *	  Signing the checkpoints of sealed blocks.
 */
#ifndef SC_SEAL_SIGN_BLOCK_H
#define SC_SEAL_SIGN_BLOCK_H

#include "postgres.h"

#include "seal/key_ring.h"
#include "utils/snapshot.h"

/*
 * Signs every block of the chain that has no signature yet; outside a
 * transaction, with every block's commit flushed.  Keeps the chain's signing
 * state up to date; NULL when all blocks are signed, else why signing is
 * suspended (palloc'd).
 */
extern char *sc_sign_chain(int32 chain_id);

/* makes sure that whatever is visible is flushed, and on synchronous standbys if there are any */
extern void sc_sign_wait_durable(void);

/*
 * For the signatures of this node on a chain, its own or a copy:
 * why a tree of `size` leaves must not be signed, or NULL.  `signed_before`:
 * this database has signatures of it.
 */
extern char *sc_sign_objection(const ScChain *chain, int64 size, bool signed_before, const ScSigned *memory, bool found,
							   Snapshot snapshot);

/* writes to memory that `block` is what was signed last; `before` is what it said when it was judged */
extern void sc_sign_remember(const ScChain *chain, const ScBlock *block, const ScSigned *before);

/* signature lines of a block's checkpoint by the keys of the ring, log keys first; palloc'd */
extern char *sc_sign_checkpoint(const ScChain *chain, const ScBlock *block, ScKeyRing *ring);

#endif							/* SC_SEAL_SIGN_BLOCK_H */
