/*
 * lineage.h
 *	  Which history a server's WAL positions belong to.
 *
 * A subscription's position means something only on the server that it was
 * taken on: a promoted standby, a restored backup or a new cluster has other
 * WAL under the same numbers.  A server's lineage is its system identifier,
 * its timeline and a number that changes when it finds out that it has lost
 * something.  The network worker compares the lineages of both ends with
 * those under which a subscription was made (lineage_watch.h); when one is
 * another, it makes the subscription anew (reconcile.h).
 */
#ifndef SC_NETWORK_LINEAGE_H
#define SC_NETWORK_LINEAGE_H

#include "postgres.h"

#include "network/channel.h"

/* in place of lineages: the subscription is being made anew */
#define SC_LINEAGE_BROKEN "broken"

/*
 * This node has lost something: its subscriptions and those of its peers are
 * made anew.  Once it is committed, sc_lineage_tell has the peers look.
 * Of the network worker, in a transaction; tell: outside.
 */
extern void sc_lineage_renew(void);
extern void sc_lineage_tell(void);

/* the lineages of both ends as one text, palloc'd, or NULL while the peer does not know its own; outside a transaction */
extern char *sc_lineage_of(ScChannel *channel);

/* in a transaction: the subscription to that peer was made under these lineages, in that run of its server (NULL: not known) */
extern void sc_lineage_made(const char *peer, const char *lineage, const char *run);

/*
 * The present run of the peer's server, palloc'd, or NULL; *lost when it does
 * not know of the one that this node saw last: it is an old copy of itself.
 * Outside a transaction.
 */
extern char *sc_lineage_run(ScChannel *channel, const char *peer, bool *lost);

/* that run of the peer's server has been seen; outside a transaction */
extern void sc_lineage_saw_run(const char *peer, const char *run);

/* under which lineages the subscription to that peer was made, palloc'd, or NULL; outside a transaction */
extern char *sc_lineage_stored(const char *peer);

/* is the subscription being made anew, so that it must not be made in the usual way?  Outside a transaction. */
extern bool sc_lineage_broken(const char *peer);

/* forgets peers that are none any more; outside a transaction */
extern void sc_lineage_tidy(void);

/*
 * Has the peer applied WAL of this server that is not there any more?  Then
 * this server was brought back from an old copy of itself.  A peer is asked
 * once a process; outside a transaction.
 */
extern bool sc_lineage_is_ahead(ScChannel *channel, const char *me, const char *peer);

/* of the worker, when it begins, outside a transaction: a new run of this server */
extern void sc_lineage_begin(void);

#endif							/* SC_NETWORK_LINEAGE_H */
