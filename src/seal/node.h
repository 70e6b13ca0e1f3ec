/*
 * node.h
 *	  This database's node, and the chains it makes.
 */
#ifndef SC_SEAL_NODE_H
#define SC_SEAL_NODE_H

#include "postgres.h"

#include "ledger/registry.h"

/* seoulchain.node */
#define SC_NODE_ATTR_COSIGNER_KEY 2
#define SC_NODE_NATTS 3

/* name of the node, palloc'd, NULL while there is none; its cosigner key too if asked */
extern char *sc_node_name(char **cosigner_key);

/* errors unless the name is <network>/<node> */
extern void sc_node_name_check(const char *name);

/* makes a chain: with a log key if there is a node, else unnamed for ever */
extern ScChain *sc_node_create_chain(const char *name);

#endif							/* SC_SEAL_NODE_H */
