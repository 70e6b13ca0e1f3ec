/*
 * tidy.c
 *	  Removing what connected this node with others that are no longer its peers.
 *
 * Invariant: only what has the form of a link's name, in this database, and
 * is no link to or from a present peer is removed.  Each side removes its
 * own publication and the slot that the other read from, so neither needs
 * the other to answer.
 * Effects: subscriptions, publications and slots.
 * Context: the network worker, outside a transaction; sc_links_exist any process.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_subscription.h"
#include "ledger/guard.h"
#include "miscadmin.h"
#include "network/lineage.h"
#include "network/link.h"
#include "network/peer.h"
#include "network/query.h"
#include "network/subscription.h"
#include "network/tidy.h"
#include "replication/slot.h"
#include "storage/lwlock.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

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

/* is there a row of the catalog, of this database if it says so, whose name is a link's? */
static bool
catalog_has_link(Oid catalog, AttrNumber name, AttrNumber database)
{
	Relation	rel = table_open(catalog, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	bool		found = false;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;

		if (database != InvalidAttrNumber &&
			DatumGetObjectId(heap_getattr(tuple, database, RelationGetDescr(rel), &isnull)) != MyDatabaseId)
			continue;
		found = sc_link_name_ok(NameStr(*DatumGetName(heap_getattr(tuple, name, RelationGetDescr(rel), &isnull))));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* is there a slot of this database whose name is a link's? */
static bool
slot_exists(void)
{
	bool		found = false;

	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots && !found; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];

		found = slot->in_use && slot->data.database == MyDatabaseId && sc_link_name_ok(NameStr(slot->data.name));
	}
	LWLockRelease(ReplicationSlotControlLock);
	return found;
}

bool
sc_links_exist(void)
{
	return catalog_has_link(SubscriptionRelationId, Anum_pg_subscription_subname, Anum_pg_subscription_subdbid) ||
		catalog_has_link(PublicationRelationId, Anum_pg_publication_pubname, InvalidAttrNumber) ||
		slot_exists();
}

/* without the extension nobody would drop them, and what still arrived would stop at missing tables */
static void
refuse_drop(void)
{
	List	   *peers = sc_peer_list();

	if (peers != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop extension seoulchain while this node has peers"),
				 errdetail("Node \"%s\" is one.", ((ScPeer *) linitial(peers))->name),
				 errhint("SELECT seoulchain.remove_peer(name) FROM seoulchain.peer; the network worker then drops publications, subscriptions and slots.")));
	if (sc_links_exist())
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop extension seoulchain while something of former peers is left"),
				 errdetail("The network worker drops their publications, subscriptions and slots."),
				 errhint("Try again in some seconds.")));
}

void
sc_tidy_init(void)
{
	sc_extension_drop_hook = refuse_drop;
}

bool
sc_tidy_links(const char *me, List *peers)
{
	bool		left = false;
	ListCell   *lc;

	sc_lineage_tidy();
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
