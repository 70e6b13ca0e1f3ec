/*
 * message_tidy.h
 *	  Removing messages of this node that have served.
 */
#ifndef SC_NETWORK_MESSAGE_TIDY_H
#define SC_NETWORK_MESSAGE_TIDY_H

#include "ledger/registry.h"

/*
 * Now and then: deletes this node's messages about a chain that their
 * recipients need no more, in the running transaction.
 */
extern void sc_message_tidy(const ScChain *chain);

#endif							/* SC_NETWORK_MESSAGE_TIDY_H */
