/*
 * peer.h
 *	  The other nodes that this one exchanges chains and cosignatures with.
 */
#ifndef SC_NETWORK_PEER_H
#define SC_NETWORK_PEER_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef struct ScPeer
{
	char	   *name;
	char	   *conninfo;
	char	   *cosigner_key;
	char	   *role;			/* NULL: not said */
	bool		here;			/* added in this cluster and database: not in the one that this is a copy of */
} ScPeer;

/* every peer, by name: List of ScPeer *, palloc'd; as committed now and by the running transaction */
extern List *sc_peer_list(void);

/* one peer, or NULL */
extern ScPeer *sc_peer_find(const char *name);

/* the same, or errors with UNDEFINED_OBJECT */
extern ScPeer *sc_peer_require(const char *name);

/* this node's name; errors when there is none */
extern char *sc_require_node(void);

#endif							/* SC_NETWORK_PEER_H */
