/*
 * share_check.h
 *	  Can other nodes check everything that a chain holds?
 */
#ifndef SC_NETWORK_SHARE_CHECK_H
#define SC_NETWORK_SHARE_CHECK_H

#include "postgres.h"

#include "ledger/registry.h"

/*
 * Errors (OBJECT_NOT_IN_PREREQUISITE_STATE) when a chain of this node cannot
 * be shared because of what is on it: rules in SQL, tables that were dropped,
 * no key.  Whoever shares calls it under ShareRowExclusiveLock on
 * seoulchain.event, so that nothing of the kind comes meanwhile.
 */
extern void sc_share_check(const ScChain *chain);

#endif							/* SC_NETWORK_SHARE_CHECK_H */
