/*
 * watch_peers.c
 *	  Alarms about peers from which nothing arrives, or what should not.
 *
 * Invariant: a peer is called silent only when this process itself has heard
 * nothing of it for seoulchain.network_alarm_after seconds and no apply worker
 * is connected to it; for a minute more when one is, since a quiet node is
 * heard every half wal_sender_timeout.  A restart begins anew.
 *
 * Messages that were refused and errors of apply workers are counted in
 * shared memory where they happen (peer_state.h) and written down here, so
 * that nothing which a peer sends makes an apply worker wait for a lock.
 * Context: the network worker, outside a transaction.
 * Effects: seoulchain.alarm.
 */
#include "postgres.h"

#include "network/alarm.h"
#include "network/link.h"
#include "network/peer.h"
#include "network/peer_state.h"
#include "network/query.h"
#include "network/watch_peers.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* a connection on which nothing comes is given so much longer */
#define SC_QUIET_MS 60000

/* an apply worker that failed so lately, and twice, does not get on */
#define SC_APPLY_MS 30000

/* the longest pause between two looks */
#define SC_LOOK_MS 60000

/* what this process has seen of a peer */
typedef struct PeerWatch
{
	char		name[SC_PEER_NAME_LEN];
	TimestampTz heard;			/* when it was heard last, or was first looked for */
	int64		dropped;		/* messages refused that an alarm tells of */
	int32		tries;			/* errors that are over */
} PeerWatch;

static List *watches = NIL;

static PeerWatch *
watch_of(const char *peer)
{
	MemoryContext old;
	ListCell   *lc;
	PeerWatch  *watch;

	foreach(lc, watches)
		if (strcmp(((PeerWatch *) lfirst(lc))->name, peer) == 0)
			return lfirst(lc);
	old = MemoryContextSwitchTo(TopMemoryContext);
	watch = palloc0(sizeof(PeerWatch));
	strlcpy(watch->name, peer, sizeof(watch->name));
	watch->heard = GetCurrentTimestamp();
	watches = lappend(watches, watch);
	MemoryContextSwitchTo(old);
	return watch;
}

static bool
longer_than(TimestampTz since, int ms)
{
	return TimestampDifferenceExceeds(since, GetCurrentTimestamp(), ms);
}

/* is an apply worker connected?  When it heard the peer last, the watch knows. */
static bool
is_connected(PeerWatch *watch, const char *link)
{
	char	   *age;
	bool		connected;

	sc_query("SELECT count(*) > 0, min((extract(epoch FROM clock_timestamp() - w.last_msg_receipt_time) * 1000)::int8) "
			 "FROM pg_stat_subscription w WHERE w.subname = %s AND w.relid IS NULL AND w.pid IS NOT NULL",
			 quote_literal_cstr(link));
	connected = sc_query_value(0, 1)[0] == 't';
	age = sc_query_value(0, 2);
	if (age != NULL)
		watch->heard = Max(watch->heard, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), -Max(strtoll(age, NULL, 10), 0)));
	return connected;
}

/* does anything arrive? */
static void
watch_silence(PeerWatch *watch, const char *link, const ScPeerState *state)
{
	int			after = sc_alarm_after * 1000;
	bool		connected = is_connected(watch, link);

	if (!longer_than(watch->heard, after))
		sc_alarm_clear(SC_ALARM_SILENT, watch->name);
	else if (!connected || longer_than(watch->heard, after + SC_QUIET_MS))
		sc_alarm_raise(SC_ALARM_SILENT, watch->name,
					   state->error[0] != '\0' ? psprintf("Nothing comes from this node: %s", state->error) : "Nothing comes from this node.",
					   "Is the node, or the way to it, down?  See seoulchain.network_status.");
}

/* does what comes fail to be applied, again and again? */
static void
watch_apply(PeerWatch *watch, const ScPeerState *state)
{
	if (state->error_at == 0 || longer_than(state->error_at, SC_APPLY_MS))
	{
		watch->tries = state->tries;
		sc_alarm_clear(SC_ALARM_APPLY, watch->name);
	}
	else if (!state->connection && state->tries - watch->tries >= 2)
		sc_alarm_raise(SC_ALARM_APPLY, watch->name, psprintf("What it sends cannot be applied: %s", state->error),
					   "Replication from this node stands still until the reason is gone; the log of this server has the details.");
}

/* has it sent what it has no say in?  The operator clears that alarm. */
static void
watch_dropped(PeerWatch *watch, const ScPeerState *state)
{
	if (state->dropped == watch->dropped)
		return;
	watch->dropped = state->dropped;
	sc_alarm_raise(SC_ALARM_DROPPED, watch->name,
				   psprintf(INT64_FORMAT " of its messages were refused since the server started; the last: %s", state->dropped, state->dropped_why),
				   "It says what it has no say in: ask its operator, then SELECT seoulchain.clear_alarm(kind, about).");
}

static void
watch_peer(const char *me, const ScPeer *peer)
{
	PeerWatch  *watch = watch_of(peer->name);
	const char *link = sc_link_name(peer->name, me);
	ScPeerState subscription = {0};
	ScPeerState state = {0};

	sc_query_begin();
	(void) sc_peer_state_get(link, &subscription);
	(void) sc_peer_state_get(peer->name, &state);
	watch_silence(watch, link, &subscription);
	watch_apply(watch, &subscription);
	watch_dropped(watch, &state);
	sc_query_commit();
}

long
sc_watch_peers(const char *me, List *peers)
{
	ListCell   *lc;

	foreach(lc, peers)
	{
		const ScPeer *peer = lfirst(lc);

		if (peer->here)
			watch_peer(me, peer);
	}
	return Min(SC_LOOK_MS, (long) sc_alarm_after * 1000);
}
