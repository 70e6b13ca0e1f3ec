/*
 * worker.c
 *	  The network worker of one database: carries out the wishes about peers.
 *
 * add_peer, share and follow write down what is wanted; this process makes
 * and keeps publications, slots and subscriptions accordingly, asks for
 * chains and answers who asks.  What needs no other node comes first, for
 * all peers; then, one after the other, connections to those whose
 * subscription is missing, each for seoulchain.network_timeout at most and
 * with growing pauses.  While it waits for a connection it goes on with what
 * needs none.  Rows themselves travel without it.
 *
 * Invariant: it works only where the peers were added (the database and
 * cluster that their rows name), so that a restored copy takes nobody's
 * slot.  No lock, snapshot or transaction while it sleeps or connects.  It
 * sleeps on its latch; it wakes by time while something is missing, and once
 * a minute to see whether somebody has changed what it made.
 * Effects: see publication.c, subscription.c, request.c, tidy.c, city_view.c, watch_peers.c.
 */
#include "postgres.h"

#include "access/xact.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/channel.h"
#include "network/city_view.h"
#include "network/lineage.h"
#include "network/lineage_watch.h"
#include "network/link.h"
#include "network/network_settings.h"
#include "network/peer.h"
#include "network/peer_state.h"
#include "network/publication.h"
#include "network/recover.h"
#include "network/query.h"
#include "network/request.h"
#include "network/subscription.h"
#include "network/tidy.h"
#include "network/watch_peers.h"
#include "network/worker.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "seal/node.h"
#include "seal/seal.h"
#include "seal/shmem.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define LOOK_AROUND_MS 60000
#define NOTICE_MS 3000
#define RETRY_MIN_MS 250
#define WAITING_MAX_MS 5000
#define CITY_VIEWS_RETRY_MS 5000

/* when to look after a peer again */
typedef struct PeerClock
{
	char		name[SC_PEER_NAME_LEN];
	int			tries;			/* in a row that left something to do */
	bool		failed;			/* the last one was an error */
	TimestampTz last;			/* when that was, 0 = never */
} PeerClock;

static List *clocks = NIL;
static bool nothing_to_do = false;	/* the process ends for want of work */
static bool connecting = false; /* nothing but connections is being worked on */

static void
worker_exit(int code, Datum arg)
{
	sc_slot_detach_network(!nothing_to_do);
}

/* the peer's clock, in memory of the process */
static PeerClock *
clock_of(const char *peer)
{
	MemoryContext old;
	ListCell   *lc;
	PeerClock  *clock;

	foreach(lc, clocks)
		if (strcmp(((PeerClock *) lfirst(lc))->name, peer) == 0)
			return lfirst(lc);
	old = MemoryContextSwitchTo(TopMemoryContext);
	clock = palloc0(sizeof(PeerClock));
	strlcpy(clock->name, peer, sizeof(clock->name));
	clocks = lappend(clocks, clock);
	MemoryContextSwitchTo(old);
	return clock;
}

/* how long until the peer is due: 0 = now, -1 = nothing is left to do */
static long
clock_due(const PeerClock *clock)
{
	long		pause = RETRY_MIN_MS;
	long		most = clock->failed ? sc_network_retry : Min(WAITING_MAX_MS, sc_network_retry);

	if (clock->last == 0)
		return 0;
	if (clock->tries == 0)
		return -1;
	for (int i = 1; i < clock->tries && pause < most; i++)
		pause *= 2;
	pause = Min(pause, most) - TimestampDifferenceMilliseconds(clock->last, GetCurrentTimestamp());
	return Max(pause, 0);
}

/* what came of a look at a peer: an error, something that it waits for, or nothing left to do */
static void
clock_note(const char *peer, const char *waiting, const char *error)
{
	PeerClock  *clock = clock_of(peer);

	clock->last = GetCurrentTimestamp();
	clock->failed = error != NULL;
	clock->tries = error != NULL || waiting != NULL ? clock->tries + 1 : 0;
	if (error != NULL)
		sc_peer_state_failed(peer, error);
	else
		sc_peer_state_waiting(peer, waiting);
}

/* ends what an error has left, and notes it for the peer */
static void
note_error(MemoryContext context, const char *peer)
{
	ErrorData  *error;

	HOLD_INTERRUPTS();
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	/* the first of a row is worth a line in the log */
	if (peer == NULL || clock_of(peer)->tries == 0)
		ereport(LOG,
				(errmsg(peer != NULL ? "seoulchain network, node \"%s\": %s" : "seoulchain network%s: %s",
						peer != NULL ? peer : "", error->message)));
	FlushErrorState();
	AbortCurrentTransaction();
	MemoryContextSwitchTo(context);
	if (peer != NULL)
		clock_note(peer, NULL, error->message);
	RESUME_INTERRUPTS();
}

/* this node and its peers, in the caller's context; NULL without a node */
static char *
read_peers(List **peers)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *me;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	MemoryContextSwitchTo(context);
	me = sc_node_name(NULL);
	*peers = sc_peer_list();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return me;
}

/* has the sealing worker send blocks */
static void
ask_for_blocks(void)
{
	ScSealSlot *slot = sc_slot_mine();

	pg_memory_barrier();
	pg_atomic_write_u32(&slot->asked, 1);
	sc_slot_wake(slot);
}

/* does for a peer what needs no connection; what it waits for, NULL = nothing, "" = the subscription */
static const char *
tend_here(const char *me, const ScPeer *peer)
{
	const char *waiting;

	sc_query_begin();
	sc_query_be_brief();
	sc_publication_keep(me, peer->name);
	sc_query_commit();
	if (sc_requests_serve(me, peer->name))
		ask_for_blocks();

	sc_query_begin();
	sc_query_be_brief();
	if (!sc_subscription_exists(me, peer->name))
		waiting = "";
	else
	{
		sc_subscription_keep(me, peer);
		waiting = sc_requests_send(me, peer->name);
	}
	sc_query_commit();
	return waiting;
}

/* the same with errors noted; false when the subscription is missing */
static bool
try_here(const char *me, const ScPeer *peer)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool there = true;

	PG_TRY();
	{
		const char *waiting = tend_here(me, peer);

		there = waiting == NULL || waiting[0] != '\0';
		if (there && sc_lineage_waiting(me, peer->name) != NULL)
			waiting = sc_lineage_waiting(me, peer->name);
		if (there)
			clock_note(peer->name, waiting, NULL);
	}
	PG_CATCH();
	{
		note_error(context, peer->name);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return there;
}

/* the wishes and answers that come while it waits for a peer which may be silent; no channel is used here */
static void
tend_meanwhile(void)
{
	ScSealSlot *slot = sc_slot_mine();
	MemoryContext context = CurrentMemoryContext;
	List	   *peers;
	ListCell   *lc;
	char	   *me;

	if (!connecting)
		return;
	sc_worker_interrupts();
	if (pg_atomic_read_u32(&slot->network) == 0)
		return;
	pg_atomic_write_u32(&slot->network, 0);
	pg_memory_barrier();
	me = read_peers(&peers);
	foreach(lc, peers)
	{
		if (me != NULL && ((ScPeer *) lfirst(lc))->here)
			(void) try_here(me, lfirst(lc));
	}
	/* somebody may have to be connected to, or removed: that comes when the wait is over */
	pg_atomic_write_u32(&slot->network, 1);
	MemoryContextSwitchTo(context);
}

/* connects to a peer: makes the subscription if it is missing, else compares what it was made under */
static void
try_connect(const char *me, const ScPeer *peer, bool missing)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		bool		make = missing && !sc_lineage_broken(peer->name);
		bool		made = true;
		const char *waiting;

		/* a subscription is made anew in a transaction that waits for rows: nothing comes between */
		connecting = make;
		waiting = make ? sc_subscription_make(me, peer) : sc_lineage_check(me, peer, &made);

		if (waiting != NULL || made)
			clock_note(peer->name, waiting, NULL);
		/* there is something to ask for at once */
		if (waiting == NULL && made)
			sc_slot_ask_network(sc_slot_mine());
	}
	PG_CATCH();
	{
		note_error(context, peer->name);
	}
	PG_END_TRY();
	connecting = false;
	MemoryContextSwitchTo(context);
}

/* removes links of those who are no peers any more; true when something is left */
static bool
try_tidy(const char *me, List *peers)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool left = true;

	PG_TRY();
	{
		left = sc_tidy_links(me, peers);
	}
	PG_CATCH();
	{
		note_error(context, NULL);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return left;
}

/* brings the city views up to date; true when one could not be */
static bool
try_city_views(void)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool left = true;

	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		left = sc_city_views_refresh();
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		note_error(context, NULL);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return left;
}

/* alarms about peers; how long until they are looked at again */
static long
try_watch_peers(const char *me, List *peers)
{
	MemoryContext context = CurrentMemoryContext;
	volatile long sleep = LOOK_AROUND_MS;

	PG_TRY();
	{
		sleep = sc_watch_peers(me, peers);
	}
	PG_CATCH();
	{
		note_error(context, NULL);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return sleep;
}

/* ends the process until somebody asks for it */
static void
leave(void)
{
	nothing_to_do = true;
	proc_exit(0);
}

/* one look at all peers; how long to sleep at most.  Ends the process when there is nothing to look after. */
static long
look_around(void)
{
	List	   *peers;
	List	   *unconnected = NIL;
	char	   *me;
	long		sleep = LOOK_AROUND_MS;
	static bool begun = false;
	bool		here = false;
	bool		left;
	ListCell   *lc;

	if (!sc_worker_extension_present())
		leave();
	me = read_peers(&peers);
	foreach(lc, peers)
		here = here || ((ScPeer *) lfirst(lc))->here;
	/* a copy of somebody else's database */
	if (me == NULL || (peers != NIL && !here))
		leave();

	if (here && !begun)
		sc_lineage_begin();
	begun = begun || here;
	(void) sc_lineage_noticed();
	left = sc_recovery_tend(me, peers);
	left |= try_tidy(me, peers);
	if (peers == NIL && !left)
		leave();
	foreach(lc, peers)
	{
		ScPeer	   *peer = lfirst(lc);

		sc_worker_interrupts();
		if (peer->here && !try_here(me, peer))
			unconnected = lappend(unconnected, peer);
	}
	foreach(lc, unconnected)
	{
		ScPeer	   *peer = lfirst(lc);

		sc_worker_interrupts();
		if (clock_due(clock_of(peer->name)) <= 0)
			try_connect(me, peer, true);
	}
	sleep = try_watch_peers(me, peers);
	if (try_city_views())
		sleep = Min(sleep, CITY_VIEWS_RETRY_MS);
	foreach(lc, peers)
	{
		ScPeer	   *peer = lfirst(lc);

		sc_worker_interrupts();
		if (peer->here && !list_member_ptr(unconnected, peer) && sc_lineage_pause(me, peer->name) == 0)
			try_connect(me, peer, false);
	}
	foreach(lc, peers)
	{
		ScPeer	   *peer = lfirst(lc);
		long		due = clock_due(clock_of(peer->name));

		if (peer->here && due >= 0)
			sleep = Min(sleep, due);
		due = sc_lineage_pause(me, peer->name);
		if (peer->here && due >= 0)
			sleep = Min(sleep, Max(due, RETRY_MIN_MS));
	}
	return left ? Min(sleep, RETRY_MIN_MS) : sleep;
}

/* sleeps, but looks now and then whether a peer's apply worker is another than before */
static void
nap(long sleep)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), sleep);
	long		left = sleep;

	while (left > 0)
	{
		if (WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Min(left, NOTICE_MS), PG_WAIT_EXTENSION) & WL_LATCH_SET)
			return;
		if (sc_lineage_noticed())
			return;
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
	}
}

/* works until told to stop, or until there are no peers */
static void
worker_loop(ScSealSlot *slot)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "seoulchain network", ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		long		sleep;

		ResetLatch(MyLatch);
		sc_worker_interrupts();
		/* cleared before anything is read: what is written later sets it again */
		pg_atomic_write_u32(&slot->network, 0);
		pg_memory_barrier();
		MemoryContextSwitchTo(context);
		pgstat_report_activity(STATE_RUNNING, "network");
		sleep = look_around();
		pgstat_report_stat(true);
		pgstat_report_activity(STATE_IDLE, NULL);
		MemoryContextSwitchTo(TopMemoryContext);
		MemoryContextReset(context);
		if (pg_atomic_read_u32(&slot->network) != 0)
			continue;
		nap(sleep);
	}
}

void
sc_network_main(Datum arg)
{
	Oid			dboid = DatumGetObjectId(arg);

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	if (!sc_slot_attach_network(dboid))
		proc_exit(0);
	on_shmem_exit(worker_exit, (Datum) 0);
	sc_channel_waits_hook = tend_meanwhile;
	BackgroundWorkerInitializeConnectionByOid(dboid, InvalidOid, 0);
	sc_worker_fix_settings("seoulchain network");
	pgstat_report_appname("seoulchain network");
	worker_loop(sc_slot_mine());
}
