/*
 * recover.h
 *	  Chains of this node that come back from its peers.
 */
#ifndef SC_NETWORK_RECOVER_H
#define SC_NETWORK_RECOVER_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* is the chain one of this node that is being recovered?  In a transaction. */
extern bool sc_recovering(const char *origin);

/*
 * Of the network worker, outside a transaction: asks the peers about chains
 * that have not been asked about since the server's start, and works on
 * recoveries.  True when something is left to be tried again.
 */
extern bool sc_recovery_tend(const char *me, List *peers);

#endif							/* SC_NETWORK_RECOVER_H */
