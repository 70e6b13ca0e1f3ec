/*
 * follow.h
 *	  Which chains of other nodes this one follows.
 */
#ifndef SC_NETWORK_FOLLOW_H
#define SC_NETWORK_FOLLOW_H

#include "postgres.h"

/* is the chain one that is followed, from that peer? */
extern bool sc_follows(const char *origin, const char *peer);

/* nothing of the node is followed any more, in the running transaction */
extern void sc_follow_remove_node(const char *node);

#endif							/* SC_NETWORK_FOLLOW_H */
