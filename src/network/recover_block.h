/*
 * recover_block.h
 *	  One block of a chain of this node, brought back from a peer.
 */
#ifndef SC_NETWORK_RECOVER_BLOCK_H
#define SC_NETWORK_RECOVER_BLOCK_H

#include "postgres.h"

#include "core/hash.h"
#include "network/channel.h"

/*
 * Brings back the blocks of the chain above its last signed one, up to
 * `height`, from a peer that has them; outside a transaction, several are
 * begun and committed.  Errors when what the peer sends is not what this node
 * once signed: nothing of that block is kept.
 */
extern void sc_recover_blocks(ScChannel *channel, const char *peer, const char *me, const char *origin, int64 height);

/*
 * Does the peer show a block of that height, with that first leaf if >= 0 or
 * that size and root if not NULL, that the chain's key has signed?  What it
 * does not show it may have made up.  Outside a transaction.
 */
extern bool sc_recover_shown(ScChannel *channel, const char *peer, const char *origin, int64 height,
							 int64 first_leaf, int64 size, const ScHash *root);

#endif							/* SC_NETWORK_RECOVER_BLOCK_H */
