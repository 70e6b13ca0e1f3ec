/*
 * peer_state.h
 *	  What the network worker last met with each peer, for network_status: in shared memory.
 */
#ifndef SC_NETWORK_PEER_STATE_H
#define SC_NETWORK_PEER_STATE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define SC_PEER_STATES 512		/* peers, subscriptions and chains of all databases whose state is told */
#define SC_PEER_NAME_LEN 256
#define SC_PEER_TEXT_LEN 512

typedef struct ScPeerState
{
	Oid			dboid;			/* InvalidOid: free */
	char		name[SC_PEER_NAME_LEN]; /* a peer; also a subscription of ours, or the origin of a followed chain */
	char		waiting[SC_PEER_TEXT_LEN];	/* what the worker waits for, or "" */
	char		error[SC_PEER_TEXT_LEN];	/* what failed when it tried last, or "" */
	TimestampTz error_at;
	TimestampTz failing_since;
	int32		tries;			/* failed in a row */
	bool		connection;		/* the last error was the connection's */
	int64		dropped;		/* messages from it that were not its own to send, or not ours to get */
	char		dropped_why[SC_PEER_TEXT_LEN];
	TimestampTz dropped_at;
	int			compared;		/* pid of the apply worker for which both servers' lineages were as they should be */
} ScPeerState;

/* none of these fails for want of room: then nothing is kept */
extern void sc_peer_state_waiting(const char *peer, const char *why);	/* NULL: for nothing; ends a failure */
extern void sc_peer_state_failed(const char *peer, const char *error);
extern void sc_peer_state_apply_failed(const char *link, const char *error, bool connection);	/* an apply worker */
/* something (a message, a cosignature) came from the peer and is not taken: counted, and logged now and then */
extern void sc_peer_state_drop(const char *peer, const char *what, const char *why);
extern void sc_peer_state_set_compared(const char *peer, int pid);
extern int	sc_peer_state_compared(const char *peer);	/* 0: none, or not known */
extern void sc_peer_state_forget(const char *peer);
/* a copy; false when nothing is known */
extern bool sc_peer_state_get(const char *peer, ScPeerState *out);

extern void sc_peer_state_init(void);

#endif							/* SC_NETWORK_PEER_STATE_H */
