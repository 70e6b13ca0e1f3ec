/*
 * request.c
 *	  Asking peers for chains, and answering what they ask for.
 *
 * Invariant: whoever asks for a chain gets every event of it exactly from
 * then on: those recorded before, read under a lock that keeps writers of
 * events out, and those after, sent by the transactions that record them
 * (message.c) because sent_height is set under the same lock.
 * Locks: ShareRowExclusiveLock on seoulchain.event while a chain's events are
 * sent.  Whoever records an event may have locked tables before it, so each
 * answer is a transaction of its own: no lock on a user's table or on a
 * publication meets this one.  What is locked behind it (seoulchain.share,
 * which share() in a transaction with CREATE TABLE may hold) is waited for so
 * shortly that nobody else's transaction ends as a deadlock.
 * Effects: messages; share.sent_height, follow.asked_at; publications.
 * Context: the network worker.
 */
#include "postgres.h"

#include "access/xact.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/link.h"
#include "network/message.h"
#include "network/publication.h"
#include "network/query.h"
#include "network/request.h"
#include "network/share.h"
#include "network/wake.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* of a chain that is followed: the copy, and its node's word that it sends nothing more of it */
#define THE_COPY "(SELECT FROM seoulchain.chain c WHERE c.origin = f.origin AND c.copy)"
#define THE_END "(SELECT FROM seoulchain.message e WHERE e.origin = f.origin AND e.kind = 'published' AND e.number = -2)"

/*
 * Is it time to ask again?  Pauses grow from 5 to 30 seconds: the next one is
 * as long as the wish is old.  A wish is never forgotten, since an answer, or
 * the question, may have been lost.
 */
#define DUE "(f.asked_at IS NULL OR f.asked_at < pg_catalog.clock_timestamp() " \
	"- LEAST(GREATEST(f.asked_at - f.since, interval '5 seconds'), interval '30 seconds'))"

/* sends every event of the chain that is recorded so far */
static void
send_events(const char *me, const char *peer, const ScChain *chain)
{
	uint64		rows;

	sc_query("LOCK TABLE seoulchain.event IN SHARE ROW EXCLUSIVE MODE");
	/* who has locked what is needed now may be waiting for this: give up before his deadlock_timeout */
	sc_query("SET LOCAL lock_timeout = '200ms'");
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

static bool
is_shared(const ScChain *chain, const char *peer)
{
	return sc_query_text("SELECT 1 FROM seoulchain.share WHERE chain_id = %d AND node = %s",
						 chain->chain_id, quote_literal_cstr(peer)) != NULL;
}

/* answers a request; false when it has to wait, for the chain is not shared with the peer (yet), or it could not read all of it */
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
	if (!sc_chain_is_open(chain) || !sc_publication_listened(me, peer) || !is_shared(chain, peer) ||
		sc_share_reader_lacks(chain->chain_id, peer) != NULL)
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
	if (chain == NULL)
		return true;
	/* it is being recovered */
	if (chain->copy)
		return false;
	if (strcmp(kind, SC_MESSAGE_REQUEST) == 0)
		return serve_request(me, peer, chain, number);
	if (number <= 0 || !is_shared(chain, peer))
		return true;
	if (sc_share_reader_lacks(chain->chain_id, peer) != NULL)
		return false;
	return sc_publication_add(me, peer, chain->chain_id, number, body);
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

/* so long after one that nothing more is wanted is not said again */
#define END_AGAIN_MS 1000

/* of one peer's messages so many are answered before the others have their turn */
#define SERVED_AT_ONCE 1000

/* what waits to be answered, in the order in which it came, in the caller's context: List of Waiting * */
static List *
read_waiting(const char *me, const char *peer)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;
	uint64		rows;
	MemoryContext old;

	sc_query_begin();
	rows = sc_query("SELECT ctid, kind, origin, number, COALESCE(body, '') FROM seoulchain.message "
					"WHERE sender = %s AND recipient = %s AND kind IN ('request', 'confirmation') "
					"ORDER BY pg_catalog.age(xmin) DESC, cmin::pg_catalog.text::pg_catalog.int8 LIMIT %d",
					quote_literal_cstr(peer), quote_literal_cstr(me), SERVED_AT_ONCE);
	old = MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < rows; i++)
	{
		Waiting    *waiting = palloc(sizeof(Waiting));

		waiting->tid = sc_query_value(i, 1);
		waiting->kind = sc_query_value(i, 2);
		waiting->origin = sc_query_value(i, 3);
		waiting->number = strtoll(sc_query_value(i, 4), NULL, 10);
		waiting->body = sc_query_value(i, 5);
		result = lappend(result, waiting);
	}
	MemoryContextSwitchTo(old);
	sc_query_commit();
	return result;
}

/* has another request for the chain come behind it?  The last one counts. */
static bool
is_superseded(List *list, int index)
{
	const Waiting *waiting = list_nth(list, index);

	if (strcmp(waiting->kind, SC_MESSAGE_REQUEST) != 0)
		return false;
	for (int i = index + 1; i < list_length(list); i++)
	{
		const Waiting *later = list_nth(list, i);

		if (strcmp(later->kind, SC_MESSAGE_REQUEST) == 0 && strcmp(later->origin, waiting->origin) == 0)
			return true;
	}
	return false;
}

/* "no row of it is sent behind this" */
static void
send_ended(const char *me, const char *peer, const char *origin)
{
	ScMessage	message = {
		.sender = me,
		.recipient = peer,
		.kind = SC_MESSAGE_PUBLISHED,
		.origin = origin,
		.number = SC_PUBLISHED_ENDED
	};

	sc_message_send(&message);
}

/* one transaction; true when blocks are to be sent now */
static bool
serve_waiting(const char *me, const char *peer, List *list, int index)
{
	const Waiting *waiting = list_nth(list, index);
	bool		superseded = is_superseded(list, index);
	bool		served;

	sc_query_begin();
	sc_query_be_brief();
	served = superseded || serve(me, peer, waiting->kind, chain_of(waiting->origin), waiting->number, waiting->body);
	if (served)
		sc_query("DELETE FROM seoulchain.message WHERE ctid = '%s'", waiting->tid);
	if (served && !superseded && strcmp(waiting->kind, SC_MESSAGE_REQUEST) == 0 && waiting->number == SC_REQUEST_NO_MORE)
		send_ended(me, peer, waiting->origin);
	/* there may be more */
	if (served && list_length(list) == SERVED_AT_ONCE)
		sc_network_wake();
	sc_query_commit();
	return served && !superseded && strcmp(waiting->kind, SC_MESSAGE_REQUEST) == 0;
}

/* the same, with an error put into *error, if there is none yet */
static bool
try_serve_waiting(const char *me, const char *peer, List *list, int index, ErrorData **error)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool asked = false;

	PG_TRY();
	{
		asked = serve_waiting(me, peer, list, index);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(context);
		if (*error == NULL)
			*error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	return asked;
}

bool
sc_requests_serve(const char *me, const char *peer)
{
	List	   *list = read_waiting(me, peer);
	ErrorData  *error = NULL;
	bool		asked = false;

	for (int i = 0; i < list_length(list); i++)
	{
		CHECK_FOR_INTERRUPTS();
		asked = try_serve_waiting(me, peer, list, i, &error) || asked;
	}
	/* what could be served is; the rest is tried again */
	if (error != NULL)
		ReThrowError(error);
	return asked;
}

/* tells the peer again which tables are here that do not come yet, when that was said some time ago; true while there are some */
static bool
confirm_again(const char *me, const char *peer)
{
	uint64		rows = sc_query("WITH missing AS (SELECT f.origin, l.joined_seq, l.ledger_name, " DUE " AS due "
								"FROM seoulchain.follow f JOIN seoulchain.chain c ON c.origin = f.origin AND c.copy "
								"JOIN seoulchain.ledger l USING (chain_id) "
								"JOIN pg_catalog.pg_subscription s ON s.subname = %s AND s.subdbid = %u "
								"WHERE f.peer = %s AND l.relation <> 0 AND l.dropped_seq IS NULL AND NOT EXISTS "
								"(SELECT FROM pg_catalog.pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srrelid = l.relation)), "
								"asked AS (UPDATE seoulchain.follow f SET asked_at = pg_catalog.clock_timestamp() FROM missing m "
								"WHERE f.origin = m.origin AND m.due) "
								"SELECT origin, joined_seq, ledger_name, due FROM missing",
								quote_literal_cstr(sc_link_name(peer, me)), MyDatabaseId, quote_literal_cstr(peer));

	for (uint64 i = 0; i < rows; i++)
	{
		ScMessage	message = {
			.sender = me,
			.recipient = peer,
			.kind = SC_MESSAGE_CONFIRMATION,
			.origin = sc_query_value(i, 1),
			.number = strtoll(sc_query_value(i, 2), NULL, 10),
			.body = sc_query_value(i, 3)
		};

		message.bodylen = strlen(message.body);
		if (strcmp(sc_query_value(i, 4), "t") == 0)
			sc_message_send(&message);
	}
	return rows > 0;
}

/* asks for the chains that have not come, when it is time; true while one has not */
static bool
ask(const char *me, const char *peer)
{
	uint64		rows = sc_query("UPDATE seoulchain.follow f SET asked_at = pg_catalog.clock_timestamp() "
								"WHERE peer = %s AND (asked_at IS NULL OR NOT EXISTS " THE_COPY ") AND " DUE
								" AND NOT EXISTS " THE_END " "
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
	return sc_query_text("SELECT 1 FROM seoulchain.follow f WHERE peer = %s AND NOT EXISTS " THE_COPY,
						 quote_literal_cstr(peer)) != NULL;
}

/* says again that nothing more is wanted of chains that were given up and whose copies are here; true until that is answered */
static bool
end_again(const char *me, const char *peer)
{
	static TimestampTz last = 0;
	bool		due = TimestampDifferenceExceeds(last, GetCurrentTimestamp(), END_AGAIN_MS);
	uint64		rows = sc_query("SELECT c.origin FROM seoulchain.chain c WHERE c.copy AND pg_catalog.regexp_replace(c.origin, '/[^/]*$', '') = %s "
								"AND NOT EXISTS (SELECT FROM seoulchain.follow f WHERE f.origin = c.origin) AND NOT EXISTS "
								"(SELECT FROM seoulchain.message m WHERE m.origin = c.origin AND m.kind = 'published' AND m.number = %d)",
								quote_literal_cstr(peer), SC_PUBLISHED_ENDED);

	for (uint64 i = 0; i < rows && due; i++)
	{
		ScMessage	message = {
			.sender = me,
			.recipient = peer,
			.kind = SC_MESSAGE_REQUEST,
			.origin = sc_query_value(i, 1),
			.number = SC_REQUEST_NO_MORE
		};

		sc_message_send(&message);
		last = GetCurrentTimestamp();
	}
	return rows > 0;
}

const char *
sc_requests_send(const char *me, const char *peer)
{
	const char *waiting = NULL;

	if (!sc_publication_listened(me, peer))
		return "it does not listen to this node yet";
	if (ask(me, peer))
		waiting = "it has not sent every chain that is followed; it may not share them yet";
	if (confirm_again(me, peer))
		waiting = "it does not send every table of the chains that are followed yet";
	if (end_again(me, peer))
		waiting = "it has not said yet that it sends nothing more of a chain that was given up";
	return waiting;
}
