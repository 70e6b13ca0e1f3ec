/*
 * served.h
 *	  Chains by origin: this node's own and its copies.
 */
#ifndef SC_NETWORK_SERVED_H
#define SC_NETWORK_SERVED_H

#include "postgres.h"

#include "ledger/registry.h"

/* the chain of that origin, own or copy; NULL when there is none and missing_ok, else UNDEFINED_OBJECT */
extern ScChain *sc_chain_of_origin(const char *origin, bool missing_ok);

#endif							/* SC_NETWORK_SERVED_H */
