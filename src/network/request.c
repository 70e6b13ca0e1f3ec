/*
 * request.c
 *	  Asking peers for chains, and answering what they ask for.
 *
 * Invariant: whoever asks for a chain gets every event of it exactly from
 * then on: those recorded before, read under a lock that keeps writers of
 * events out, and those after, sent by the transactions that record them
 * (message.c) because sent_height is set under the same lock.
 * Locks: ShareRowExclusiveLock on seoulchain.event while a chain's events are
 * sent, waited for five seconds at most.
 * Effects: messages; share.sent_height, follow.asked_at; publications.
 * Context: the network worker, in a transaction (query.h).
 */
#include "postgres.h"

#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/message.h"
#include "network/publication.h"
#include "network/query.h"
#include "network/request.h"
#include "utils/builtins.h"

/* asks again after so long without an answer */
#define ASK_AGAIN "30 seconds"

/* sends every event of the chain that is recorded so far */
static void
send_events(const char *me, const char *peer, const ScChain *chain)
{
	uint64		rows;

	sc_query("SET LOCAL lock_timeout = '5s'");
	sc_query("LOCK TABLE seoulchain.event IN SHARE ROW EXCLUSIVE MODE");
	rows = sc_query("SELECT ledger_seq, leaf FROM seoulchain.event WHERE chain_id = %d ORDER BY ledger_seq", chain->chain_id);
	for (uint64 i = 0; i < rows; i++)
	{
		ScMessage	message = {
			.sender = me,
			.recipient = peer,
			.kind = SC_MESSAGE_EVENT,
			.origin = chain->origin,
			.number = strtoll(sc_query_value(i, 1), NULL, 10),
			.body = sc_query_value(i, 2)
		};

		message.bodylen = strlen(message.body);
		sc_message_send(&message);
		CHECK_FOR_INTERRUPTS();
	}
}

/* answers a request; false when it has to wait, for the chain is not shared with the peer (yet) */
static bool
serve_request(const char *me, const char *peer, const ScChain *chain, int64 height)
{
	if (height == SC_REQUEST_NO_MORE)
	{
		sc_query("UPDATE seoulchain.share SET sent_height = NULL WHERE chain_id = %d AND node = %s",
				 chain->chain_id, quote_literal_cstr(peer));
		sc_publication_end(me, peer, chain->chain_id);
		return true;
	}
	if (!sc_chain_is_open(chain) || !sc_publication_listened(me, peer) ||
		sc_query_text("SELECT 1 FROM seoulchain.share WHERE chain_id = %d AND node = %s",
					  chain->chain_id, quote_literal_cstr(peer)) == NULL)
		return false;
	send_events(me, peer, chain);
	sc_publication_announce(me, peer, chain->chain_id);
	/* who says that he has more than there is gets what comes from now on */
	sc_query("UPDATE seoulchain.share SET sent_height = LEAST(" INT64_FORMAT ", (SELECT COALESCE(max(height), -1) "
			 "FROM seoulchain.signature WHERE chain_id = %d)) WHERE chain_id = %d AND node = %s",
			 Max(height, -1), chain->chain_id, chain->chain_id, quote_literal_cstr(peer));
	return true;
}

/* answers one message; true when it has served */
static bool
serve(const char *me, const char *peer, const char *kind, const ScChain *chain, int64 number, const char *body)
{
	if (chain == NULL || chain->copy)
		return true;
	if (strcmp(kind, SC_MESSAGE_REQUEST) == 0)
		return serve_request(me, peer, chain, number);
	if (sc_query_text("SELECT 1 FROM seoulchain.share WHERE chain_id = %d AND node = %s",
					  chain->chain_id, quote_literal_cstr(peer)) != NULL)
		sc_publication_add(me, peer, chain->chain_id, number, body);
	return true;
}

/* the own chain of that origin, or NULL */
static ScChain *
chain_of(const char *origin)
{
	ListCell   *lc;

	foreach(lc, sc_chain_list())
	{
		ScChain    *chain = lfirst(lc);

		if (strcmp(chain->origin, origin) == 0)
			return chain;
	}
	return NULL;
}

typedef struct Waiting
{
	char	   *tid;
	char	   *kind;
	char	   *origin;
	int64		number;
	char	   *body;
} Waiting;

bool
sc_requests_serve(const char *me, const char *peer)
{
	uint64		rows;
	Waiting    *list;
	bool		asked = false;

	/* of several requests for a chain the last counts */
	sc_query("DELETE FROM seoulchain.message m WHERE sender = %s AND recipient = %s AND kind = 'request' AND EXISTS "
			 "(SELECT FROM seoulchain.message n WHERE n.sender = m.sender AND n.recipient = m.recipient "
			 "AND n.kind = m.kind AND n.origin = m.origin AND n.ctid > m.ctid)",
			 quote_literal_cstr(peer), quote_literal_cstr(me));
	rows = sc_query("SELECT ctid, kind, origin, number, COALESCE(body, '') FROM seoulchain.message "
					"WHERE sender = %s AND recipient = %s AND kind IN ('request', 'confirmation') ORDER BY ctid",
					quote_literal_cstr(peer), quote_literal_cstr(me));
	list = palloc(sizeof(Waiting) * Max(rows, 1));
	for (uint64 i = 0; i < rows; i++)
	{
		list[i].tid = sc_query_value(i, 1);
		list[i].kind = sc_query_value(i, 2);
		list[i].origin = sc_query_value(i, 3);
		list[i].number = strtoll(sc_query_value(i, 4), NULL, 10);
		list[i].body = sc_query_value(i, 5);
	}
	for (uint64 i = 0; i < rows; i++)
	{
		if (!serve(me, peer, list[i].kind, chain_of(list[i].origin), list[i].number, list[i].body))
			continue;
		asked = asked || strcmp(list[i].kind, SC_MESSAGE_REQUEST) == 0;
		sc_query("DELETE FROM seoulchain.message WHERE ctid = '%s'", list[i].tid);
	}
	return asked;
}

bool
sc_requests_send(const char *me, const char *peer)
{
	uint64		rows;
	bool		missing;

	if (!sc_publication_listened(me, peer))
		return sc_query_text("SELECT 1 FROM seoulchain.follow WHERE peer = %s", quote_literal_cstr(peer)) != NULL;
	rows = sc_query("UPDATE seoulchain.follow f SET asked_at = pg_catalog.clock_timestamp() "
					"WHERE peer = %s AND (asked_at IS NULL OR (asked_at < pg_catalog.clock_timestamp() - interval '" ASK_AGAIN "' "
					"AND NOT EXISTS (SELECT FROM seoulchain.chain c WHERE c.origin = f.origin AND c.copy))) "
					"RETURNING origin, (SELECT COALESCE(max(b.height), -1) FROM seoulchain.chain c "
					"JOIN seoulchain.chain_block b USING (chain_id) WHERE c.origin = f.origin AND c.copy)",
					quote_literal_cstr(peer));
	for (uint64 i = 0; i < rows; i++)
	{
		ScMessage	message = {
			.sender = me,
			.recipient = peer,
			.kind = SC_MESSAGE_REQUEST,
			.origin = sc_query_value(i, 1),
			.number = strtoll(sc_query_value(i, 2), NULL, 10)
		};

		sc_message_send(&message);
	}
	missing = sc_query_text("SELECT 1 FROM seoulchain.follow f WHERE peer = %s AND NOT EXISTS "
							"(SELECT FROM seoulchain.chain c WHERE c.origin = f.origin AND c.copy)",
							quote_literal_cstr(peer)) != NULL;
	return missing;
}
