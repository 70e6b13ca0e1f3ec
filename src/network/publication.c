/*
 * publication.c
 *	  What goes to the peers: one publication each.
 *
 * Invariant: a peer's publication holds its messages, this node's
 * cosignatures, and tables only of chains that are shared with it and that
 * it has confirmed; it sends inserts.
 * Locks: those of ALTER PUBLICATION.
 * Effects: publications; messages.
 * Context: the network worker, in a transaction (query.h).
 */
#include "postgres.h"

#include "network/publication.h"

#include "ledger/registry.h"
#include "ledger/sequence.h"
#include "network/link.h"
#include "network/message.h"
#include "network/query.h"
#include "replication/slot.h"
#include "storage/spin.h"
#include "utils/builtins.h"

/* the tables of a publication that belong to a chain, as it is in the registry */
#define TABLES_OF_PUBLICATION \
	"pg_catalog.pg_publication_rel pr JOIN pg_catalog.pg_publication p ON p.oid = pr.prpubid " \
	"JOIN seoulchain.ledger l ON l.relation = pr.prrelid "

/* makes the publication; what is sent to others is filtered out at the source */
static void
create(const char *name, const char *me, const char *peer)
{
	sc_query("CREATE PUBLICATION %s FOR TABLE seoulchain.message WHERE (recipient = %s AND sender = %s),"
			 " seoulchain.cosignature WHERE (witness = %s) WITH (publish = 'insert')",
			 name, quote_literal_cstr(peer), quote_literal_cstr(me), quote_literal_cstr(me));
	sc_query("COMMENT ON PUBLICATION %s IS %s", name,
			 quote_literal_cstr(psprintf("what node %s sends to node %s", me, peer)));
}

/* takes tables out that a query finds, each row of which is a regclass */
static void
drop_tables(const char *name, uint64 rows)
{
	char	  **tables = palloc(sizeof(char *) * Max(rows, 1));

	for (uint64 i = 0; i < rows; i++)
		tables[i] = sc_query_value(i, 1);
	for (uint64 i = 0; i < rows; i++)
		sc_query("ALTER PUBLICATION %s DROP TABLE %s", name, tables[i]);
}

void
sc_publication_keep(const char *me, const char *peer)
{
	char	   *name = sc_link_name(me, peer);

	if (sc_query_text("SELECT 1 FROM pg_catalog.pg_publication WHERE pubname = %s", quote_literal_cstr(name)) == NULL)
		create(name, me, peer);
	drop_tables(name, sc_query("SELECT l.relation::pg_catalog.text FROM " TABLES_OF_PUBLICATION
							   "LEFT JOIN seoulchain.share s ON s.chain_id = l.chain_id AND s.node = %s "
							   "WHERE p.pubname = %s AND s.node IS NULL",
							   quote_literal_cstr(peer), quote_literal_cstr(name)));
}

/* "the rows of this table travel now" */
static void
send_published(const char *me, const char *peer, const char *origin, int64 joined_seq, const char *ledger_name)
{
	ScMessage	message = {
		.sender = me,
		.recipient = peer,
		.kind = SC_MESSAGE_PUBLISHED,
		.origin = origin,
		.number = joined_seq,
		.body = ledger_name,
		.bodylen = strlen(ledger_name)
	};

	sc_message_send(&message);
}

/*
 * May the transaction that made the table be about to commit?  What it wrote
 * travels as soon as its commit record is flushed, which is a moment before
 * anybody here sees it.
 */
static bool
may_be_committing(int32 chain_id, int64 joined_seq)
{
	return sc_query_text("SELECT 1 WHERE NOT EXISTS (SELECT FROM seoulchain.event WHERE chain_id = %d AND ledger_seq = " INT64_FORMAT ") "
						 "AND " INT64_FORMAT " < pg_catalog.pg_sequence_last_value(%u) + %d",
						 chain_id, joined_seq, joined_seq, sc_chain_by_id(chain_id, false)->sequence, SC_SEQUENCE_STRIDE) != NULL;
}

bool
sc_publication_add(const char *me, const char *peer, int32 chain_id, int64 joined_seq, const char *ledger_name)
{
	char	   *name = sc_link_name(me, peer);
	char	   *origin = sc_chain_by_id(chain_id, false)->origin;
	char	   *table = sc_query_text("SELECT relation::pg_catalog.text FROM seoulchain.ledger WHERE chain_id = %d "
									  "AND ledger_name = %s AND joined_seq = " INT64_FORMAT " AND relation <> 0",
									  chain_id, quote_literal_cstr(ledger_name), joined_seq);

	/* one that is dropped by now has no rows to copy; the event about it is on its way */
	if (table == NULL)
		return !may_be_committing(chain_id, joined_seq);
	if (sc_query_text("SELECT 1 FROM " TABLES_OF_PUBLICATION "WHERE p.pubname = %s AND pr.prrelid = %s::pg_catalog.regclass",
					  quote_literal_cstr(name), quote_literal_cstr(table)) == NULL)
		sc_query("ALTER PUBLICATION %s ADD TABLE ONLY %s", name, table);
	send_published(me, peer, origin, joined_seq, ledger_name);
	return true;
}

void
sc_publication_announce(const char *me, const char *peer, int32 chain_id)
{
	char	   *name = sc_link_name(me, peer);
	char	   *origin = sc_chain_by_id(chain_id, false)->origin;
	uint64		rows = sc_query("SELECT l.joined_seq, l.ledger_name FROM " TABLES_OF_PUBLICATION
								"WHERE p.pubname = %s AND l.chain_id = %d ORDER BY 1", quote_literal_cstr(name), chain_id);

	for (uint64 i = 0; i < rows; i++)
		send_published(me, peer, origin, strtoll(sc_query_value(i, 1), NULL, 10), sc_query_value(i, 2));
}

void
sc_publication_end(const char *me, const char *peer, int32 chain_id)
{
	char	   *name = sc_link_name(me, peer);

	drop_tables(name, sc_query("SELECT l.relation::pg_catalog.text FROM " TABLES_OF_PUBLICATION
							   "WHERE p.pubname = %s AND l.chain_id = %d", quote_literal_cstr(name), chain_id));
}

bool
sc_publication_listened(const char *me, const char *peer)
{
	ReplicationSlot *slot = SearchNamedReplicationSlot(sc_link_name(me, peer), true);
	XLogRecPtr	confirmed;

	if (slot == NULL)
		return false;
	/* one that is being made decodes nothing that commits before it has found its beginning */
	SpinLockAcquire(&slot->mutex);
	confirmed = slot->data.confirmed_flush;
	SpinLockRelease(&slot->mutex);
	return !XLogRecPtrIsInvalid(confirmed);
}
