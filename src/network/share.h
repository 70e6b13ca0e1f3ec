/*
 * share.h
 *	  Which of this node's chains go to which nodes.
 */
#ifndef SC_NETWORK_SHARE_H
#define SC_NETWORK_SHARE_H

#include "postgres.h"

/* nothing is shared with the node any more, in the running transaction */
extern void sc_share_remove_node(const char *node);

/* what the peer's role lacks to read the whole database, now; NULL: nothing */
extern const char *sc_share_reader_lacks(int32 chain_id, const char *peer);

#endif							/* SC_NETWORK_SHARE_H */
