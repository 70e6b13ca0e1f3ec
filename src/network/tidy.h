/*
 * tidy.h
 *	  Removing what connected this node with others that are no longer its peers.
 */
#ifndef SC_NETWORK_TIDY_H
#define SC_NETWORK_TIDY_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* of the network worker, outside a transaction; peers: List of ScPeer *, all there are.  True when something is left to remove. */
extern bool sc_tidy_links(const char *me, List *peers);

/* is there any link in this database, of a peer or not?  In a transaction of any process. */
extern bool sc_links_exist(void);

extern void sc_tidy_init(void);

#endif							/* SC_NETWORK_TIDY_H */
