/*
 * publication.h
 *	  What goes to the peers: one publication each, made and kept by the network worker.
 */
#ifndef SC_NETWORK_PUBLICATION_H
#define SC_NETWORK_PUBLICATION_H

#include "postgres.h"

/* all of them in a transaction of the worker (query.h) */

/* makes the peer's publication if it is missing, and takes tables out of it that are no longer shared */
extern void sc_publication_keep(const char *me, const char *peer);

/* the peer's copy of a table is there: its rows travel from now on; false when the table cannot be seen here yet */
extern bool sc_publication_add(const char *me, const char *peer, int32 chain_id, int64 joined_seq, const char *ledger_name);

/* tells the peer again which tables of the chain travel */
extern void sc_publication_announce(const char *me, const char *peer, int32 chain_id);

/* takes the chain's tables out of the peer's publication */
extern void sc_publication_end(const char *me, const char *peer, int32 chain_id);

/* has the peer a slot here, from which it reads what is sent? */
extern bool sc_publication_listened(const char *me, const char *peer);

#endif							/* SC_NETWORK_PUBLICATION_H */
