/*
 * subscription_drop.c
 *	  Dropping subscriptions of peers that are gone.
 *
 * Invariant: a node that cannot be reached keeps nothing here from being
 * dropped; its own worker drops the slot when it removes us.  The slot of a
 * subscription that was restored (disabled, without tables) belongs to the
 * original and is left alone.
 * Effects: subscriptions here, slots at the other node.
 * Context: the network worker, outside a transaction.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_subscription_rel.h"
#include "compat.h"
#include "miscadmin.h"
#include "network/channel.h"
#include "network/network_settings.h"
#include "network/query.h"
#include "network/subscription.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

/* an honest node has one slot of ours, and a few while tables are copied */
#define SLOTS_MAX 64

/* so often and so far apart it is looked whether a slot is free */
#define SLOT_TRIES 20
#define SLOT_PAUSE_MS 100

/* ends the workers: nobody reads from the slot any more.  The subscription's OID, its conninfo if the slot is ours */
static Oid
disable(const char *link, char **conninfo)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			subid;

	*conninfo = NULL;
	sc_query_begin();
	subid = (Oid) strtoul(sc_query_text("SELECT oid FROM pg_catalog.pg_subscription WHERE subname = %s AND subdbid = %u",
										quote_literal_cstr(link), MyDatabaseId), NULL, 10);
	if (sc_query("SELECT subconninfo FROM pg_catalog.pg_subscription WHERE oid = %u AND subslotname IS NOT NULL AND "
				 "EXISTS (SELECT FROM pg_catalog.pg_subscription_rel WHERE srsubid = oid)", subid) > 0)
		*conninfo = MemoryContextStrdup(context, sc_query_value(0, 1));
	sc_query("ALTER SUBSCRIPTION %s DISABLE", link);
	sc_query_commit();
	return subid;
}

/* waits for the workers of a disabled subscription to end, a few seconds at most */
static void
wait_for_workers(Oid subid)
{
	for (int i = 0; i < 50; i++)
	{
		char	   *running;

		sc_query_begin();
		running = sc_query_text("SELECT 1 FROM pg_catalog.pg_stat_subscription WHERE subid = %u AND pid IS NOT NULL", subid);
		sc_query_commit();
		if (running == NULL)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 100, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Removes a slot of this node's at a peer, once who has read from it lets go;
 * nothing if there is none.  Not with DROP_REPLICATION_SLOT ... WAIT: another
 * server with this node's name would have the peer's senders wait for ever,
 * one more at every try, until the peer has none left.
 */
void
sc_slot_remove(ScChannel *channel, const char *slot)
{
	char	   *query = psprintf("SELECT active FROM pg_catalog.pg_replication_slots WHERE slot_name = %s", sc_channel_literal(slot));
	char	   *active;

	for (int tries = 0; (active = sc_channel_text(channel, query)) != NULL && active[0] == 't'; tries++)
	{
		if (tries == SLOT_TRIES)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("this node's slot there is in use: another copy of this node reads from it")));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, SLOT_PAUSE_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	if (active != NULL)
		sc_channel_command(channel, psprintf("DROP_REPLICATION_SLOT \"%s\"", slot));
}

/* drops the slots that the subscription has at the other node */
static void
drop_slots(const char *link, const char *conninfo, Oid subid)
{
	ScChannel  *channel = sc_channel_open_conninfo(link, conninfo, sc_network_timeout);
	List	   *slots = NIL;
	ListCell   *lc;
	const char *const *row;

	sc_channel_query(channel, psprintf("SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE "
									   "slot_name = %s OR slot_name ~ '^pg_%u_sync_[0-9]+_" UINT64_FORMAT "$'",
									   sc_channel_literal(link), subid, GetSystemIdentifier()), 1);
	while ((row = sc_channel_next(channel)) != NULL)
		if (row[0] != NULL && list_length(slots) < SLOTS_MAX)
			slots = lappend(slots, pstrdup(row[0]));
	foreach(lc, slots)
		sc_slot_remove(channel, lfirst(lc));
	sc_channel_close(channel);
}

/* the same; when the node does not answer that is its own affair */
static void
try_drop_slots(const char *link, const char *conninfo, Oid subid)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		drop_slots(link, conninfo, subid);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		ereport(LOG,
				(errmsg("the slot of subscription \"%s\" stays at the other node: %s", link, error->message),
				 errdetail("That node drops it when it removes this node as a peer.")));
	}
	PG_END_TRY();
}

/* drops the subscription without connecting */
static void
drop_here(const char *link, Oid subid)
{
	sc_query_begin();
	sc_query("SELECT pg_catalog.pg_replication_origin_drop(roname) FROM pg_catalog.pg_replication_origin "
			 "WHERE roname LIKE 'pg\\_%u\\_%%'", subid);
	RemoveSubscriptionRel(subid, InvalidOid);
	sc_query("ALTER SUBSCRIPTION %s SET (slot_name = NONE)", link);
	sc_query("DROP SUBSCRIPTION %s", link);
	sc_query_commit();
}

void
sc_subscription_drop(const char *link)
{
	char	   *conninfo;
	Oid			subid = disable(link, &conninfo);

	wait_for_workers(subid);
	if (conninfo != NULL)
		try_drop_slots(link, conninfo, subid);
	drop_here(link, subid);
	ereport(LOG, (errmsg("subscription \"%s\" is dropped: its node is no peer any more, or it is made anew", link)));
}
