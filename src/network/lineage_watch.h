/*
 * lineage_watch.h
 *	  When the lineages of a subscription's two ends are compared.
 */
#ifndef SC_NETWORK_LINEAGE_WATCH_H
#define SC_NETWORK_LINEAGE_WATCH_H

#include "postgres.h"

#include "network/peer.h"

/* of the worker: is a peer to be compared with now, since its apply worker is another or does not run?  Outside a transaction. */
extern bool sc_lineage_noticed(void);

/* how long until lineages are to be compared with this peer: 0 = now, -1 = it is done */
extern long sc_lineage_pause(const char *me, const char *peer);

/*
 * Compares them over a connection, makes the subscription anew if need be
 * (*made).  What it waits for, or NULL.  Outside a transaction.
 */
extern const char *sc_lineage_check(const char *me, const ScPeer *peer, bool *made);

/* what a comparison waits for that has not come to its end, or NULL */
extern const char *sc_lineage_waiting(const char *me, const char *peer);

/* a peer has had WAL of this server that is gone: this node has another lineage now */
extern void sc_lineage_note_ahead(const char *peer);

/* this node has another lineage now: everything is compared once more */
extern void sc_lineage_forget_compared(void);

/*
 * Is what the peer's apply worker brings known to be of the server under
 * which the subscription was made?  Any process, in a transaction.
 */
extern bool sc_lineage_sure(const char *me, const char *peer);

#endif							/* SC_NETWORK_LINEAGE_WATCH_H */
