/*
 * tidy.c
 *	  Removing what connected this node with others that are no longer its peers.
 *
 * Invariant: only what has the form of a link's name, in this database, and
 * is no link to or from a present peer is removed.  Each side removes its
 * own publication and the slot that the other read from, so neither needs
 * the other to answer.
 * Effects: subscriptions, publications and slots.
 * Context: the network worker, outside a transaction.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "network/link.h"
#include "network/peer.h"
#include "network/query.h"
#include "network/subscription.h"
#include "network/tidy.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* names that a query finds and that are no link of a peer in that direction, in the caller's context */
static List *
strangers(const char *me, List *peers, bool incoming, const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;
	uint64		rows;

	sc_query_begin();
	rows = sc_query(sql, MyDatabaseId);
	for (uint64 i = 0; i < rows; i++)
	{
		char	   *name = sc_query_value(i, 1);
		bool		known = !sc_link_name_ok(name);
		ListCell   *lc;
		MemoryContext old;

		foreach(lc, peers)
		{
			ScPeer	   *peer = lfirst(lc);

			known = known || strcmp(name, incoming ? sc_link_name(peer->name, me) : sc_link_name(me, peer->name)) == 0;
		}
		if (known)
			continue;
		old = MemoryContextSwitchTo(context);
		result = lappend(result, pstrdup(name));
		MemoryContextSwitchTo(old);
	}
	sc_query_commit();
	return result;
}

/* drops a slot; who reads from it is sent away first, and comes back in vain.  False while he is there. */
static bool
drop_slot(const char *name)
{
	bool		gone;

	sc_query_begin();
	sc_query("SELECT pg_catalog.pg_terminate_backend(active_pid) FROM pg_catalog.pg_replication_slots "
			 "WHERE slot_name = %s AND active_pid IS NOT NULL", quote_literal_cstr(name));
	gone = sc_query("SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots "
									   "WHERE slot_name = %s AND active_pid IS NULL", quote_literal_cstr(name)) > 0;
	sc_query_commit();
	return gone;
}

bool
sc_tidy_links(const char *me, List *peers)
{
	bool		left = false;
	ListCell   *lc;

	foreach(lc, strangers(me, peers, true, "SELECT subname FROM pg_catalog.pg_subscription WHERE subdbid = %u"))
		sc_subscription_drop(lfirst(lc));
	foreach(lc, strangers(me, peers, false, "SELECT pubname FROM pg_catalog.pg_publication WHERE %u <> 0"))
	{
		sc_query_begin();
		sc_query("DROP PUBLICATION %s", (char *) lfirst(lc));
		sc_query_commit();
	}
	foreach(lc, strangers(me, peers, false, "SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE datoid = %u"))
		left = !drop_slot(lfirst(lc)) || left;
	return left;
}
