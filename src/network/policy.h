/*
 * policy.h
 *	  The policies of a chain: which witnesses its checkpoints need to be final.
 *
 * A policy is C2SP tlog-policy text in an event leaf of the chain,
 * {"event":{"policy":<text>,"type":"policy"}}, and a row of
 * seoulchain.policy, on the origin and on every copy.
 */
#ifndef SC_NETWORK_POLICY_H
#define SC_NETWORK_POLICY_H

#include "postgres.h"

#include "core/json.h"
#include "core/policy.h"
#include "ledger/registry.h"
#include "utils/snapshot.h"

#define SC_POLICY_EVENT "policy"

/* seoulchain.policy */
#define SC_POLICY_ATTR_CHAIN_ID 1
#define SC_POLICY_ATTR_SEQ 2
#define SC_POLICY_ATTR_TEXT 3
#define SC_POLICY_NATTS 3

typedef struct ScPolicyEntry
{
	int64		seq;			/* ledger_seq of the event */
	int64		leaf;			/* its leaf; PG_INT64_MAX while it is not sealed */
	char	   *text;
	bool		good;			/* whether it can come into force: it is what its event says, well formed, and overlap > 0 */
	int			overlap;		/* smallest number of witnesses that two quorums share, the origin's own not counted */
	int64		since;			/* decides about larger trees than this; PG_INT64_MAX: not in force yet */
	ScPolicy   *policy;			/* NULL when malformed */
} ScPolicyEntry;

/* keeps the policy of an event that has been recorded, or has arrived for a copy */
extern void sc_policy_insert(int32 chain_id, int64 seq, const char *text);

/* the same out of the event object; false when it has no such text: it is no policy event */
extern bool sc_policy_apply_event(int32 chain_id, int64 seq, const ScJson *event);

/* the policies of a chain in the order of their leaves; `since` is not filled in (final.h does) */
extern List *sc_policy_list(const ScChain *chain, Snapshot snapshot);

/* which keys of the policy are the origin's own: its node's cosigner keys, its log keys, keys that bear its name */
extern void sc_policy_own_keys(bool *own, const ScPolicy *policy, const ScChain *chain, Snapshot snapshot);

/* those of them that bear the name of the origin's node, or of something of it */
extern void sc_policy_named_own(bool *own, const ScPolicy *policy, const char *origin);

/* is the key a witness that the quorum asks for, itself or in a group? */
extern bool sc_policy_asks_for(const ScPolicy *policy, int key);

/* does the quorum ask for two witnesses that bear one node's name?  One superuser has both their keys. */
extern bool sc_policy_twice(const ScPolicy *policy, int *first, int *second);

/* the cosigner keys of this node and of its peers: List of char * */
extern List *sc_known_cosigner_keys(void);

/* the node that a chain is of, its origin without the chain's name; palloc'd */
extern char *sc_origin_node(const char *origin);

#endif							/* SC_NETWORK_POLICY_H */
