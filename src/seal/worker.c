/*
 * worker.c
 *	  The sealing worker of one database: when to work, not how.
 *
 * It sleeps on its latch; a commit that wrote journal rows, a mail or a
 * command that wants the database wakes it.  It works at most once every
 * seoulchain.seal_interval for commits, at once for mails.  It wakes by time
 * only to work off a commit it put off, to try again after an error (after 1
 * s, doubling to 60 s), and, while the database has prepared transactions,
 * to look whether one was committed; and for copies that wait for something
 * of which nobody tells it, once a second.
 *
 * Invariant: no lock, snapshot or transaction while it sleeps.  What happens
 * inside a round is caught there (round.c); an error here ends the process
 * and the launcher starts another.
 */
#include "postgres.h"

#include "access/twophase.h"
#include "access/xact.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "seal/hardware_key.h"
#include "seal/round.h"
#include "seal/seal.h"
#include "seal/shmem.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "storage/sinval.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define SC_RETRY_MIN_MS 1000
#define SC_RETRY_MAX_MS 60000
#define SC_PREPARED_LOOK_MS 1000
#define SC_COPY_LATER_MS 1000

sc_tend_hook_type sc_tend_hook = NULL;

static bool extension_absent = false;

/* leaves the slot; after the process has left the list of sessions */
static void
worker_exit(int code, Datum arg)
{
	sc_mail_return_all();
	sc_slot_detach_worker(extension_absent);
}

void
sc_worker_fix_settings(const char *application_name)
{
	static const char *const settings[][2] = {
		{"synchronous_commit", "on"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"search_path", ""},
		{"statement_timeout", "0"},
		{"lock_timeout", "0"},
		{"idle_in_transaction_session_timeout", "0"},
		{"row_security", "off"},
		{"session_replication_role", "origin"},
		{"TimeZone", "UTC"},
		{"DateStyle", "ISO"},
	};

	for (size_t i = 0; i < lengthof(settings); i++)
	{
		if (strcmp(settings[i][0], "synchronous_commit") == 0 && synchronous_commit > SYNCHRONOUS_COMMIT_REMOTE_FLUSH)
			continue;			/* remote_apply waits for more */
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
	}
	SetConfigOption("application_name", application_name, PGC_SUSET, PGC_S_OVERRIDE);
}

/*
 * Is the extension in this database?  Who drops it tells us of it before its
 * invalidations are sent, so what our caches say counts only under a lock.
 */
bool
sc_worker_extension_present(void)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			chains;
	Oid			locked = InvalidOid;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	while (OidIsValid(chains = sc_registry_relation("chain")) && chains != locked)
	{
		LockRelationOid(chains, AccessShareLock);
		locked = chains;
	}
	CommitTransactionCommand();
	/* a commit leaves the context that is never reset */
	MemoryContextSwitchTo(context);
	return OidIsValid(chains);
}

/* does this database have prepared transactions?  Looked at without locks: a guess that is made again. */
static bool
prepared_transactions(void)
{
	/* allProcCount leaves them out: they stand behind it */
	PGPROC	   *procs = ProcGlobal->allProcs + ProcGlobal->allProcCount;

	for (int i = 0; i < max_prepared_xacts; i++)
		if (procs[i].databaseId == MyDatabaseId && TransactionIdIsValid(procs[i].xid))
			return true;
	return false;
}

/* milliseconds to wait before the next try after so many failures */
static long
retry_delay(int failures)
{
	long		delay = SC_RETRY_MIN_MS;

	while (--failures > 0 && delay < SC_RETRY_MAX_MS)
		delay *= 2;
	return Min(delay, SC_RETRY_MAX_MS);
}

typedef struct WorkerClock
{
	TimestampTz last_round;
	int			failures;		/* rounds that failed, in a row */
	ScCopyNext	copies;			/* when copies want to go on */
	TimestampTz last_copies;	/* when they had their turn */
} WorkerClock;

/* how long until a round is due: 0 = now, -1 = not before somebody asks */
static long
round_due(const WorkerClock *clock, bool pending)
{
	long		wait;

	if (clock->failures > 0)
		wait = Max(retry_delay(clock->failures), sc_seal_interval);
	else if (!pending || sc_seal_interval == 0)
		return -1;
	else
		wait = sc_seal_interval;
	wait -= TimestampDifferenceMilliseconds(clock->last_round, GetCurrentTimestamp());
	return Max(wait, 0);
}

/* one round with everything that belongs to it */
static void
run_round(WorkerClock *clock, ScSealSlot *slot, List *mails, bool seal)
{
	pgstat_report_activity(STATE_RUNNING, "sealing");
	if (seal)
	{
		pg_atomic_exchange_u32(&slot->asked, 0);
		pg_atomic_exchange_u32(&slot->pending, 0);
	}
	clock->last_round = GetCurrentTimestamp();
	if (sc_seal_round(mails, seal))
		clock->failures = 0;
	else
		clock->failures++;
	sc_seal_tidy();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* how long until copies have their turn: 0 = now, -1 = not before something comes */
static long
copies_due(const WorkerClock *clock, ScSealSlot *slot)
{
	long		passed;

	if (clock->copies == SC_COPY_MORE || pg_atomic_read_u32(&slot->arrived) != 0)
		return 0;
	if (clock->copies == SC_COPY_IDLE)
		return -1;
	passed = TimestampDifferenceMilliseconds(clock->last_copies, GetCurrentTimestamp());
	return Max(SC_COPY_LATER_MS - passed, 0);
}

/* the turn of other nodes' chains */
static void
run_copies(WorkerClock *clock, ScSealSlot *slot)
{
	pgstat_report_activity(STATE_RUNNING, "integrating");
	pg_atomic_exchange_u32(&slot->arrived, 0);
	clock->last_copies = GetCurrentTimestamp();
	clock->copies = sc_copy_round();
	sc_seal_tidy();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* the shorter of two waits, -1 being for ever */
static long
sooner(long a, long b)
{
	return a < 0 ? b : b < 0 ? a : Min(a, b);
}

void
sc_worker_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	if (catchupInterruptPending)
		ProcessCatchupInterrupt();
	if (sc_hold_active(MyDatabaseId))
		proc_exit(0);
}

/* works until told to stop, or until the extension is gone */
static void
worker_loop(ScSealSlot *slot)
{
	WorkerClock clock = {0};
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "seoulchain round", ALLOCSET_DEFAULT_SIZES);

	/* blocks that an earlier worker could not sign do not wait for new rows */
	if (sc_seal_interval == 0)
	{
		MemoryContextSwitchTo(context);
		run_round(&clock, slot, NIL, false);
	}

	for (;;)
	{
		long		timeout;
		long		copies;
		List	   *mails;

		ResetLatch(MyLatch);
		MemoryContextSwitchTo(TopMemoryContext);
		MemoryContextReset(context);
		sc_worker_interrupts();

		/* the next worker does what is due, and reads the token anew */
		if (sc_hardware_worn() && (sc_mail_waiting() || copies_due(&clock, slot) == 0 ||
								   round_due(&clock, pg_atomic_read_u32(&slot->pending) != 0) == 0))
			proc_exit(0);
		MemoryContextSwitchTo(context);
		mails = sc_seal_mails();
		timeout = round_due(&clock, pg_atomic_read_u32(&slot->pending) != 0);
		if (mails != NIL || timeout == 0 || pg_atomic_read_u32(&slot->asked) != 0)
		{
			extension_absent = !sc_worker_extension_present();
			if (extension_absent)
				proc_exit(0);
			MemoryContextSwitchTo(context);
			run_round(&clock, slot, mails, true);
			/* what was committed may be rows of a copy */
			run_copies(&clock, slot);
			continue;
		}
		copies = copies_due(&clock, slot);
		if (copies == 0)
		{
			extension_absent = !sc_worker_extension_present();
			if (extension_absent)
				proc_exit(0);
			MemoryContextSwitchTo(context);
			run_copies(&clock, slot);
			continue;
		}
		if (timeout < 0 && sc_seal_interval > 0 && prepared_transactions())
		{
			pg_atomic_write_u32(&slot->pending, 1);
			timeout = Max(sc_seal_interval, SC_PREPARED_LOOK_MS);
		}
		timeout = sooner(timeout, copies);
		if (sc_tend_hook != NULL)
			timeout = sooner(timeout, sc_tend_hook(slot));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout >= 0 ? WL_TIMEOUT : 0),
						 timeout, PG_WAIT_EXTENSION);
	}
}

void
sc_worker_main(Datum arg)
{
	Oid			dboid = DatumGetObjectId(arg);
	ScSealSlot *slot;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	/* a cancelled wait for a synchronous standby would let a signature out too early */
	pqsignal(SIGINT, SIG_IGN);
	BackgroundWorkerUnblockSignals();

	if (!sc_slot_attach_worker(dboid))
		proc_exit(0);
	on_shmem_exit(worker_exit, (Datum) 0);
	slot = sc_slot_find(dboid, false);
	pg_atomic_exchange_u32(&slot->pending, 0);

	BackgroundWorkerInitializeConnectionByOid(dboid, InvalidOid, 0);
	sc_worker_fix_settings("seoulchain sealer");
	pgstat_report_appname("seoulchain sealer");
	extension_absent = !sc_worker_extension_present();
	if (extension_absent)
		proc_exit(0);

	sc_slot_set_running();
	/* what was committed while nobody looked */
	pg_atomic_write_u32(&slot->pending, 1);
	pg_atomic_write_u32(&slot->arrived, 1);
	pgstat_report_activity(STATE_IDLE, NULL);
	worker_loop(slot);
}
