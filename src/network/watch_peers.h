/*
 * watch_peers.h
 *	  Alarms about peers from which nothing arrives, or what should not.
 */
#ifndef SC_NETWORK_WATCH_PEERS_H
#define SC_NETWORK_WATCH_PEERS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* looks at the peers (ScPeer) of this node; when it is to be called again, in milliseconds.  The network worker, outside a transaction. */
extern long sc_watch_peers(const char *me, List *peers);

#endif							/* SC_NETWORK_WATCH_PEERS_H */
