/*
 * sign_block.h
 *	  Signing the checkpoints of sealed blocks.
 */
#ifndef SC_SEAL_SIGN_BLOCK_H
#define SC_SEAL_SIGN_BLOCK_H

#include "postgres.h"

/*
 * Signs every block of the chain that has no signature yet; outside a
 * transaction, with every block's commit flushed.  Keeps the chain's signing
 * state up to date; NULL when all blocks are signed, else why signing is
 * suspended (palloc'd).
 */
extern char *sc_sign_chain(int32 chain_id);

/* makes sure that whatever is visible is flushed, and on synchronous standbys if there are any */
extern void sc_sign_wait_durable(void);

#endif							/* SC_SEAL_SIGN_BLOCK_H */
