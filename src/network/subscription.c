/*
 * subscription.c
 *	  What comes from the peers: one subscription each.
 *
 * The slot is made over a channel, outside any transaction of this node: a
 * slot waits for the transactions that run on its server, so two nodes that
 * made theirs within transactions would wait for each other for ever.  Then
 * the subscription is made without connecting, in one transaction with its
 * owner and its first two tables.
 *
 * Invariant: messages are read from the slot's beginning, never copied; a
 * table is copied only after its node has published it, and only when it has
 * no rows yet, so no row falls between and none comes twice.  Whoever runs subscriptions is no superuser once their
 * transaction is committed.
 * Effects: subscriptions here, slots at the peers.
 * Context: the network worker, but for sc_subscription_ready.
 * Does not: look at rows.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_subscription_rel.h"
#include "commands/subscriptioncmds.h"
#include "compat.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/channel.h"
#include "network/lineage.h"
#include "network/link.h"
#include "network/message.h"
#include "network/network_settings.h"
#include "network/query.h"
#include "network/subscription.h"
#include "network/wake.h"
#include "seal/node.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* OID of the subscription, InvalidOid when there is none */
Oid
sc_subscription_oid(const char *link)
{
	return GetSysCacheOid2(SUBSCRIPTIONNAME, Anum_pg_subscription_oid,
						   ObjectIdGetDatum(MyDatabaseId), CStringGetDatum(link));
}

bool
sc_subscription_exists(const char *me, const char *peer)
{
	return OidIsValid(sc_subscription_oid(sc_link_name(peer, me)));
}

bool
sc_subscription_ready(const char *peer, int32 chain_id)
{
	char	   *me = sc_node_name(NULL);
	Oid			subid = me == NULL ? InvalidOid : sc_subscription_oid(sc_link_name(peer, me));
	ListCell   *lc;

	if (!OidIsValid(subid))
		return false;
	foreach(lc, sc_ledger_list(chain_id))
	{
		ScLedgerTable *table = lfirst(lc);
		XLogRecPtr	lsn;

		/* nothing comes for a table that its node dropped */
		if (OidIsValid(table->relation) && table->dropped_seq == 0 &&
			GetSubscriptionRelState(subid, table->relation, &lsn) != SUBREL_STATE_READY)
			return false;
	}
	return true;
}

/* of one peer's words so many are looked at before the others have their turn */
#define TAKEN_AT_ONCE 1000

/* has the table no rows?  One that has some would get them twice: it was restored with a dump. */
static bool
is_empty(Oid relid)
{
	return sc_query_text("SELECT 1 FROM ONLY %s LIMIT 1",
						 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid))) == NULL;
}

/* takes up tables of which the peer says that their rows travel; what it says of others is forgotten: it says it again when it is asked */
static void
take_up_tables(const char *me, const char *peer, Oid subid)
{
	uint64		rows;
	char	  **tids;
	Oid		   *tables;

	/* a chain of which nothing had come can begin whenever its node likes */
	sc_query("DELETE FROM seoulchain.message m WHERE m.sender = %s AND m.kind = 'published' AND m.number < 0 AND NOT EXISTS "
			 "(SELECT FROM seoulchain.chain c WHERE c.origin = m.origin AND c.copy)", quote_literal_cstr(peer));
	rows = sc_query("SELECT m.ctid, COALESCE(l.relation, 0)::pg_catalog.oid FROM seoulchain.message m "
					"LEFT JOIN seoulchain.chain c ON c.origin = m.origin AND c.copy "
					"LEFT JOIN seoulchain.ledger l ON l.chain_id = c.chain_id AND l.ledger_name = m.body "
					"WHERE m.sender = %s AND m.recipient = %s AND m.kind = 'published' AND m.number >= 0 LIMIT %d",
					quote_literal_cstr(peer), quote_literal_cstr(me), TAKEN_AT_ONCE);
	tids = palloc(sizeof(char *) * Max(rows, 1));
	tables = palloc(sizeof(Oid) * Max(rows, 1));
	for (uint64 i = 0; i < rows; i++)
	{
		tids[i] = sc_query_value(i, 1);
		tables[i] = (Oid) strtoul(sc_query_value(i, 2), NULL, 10);
	}
	for (uint64 i = 0; i < rows; i++)
	{
		XLogRecPtr	lsn;

		if (OidIsValid(tables[i]) && get_rel_name(tables[i]) != NULL &&
			GetSubscriptionRelState(subid, tables[i], &lsn) == SUBREL_STATE_UNKNOWN && is_empty(tables[i]))
		{
			sc_add_subscription_table(subid, tables[i], SUBREL_STATE_INIT);
			CommandCounterIncrement();
		}
		sc_query("DELETE FROM seoulchain.message WHERE ctid = '%s'", tids[i]);
	}
	/* there may be more */
	if (rows == TAKEN_AT_ONCE)
		sc_network_wake();
}

/* gives up tables that their node dropped, and tables of chains that are no longer followed, once they are synchronised */
static void
give_up_tables(const char *peer, Oid subid)
{
	uint64		rows = sc_query("SELECT r.srrelid FROM pg_catalog.pg_subscription_rel r "
								"JOIN seoulchain.ledger l ON l.relation = r.srrelid JOIN seoulchain.chain c USING (chain_id) "
								"WHERE r.srsubid = %u AND c.copy AND (l.dropped_seq IS NOT NULL OR (r.srsubstate = 'r' AND NOT EXISTS "
								"(SELECT FROM seoulchain.follow f WHERE f.origin = c.origin AND f.peer = %s)))",
								subid, quote_literal_cstr(peer));
	Oid		   *tables = palloc(sizeof(Oid) * Max(rows, 1));

	for (uint64 i = 0; i < rows; i++)
		tables[i] = (Oid) strtoul(sc_query_value(i, 1), NULL, 10);
	for (uint64 i = 0; i < rows; i++)
		RemoveSubscriptionRel(subid, tables[i]);
}

void
sc_subscription_keep(const char *me, const ScPeer *peer)
{
	char	   *link = sc_link_name(peer->name, me);
	Oid			subid = sc_subscription_oid(link);

	if (sc_query_text("SELECT 1 FROM pg_catalog.pg_subscription WHERE oid = %u AND subconninfo <> %s",
					  subid, quote_literal_cstr(peer->conninfo)) != NULL)
		sc_query("ALTER SUBSCRIPTION %s CONNECTION %s", link, quote_literal_cstr(peer->conninfo));
	take_up_tables(me, peer->name, subid);
	give_up_tables(peer->name, subid);
}

Oid
sc_subscription_create(const char *link, const char *me, const ScPeer *peer)
{
	Oid			subid;

	/* it would warn that no tables are subscribed yet */
	sc_query("SET LOCAL log_min_messages = error");
	sc_query("CREATE SUBSCRIPTION %s CONNECTION %s PUBLICATION %s WITH (connect = false, slot_name = %s, streaming = off"
			 SC_SUBSCRIPTION_OPTIONS ")",
			 link, quote_literal_cstr(peer->conninfo), link, quote_literal_cstr(link));
	if (SC_SUBSCRIPTION_OWNER_SUPERUSER)
		sc_query("ALTER ROLE " SC_APPLY_ROLE " SUPERUSER");
	sc_query("ALTER SUBSCRIPTION %s OWNER TO " SC_APPLY_ROLE, link);
	sc_query("ALTER ROLE " SC_APPLY_ROLE " NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS "
			 "LOGIN CONNECTION LIMIT 0 PASSWORD NULL");
	sc_query("COMMENT ON SUBSCRIPTION %s IS %s", link,
			 quote_literal_cstr(psprintf("what node %s sends to node %s", peer->name, me)));
	sc_query("ALTER SUBSCRIPTION %s ENABLE", link);
	subid = sc_subscription_oid(link);
	/* read from the slot's beginning; cosignatures of before that are copied */
	sc_add_subscription_table(subid, sc_registry_relation("message"), SUBREL_STATE_READY);
	sc_add_subscription_table(subid, sc_registry_relation("cosignature"), SUBREL_STATE_INIT);
	/* what was sent before the slot was there did not reach us: ask anew */
	sc_query("UPDATE seoulchain.follow SET asked_at = NULL WHERE peer = %s", quote_literal_cstr(peer->name));
	return subid;
}

const char *
sc_subscription_lacks(ScChannel *channel, const char *link, const ScPeer *peer)
{
	char	   *node = sc_channel_text(channel, "SELECT name FROM seoulchain.node");
	char	   *wal_level;

	if (node == NULL || strcmp(node, peer->name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_EXCEPTION),
				 node == NULL ? errmsg("the database that conninfo names is no node") :
				 errmsg("the database that conninfo names is node \"%s\"", node)));
	wal_level = sc_channel_text(channel, "SELECT pg_catalog.current_setting('wal_level')");
	if (wal_level == NULL || strcmp(wal_level, "logical") != 0)
		return "its wal_level is not logical";
	if (sc_channel_text(channel, psprintf("SELECT 1 FROM pg_catalog.pg_publication WHERE pubname = %s",
										  sc_channel_literal(link))) == NULL)
		return "it has not added this node as a peer yet";
	return NULL;
}

/* makes the slot, or finds a usable one of an attempt before; what it waits for, or NULL */
static const char *
make_slot(ScChannel *channel, const char *link)
{
	char	   *found = sc_channel_text(channel, psprintf("SELECT CASE WHEN active THEN 'active' WHEN wal_status = 'lost' OR "
														  "plugin <> 'pgoutput' OR database <> pg_catalog.current_database() THEN 'useless' ELSE 'free' END "
														  "FROM pg_catalog.pg_replication_slots WHERE slot_name = %s", sc_channel_literal(link)));

	if (found != NULL && strcmp(found, "active") == 0)
		return "this node's slot there is in use: it is being made, or another copy of this node reads from it";
	if (found != NULL && strcmp(found, "useless") == 0)
		sc_channel_command(channel, psprintf("DROP_REPLICATION_SLOT \"%s\"", link));
	if (found == NULL || strcmp(found, "useless") == 0)
		sc_channel_command(channel, psprintf("CREATE_REPLICATION_SLOT \"%s\" LOGICAL pgoutput (SNAPSHOT 'nothing')", link));
	return NULL;
}

const char *
sc_subscription_make(const char *me, const ScPeer *peer)
{
	char	   *link = sc_link_name(peer->name, me);
	ScChannel  *channel = sc_channel_open_conninfo(peer->name, peer->conninfo, sc_network_timeout);
	const char *waiting = sc_subscription_lacks(channel, link, peer);
	char	   *lineage = NULL;

	if (waiting == NULL && (lineage = sc_lineage_of(channel)) == NULL)
		waiting = "it is asking its peers what it has lost";
	if (waiting == NULL)
		waiting = make_slot(channel, link);
	sc_channel_close(channel);
	if (waiting != NULL)
		return waiting;
	sc_query_begin();
	(void) sc_subscription_create(link, me, peer);
	sc_lineage_made(peer->name, lineage, NULL);
	sc_query_commit();
	return NULL;
}
