/*
 * subscription.h
 *	  What comes from the peers: one subscription each, made and kept by the network worker.
 */
#ifndef SC_NETWORK_SUBSCRIPTION_H
#define SC_NETWORK_SUBSCRIPTION_H

#include "postgres.h"

#include "network/channel.h"
#include "network/peer.h"

/* owner of the subscriptions, and so the role under which rows are applied: no superuser, and nobody can log in as it */
#define SC_APPLY_ROLE "seoulchain_apply"

/*
 * Are the rows of every table of that copy travelling and synchronised, so
 * that what is missing is missing?  False too while there is no subscription.
 * In a transaction of any process.
 */
extern bool sc_subscription_ready(const char *peer, int32 chain_id);

/* OID of the subscription of that name in this database, InvalidOid when there is none */
extern Oid	sc_subscription_oid(const char *link);

/* the rest is the worker's */

/* why no slot can be made at the peer yet, or NULL; errors when it is another node */
extern const char *sc_subscription_lacks(ScChannel *channel, const char *link, const ScPeer *peer);

/* makes the subscription of a slot that is there, with messages and cosignatures; in a transaction of the worker */
extern Oid	sc_subscription_create(const char *link, const char *me, const ScPeer *peer);

/* is there a subscription to that peer, made by us?  In a transaction of the worker. */
extern bool sc_subscription_exists(const char *me, const char *peer);

/* follows the peer's connection string, takes up tables that travel now and gives up those of chains no longer followed */
extern void sc_subscription_keep(const char *me, const ScPeer *peer);

/*
 * Connects to the peer, makes the slot there and the subscription here.  What
 * it waits for, or NULL when it is done.  Outside a transaction.
 */
extern const char *sc_subscription_make(const char *me, const ScPeer *peer);

/*
 * Drops a subscription and what it holds at the other node, if that answers;
 * `conninfo` reaches it.  Outside a transaction.
 */
extern void sc_subscription_drop(const char *link);

/* removes a slot of ours at a peer, if it is there; OBJECT_IN_USE when somebody reads from it for two seconds */
extern void sc_slot_remove(ScChannel *channel, const char *slot);

#endif							/* SC_NETWORK_SUBSCRIPTION_H */
