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

/* the fault of a row that can be no leaf: without a number, or too large */
#define SC_FAULT_ODD_ROW "row no leaf"

/* the fault of two events under one number */
#define SC_FAULT_TWO_EVENTS "two events"

/* does this node follow the chain? */
extern bool sc_copy_is_followed(const char *origin);

/* is the role the one under which that node connects to us? */
extern bool sc_copy_is_peer_role(const char *node, const char *role);

/* installs the hooks of the ledger room */
extern void sc_copy_init(void);

#endif							/* SC_NETWORK_COPY_H */
