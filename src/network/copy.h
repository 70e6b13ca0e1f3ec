/*
 * copy.h
 *	  Copies: other nodes' chains that this node follows, as the registry knows them.
 */
#ifndef SC_NETWORK_COPY_H
#define SC_NETWORK_COPY_H

#include "postgres.h"

#include "ledger/registry.h"

/*
 * The copy of that chain, palloc'd, or NULL while its genesis event has not
 * come.  A copy's name in the registry is its origin; a chain of this node
 * itself is never returned.
 */
extern ScChain *sc_copy_by_origin(const char *origin);

#endif							/* SC_NETWORK_COPY_H */
