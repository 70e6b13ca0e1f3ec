/*
 * block.h
 *	  Sealing a chain: from what waits in the journal to blocks.
 */
#ifndef SC_SEAL_BLOCK_H
#define SC_SEAL_BLOCK_H

#include "postgres.h"

#include "ledger/registry.h"

/*
 * Seals everything that is committed for the chain now, in as many blocks
 * (and transactions) as it takes; outside a transaction.  Returns how many
 * blocks; *height is the chain's last block then, -1 when it has none.
 * A chain that is closed or gone is left alone.
 */
extern int	sc_seal_chain(int32 chain_id, int64 *height);

/* the lock under which a chain is sealed and opened; until the end of the transaction */
extern void sc_chain_lock(int32 chain_id);
/*
 * Errors when this transaction holds the lock of any chain: the worker seals
 * one chain after the other, so whoever waits for its answer would wait for itself.
 */
extern void sc_chain_require_unlocked(void);

#endif							/* SC_SEAL_BLOCK_H */
