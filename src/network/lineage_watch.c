/*
 * lineage_watch.c
 *	  When the lineages of a subscription's two ends are compared.
 *
 * A server is exchanged for another (restored, promoted, made anew) only while
 * the connection to it is down.  So lineages are compared once for each apply
 * worker that begins, and while one does not run, with growing pauses.
 *
 * Invariant: a comparison counts for the apply worker that ran when it began.
 * A peer whose answers change every time has its subscription made anew with
 * pauses that double, up to ten minutes.
 * Context: the network worker; sc_lineage_sure any process.
 * Effects: seoulchain.lineage, peer_state.h; see reconcile.c.
 */
#include "postgres.h"

#include "network/lineage_watch.h"

#include "miscadmin.h"
#include "network/channel.h"
#include "network/lineage.h"
#include "network/link.h"
#include "network/network_settings.h"
#include "network/peer_state.h"
#include "network/query.h"
#include "network/reconcile.h"
#include "network/subscription.h"
#include "replication/worker_internal.h"
#include "seal/shmem.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* pauses between attempts, and between subscriptions made anew */
#define RETRY_MIN_MS 250
#define REMAKE_MIN_MS 100
#define REMAKE_MAX_MS 600000

/* network_status shows what begins with this before what it makes of the subscription itself */
#define SC_LINEAGE_REMAKE "the subscription is to be made anew: "

typedef struct Watch
{
	char		peer[SC_PEER_NAME_LEN];
	char		link[SC_LINK_NAME_LEN + 1];
	int			pid;			/* of the apply worker, 0 = none runs */
	int			compared;		/* the apply worker for which all was well, 0 = none */
	int			attempts;		/* since the apply worker is the one that it is */
	TimestampTz attempted_at;
	int			remakes;		/* in a row */
	TimestampTz remade_at;
	char		waiting[SC_PEER_TEXT_LEN];	/* what it waits for until it can be made anew, or "" */
} Watch;

static List *watches = NIL;

/* the peer's watch, made when it is first asked for */
static Watch *
watch_of(const char *me, const char *peer)
{
	MemoryContext old;
	ListCell   *lc;
	Watch	   *watch;

	foreach(lc, watches)
		if (strcmp(((Watch *) lfirst(lc))->peer, peer) == 0)
			return lfirst(lc);
	old = MemoryContextSwitchTo(TopMemoryContext);
	watch = palloc0(sizeof(Watch));
	strlcpy(watch->peer, peer, sizeof(watch->peer));
	strlcpy(watch->link, sc_link_name(peer, me), sizeof(watch->link));
	watches = lappend(watches, watch);
	MemoryContextSwitchTo(old);
	return watch;
}

/* the apply worker of a subscription that runs now, 0 = none */
static int
apply_worker_pid(Oid subid)
{
	LogicalRepWorker *worker;
	int			pid = 0;

	LWLockAcquire(LogicalRepWorkerLock, LW_SHARED);
	worker = logicalrep_worker_find(subid, InvalidOid, true);
	if (worker != NULL && worker->proc != NULL)
		pid = worker->proc->pid;
	LWLockRelease(LogicalRepWorkerLock);
	return pid;
}

/* how long until the peer is due */
static long
pause_of(const Watch *watch)
{
	long		pause = RETRY_MIN_MS;

	if (watch->pid != 0 && watch->compared == watch->pid)
		return -1;
	if (watch->attempts == 0)
		return 0;
	for (int i = 1; i < watch->attempts && pause < sc_network_retry; i++)
		pause *= 2;
	pause = Min(pause, sc_network_retry) - TimestampDifferenceMilliseconds(watch->attempted_at, GetCurrentTimestamp());
	return Max(pause, 0);
}

/* looks which apply worker runs */
static void
look(Watch *watch)
{
	int			pid;
	Oid			subid;

	subid = sc_subscription_oid(watch->link);
	pid = OidIsValid(subid) ? apply_worker_pid(subid) : 0;
	if (pid == watch->pid)
		return;
	watch->pid = pid;
	watch->attempts = 0;
}

bool
sc_lineage_noticed(void)
{
	bool		due = false;
	ListCell   *lc;

	sc_query_begin();
	foreach(lc, watches)
		look(lfirst(lc));
	sc_query_commit();
	foreach(lc, watches)
		due = due || pause_of(lfirst(lc)) == 0;
	return due;
}

long
sc_lineage_pause(const char *me, const char *peer)
{
	return pause_of(watch_of(me, peer));
}

const char *
sc_lineage_waiting(const char *me, const char *peer)
{
	const Watch *watch = watch_of(me, peer);

	return watch->waiting[0] != '\0' ? watch->waiting : NULL;
}

bool
sc_lineage_sure(const char *me, const char *peer)
{
	Oid			subid = sc_subscription_oid(sc_link_name(peer, me));
	int			pid = OidIsValid(subid) ? apply_worker_pid(subid) : 0;

	return pid != 0 && sc_peer_state_compared(peer) == pid;
}

/* has the peer less WAL than this node has had from it? */
static bool
has_shrunk(ScChannel *channel, const char *link)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *progress;
	char	   *answer;

	sc_query_begin();
	progress = sc_query_text("SELECT pg_catalog.pg_replication_origin_progress(o.roname, false) FROM pg_catalog.pg_replication_origin o "
							 "JOIN pg_catalog.pg_subscription s ON o.roname = 'pg_' || s.oid WHERE s.subname = %s AND s.subdbid = %u",
							 quote_literal_cstr(link), MyDatabaseId);
	progress = progress ? MemoryContextStrdup(context, progress) : NULL;
	sc_query_commit();
	if (progress == NULL)
		return false;
	answer = sc_channel_text(channel, psprintf("SELECT pg_catalog.pg_current_wal_flush_lsn() OPERATOR(pg_catalog.<) %s::pg_catalog.pg_lsn",
											   sc_channel_literal(progress)));
	return answer != NULL && answer[0] == 't';
}

/* is the slot there, and usable? */
static bool
has_slot(ScChannel *channel, const char *link)
{
	return sc_channel_text(channel, psprintf("SELECT 1 FROM pg_catalog.pg_replication_slots WHERE slot_name = %s AND "
											 "wal_status IS DISTINCT FROM 'lost'", sc_channel_literal(link))) != NULL;
}

/* why the subscription has to be made anew, or NULL */
static const char *
objection(const ScPeer *peer, ScChannel *channel, const char *link, const char *lineage, const char *run, bool lost)
{
	char	   *made = sc_lineage_stored(peer->name);

	if (!has_slot(channel, link))
		return "its slot is gone";
	if (lost || has_shrunk(channel, link))
		return "its server is an old copy of the one that there was";
	if (made != NULL && strcmp(made, lineage) != 0)
		return "one of the two servers is another, or has lost something";
	if (made == NULL)
	{
		sc_query_begin();
		sc_lineage_made(peer->name, lineage, run);
		sc_query_commit();
	}
	sc_lineage_saw_run(peer->name, run);
	return NULL;
}

/* notes that the subscription is to be made anew, once */
static void
note_broken(const char *peer, const char *why)
{
	if (sc_lineage_broken(peer))
		return;
	sc_query_begin();
	sc_lineage_made(peer, SC_LINEAGE_BROKEN, NULL);
	sc_query_commit();
	ereport(LOG,
			(errmsg("seoulchain network, node \"%s\": the subscription is made anew: %s", peer, why)));
}

/* may it be made anew already?  The first time at once. */
static bool
may_remake(Watch *watch)
{
	TimestampTz now = GetCurrentTimestamp();
	long		pause = REMAKE_MIN_MS;

	if (watch->remakes > 0 && TimestampDifferenceExceeds(watch->remade_at, now, REMAKE_MAX_MS))
		watch->remakes = 0;
	if (watch->remakes == 0)
		return true;
	for (int i = 0; i < watch->remakes && pause < REMAKE_MAX_MS; i++)
		pause *= 2;
	return TimestampDifferenceExceeds(watch->remade_at, now, Min(pause, REMAKE_MAX_MS));
}

/* makes the subscription anew; what it waits for, or NULL */
static const char *
remake(const char *me, const ScPeer *peer, Watch *watch, ScChannel *channel, const char *lineage, const char *run,
	   bool *made)
{
	const char *waiting;

	if (!may_remake(watch))
		return SC_LINEAGE_REMAKE "it was made anew a moment ago";
	waiting = sc_reconcile_peer(me, peer, channel, lineage, run);
	if (waiting != NULL)
		return psprintf(SC_LINEAGE_REMAKE "%s", waiting);
	*made = true;
	watch->remakes++;
	watch->remade_at = GetCurrentTimestamp();
	return NULL;
}

void
sc_lineage_note_ahead(const char *peer)
{
	static bool told = false;

	/* once is enough: a peer may lie */
	if (told)
		return;
	ereport(LOG,
			(errmsg("seoulchain network, node \"%s\": it has had more from this server than there is: this server is an old copy of itself",
					peer)));
	sc_query_begin();
	sc_lineage_renew();
	sc_query_commit();
	told = true;
	sc_lineage_tell();
	sc_lineage_forget_compared();
}

void
sc_lineage_forget_compared(void)
{
	ListCell   *lc;

	foreach(lc, watches)
	{
		Watch	   *watch = lfirst(lc);

		watch->compared = watch->attempts = 0;
		sc_peer_state_set_compared(watch->peer, 0);
	}
}

/* the same with the connection */
static const char *
compare(const char *me, const ScPeer *peer, Watch *watch, ScChannel *channel, bool *made)
{
	const char *why = sc_subscription_lacks(channel, watch->link, peer);
	char	   *lineage;
	char	   *run;
	bool		lost;

	if (why != NULL)
		return why;
	if (sc_lineage_is_ahead(channel, me, peer->name))
		sc_lineage_note_ahead(peer->name);
	lineage = sc_lineage_of(channel);
	if (lineage == NULL)
		return "it is asking its peers what it has lost";
	run = sc_lineage_run(channel, peer->name, &lost);
	why = objection(peer, channel, watch->link, lineage, run, lost);
	if (why == NULL)
		return NULL;
	note_broken(peer->name, why);
	return remake(me, peer, watch, channel, lineage, run, made);
}

const char *
sc_lineage_check(const char *me, const ScPeer *peer, bool *made)
{
	Watch	   *watch = watch_of(me, peer->name);
	ScChannel  *channel;
	const char *waiting;
	int			pid;

	*made = false;
	(void) sc_lineage_noticed();
	pid = watch->pid;
	watch->attempts++;
	watch->attempted_at = GetCurrentTimestamp();
	channel = sc_channel_open_conninfo(peer->name, peer->conninfo, sc_network_timeout);
	waiting = compare(me, peer, watch, channel, made);
	sc_channel_close(channel);
	strlcpy(watch->waiting, waiting ? waiting : "", sizeof(watch->waiting));
	if (waiting != NULL || *made)
		return waiting;
	watch->compared = pid;
	sc_peer_state_set_compared(peer->name, pid);
	/* what was not judged before may be now */
	pg_atomic_write_u32(&sc_slot_mine()->asked, 1);
	sc_slot_wake(sc_slot_mine());
	return NULL;
}
