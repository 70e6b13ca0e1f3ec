/*
 * synchronized.h
 *	  Has everything arrived that a follower can have of a chain?
 */
#ifndef SC_NETWORK_SYNCHRONIZED_H
#define SC_NETWORK_SYNCHRONIZED_H

#include "ledger/registry.h"
#include "utils/snapshot.h"

/*
 * True when, under the snapshot, every table of the copy is in a subscription
 * and copied, the messages too, and no event waits to be applied.  Then every
 * row that its origin committed before a message which the snapshot shows is
 * to be seen with the same snapshot, if the origin published it.  Else *why,
 * palloc'd.
 */
extern bool sc_synchronized(const ScChain *chain, Snapshot snapshot, char **why);

#endif							/* SC_NETWORK_SYNCHRONIZED_H */
