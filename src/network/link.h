/*
 * link.h
 *	  Names of what connects two nodes: publication, subscription and slot.
 */
#ifndef SC_NETWORK_LINK_H
#define SC_NETWORK_LINK_H

#include "postgres.h"

#define SC_LINK_PREFIX "seoulchain_"
#define SC_LINK_NAME_LEN 27		/* the prefix and 16 hex digits */

/* the name, palloc'd: the same on both nodes, another for the way back */
extern char *sc_link_name(const char *publisher, const char *subscriber);

/* can it be such a name? */
extern bool sc_link_name_ok(const char *name);

#endif							/* SC_NETWORK_LINK_H */
