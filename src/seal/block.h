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

/*
 * Set by the network room: a block of this chain, which other nodes may
 * follow, is being made and has leaves.  Stores one event more if there is
 * something to tell and sets *seq and *leaf; false when there is not.  In the
 * block's transaction, under the chain's lock.
 */
typedef bool (*sc_block_join_hook_type) (const ScChain *chain, int64 *seq, ScHash *leaf);
extern PGDLLIMPORT sc_block_join_hook_type sc_block_join_hook;

/* the lock under which a chain is sealed and opened; until the end of the transaction */
extern void sc_chain_lock(int32 chain_id);
/* the same, false instead of waiting for who has it */
extern bool sc_chain_lock_at_once(int32 chain_id);
/*
 * Errors when this transaction holds the lock of any chain: the worker seals
 * one chain after the other, so whoever waits for its answer would wait for itself.
 */
extern void sc_chain_require_unlocked(void);

#endif							/* SC_SEAL_BLOCK_H */
