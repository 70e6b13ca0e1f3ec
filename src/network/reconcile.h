/*
 * reconcile.h
 *	  A new subscription in place of one whose positions mean nothing any more.
 */
#ifndef SC_NETWORK_RECONCILE_H
#define SC_NETWORK_RECONCILE_H

#include "postgres.h"

#include "network/channel.h"
#include "network/peer.h"

/*
 * Makes slot and subscription anew, with the peer's rows above the blocks that
 * are integrated here brought over at the slot's very beginning.  The channel
 * is used up.  What it waits for, or NULL when it is done.  Of the worker,
 * outside a transaction.
 */
extern const char *sc_reconcile_peer(const char *me, const ScPeer *peer, ScChannel *channel, const char *lineage, const char *run);

#endif							/* SC_NETWORK_RECONCILE_H */
