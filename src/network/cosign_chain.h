/*
 * cosign_chain.h
 *	  Cosigning the blocks of a copy that this node has integrated.
 */
#ifndef SC_NETWORK_COSIGN_CHAIN_H
#define SC_NETWORK_COSIGN_CHAIN_H

#include "postgres.h"

/*
 * Cosigns every integrated block of the copy that this node has not cosigned;
 * outside a transaction, with every block's commit flushed.  Keeps the
 * chain's signing state up to date.  True when something is in the way of
 * which nobody will tell: signing memory, a key; a dispute's end is told.
 */
extern bool sc_cosign_chain(int32 chain_id);

#endif							/* SC_NETWORK_COSIGN_CHAIN_H */
