/*
 * accept.h
 *	  What a node takes from its peers by replication, and from whom it comes.
 */
#ifndef SC_NETWORK_ACCEPT_H
#define SC_NETWORK_ACCEPT_H

#include "postgres.h"

/*
 * The peer whose subscription the running apply or table synchronisation
 * worker serves; NULL in every other process, and in workers of other
 * subscriptions.  Cheap after the first call of a process.
 */
extern const char *sc_apply_peer(void);

/* does the origin line name a chain of that very node?  "a/b/main" is of "a/b", not of "a". */
extern bool sc_origin_is_of(const char *origin, const char *node);

#endif							/* SC_NETWORK_ACCEPT_H */
