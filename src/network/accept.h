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

#endif							/* SC_NETWORK_ACCEPT_H */
