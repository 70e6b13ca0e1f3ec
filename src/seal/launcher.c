/*
 * launcher.c
 *	  The background process that gives every database with the extension a sealing worker.
 *
 * It looks at its start, when its latch is set (CREATE EXTENSION, CREATE
 * DATABASE, a worker that came or left, a session that misses one), and once
 * a minute.  A database is probed by a worker that leaves if the extension
 * is not there; at most SC_STARTING_MAX probe at once, so that a cluster of
 * many databases does not take every background worker.
 *
 * Invariant: at most one worker a database; none while a hold is on it; none
 * under pg_upgrade (IsBinaryUpgrade) or on a standby.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "seal/seal.h"
#include "seal/shmem.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#define SC_STARTING_MAX 2
#define SC_LOOK_AROUND_MS 60000
#define SC_RETRY_MS 5000
#define SC_SOON_MS 1000

typedef struct Start
{
	Oid			dboid;
	BackgroundWorkerHandle *handle;
} Start;

static Start starts[SC_STARTING_MAX];

/* static background worker: restarted five seconds after any end */
void
sc_launcher_register(void)
{
	BackgroundWorker worker = {0};

	if (IsBinaryUpgrade)
		return;
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "seoulchain", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "sc_launcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "seoulchain launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "seoulchain launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* the databases that take connections, as a list of OIDs in the caller's context */
static List *
connectable_databases(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old;

		/* a limit below -1 marks a database whose DROP was interrupted */
		if (!form->datallowconn || form->datconnlimit < -1)
			continue;
		old = MemoryContextSwitchTo(context);
		result = lappend_oid(result, form->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return result;
}

/* frees the places of starts that came to something or to nothing */
static void
review_starts(void)
{
	for (int i = 0; i < SC_STARTING_MAX; i++)
	{
		pid_t		pid;
		BgwHandleStatus status;

		if (starts[i].handle == NULL)
			continue;
		status = GetBackgroundWorkerPid(starts[i].handle, &pid);
		if (status == BGWH_NOT_YET_STARTED)
			continue;
		if (status != BGWH_STARTED)
			sc_slot_start_failed(starts[i].dboid);
		pfree(starts[i].handle);
		starts[i].handle = NULL;
	}
}

/* asks the postmaster for a worker; false when it has no room */
static bool
start_worker(Oid dboid)
{
	BackgroundWorker worker = {0};
	int			place = 0;
	MemoryContext old;
	bool		ok;

	while (place < SC_STARTING_MAX && starts[place].handle != NULL)
		place++;
	if (place == SC_STARTING_MAX)
		return false;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "seoulchain", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "sc_worker_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "seoulchain sealer for database %u", dboid);
	strlcpy(worker.bgw_type, "seoulchain sealer", BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(dboid);
	worker.bgw_notify_pid = MyProcPid;

	old = MemoryContextSwitchTo(TopMemoryContext);
	ok = RegisterDynamicBackgroundWorker(&worker, &starts[place].handle);
	MemoryContextSwitchTo(old);
	if (ok)
		starts[place].dboid = dboid;
	else
	{
		starts[place].handle = NULL;
		sc_slot_start_failed(dboid);
	}
	return ok;
}

/* forgets databases that are gone */
static void
forget_dropped(List *databases)
{
	Oid			known[SC_SEAL_DATABASES];
	int			nknown = sc_slots_list(known, SC_SEAL_DATABASES);

	for (int i = 0; i < nknown; i++)
		if (!list_member_oid(databases, known[i]) && !sc_hold_active(known[i]))
			sc_slot_forget(known[i]);
}

/* one look at all databases; how long to sleep at most */
static long
look_around(void)
{
	List	   *databases = connectable_databases();
	ListCell   *lc;
	bool		full = false;
	bool		later = false;
	bool		crowded = false;

	review_starts();
	forget_dropped(databases);
	foreach(lc, databases)
	{
		Oid			dboid = lfirst_oid(lc);

		if (sc_slot_find(dboid, true) == NULL)
		{
			if (!crowded)
				ereport(WARNING,
						(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						 errmsg("seoulchain looks after %d databases only", SC_SEAL_DATABASES),
						 errdetail("Database %u has no sealing worker.", dboid),
						 errhint("Spread the databases over several servers.")));
			/* those behind it may have a place */
			crowded = true;
			continue;
		}
		if (sc_slots_starting() >= SC_STARTING_MAX)
			break;
		if (!sc_slot_claim_start(dboid, &later))
			continue;
		if (!start_worker(dboid))
		{
			full = true;
			break;
		}
	}
	if (full)
		ereport(LOG,
				(errmsg("no room for a seoulchain sealing worker"),
				 errhint("You may need to increase max_worker_processes.")));
	if (later)
		return SC_SOON_MS;
	return full || sc_slots_starting() > 0 ? SC_RETRY_MS : SC_LOOK_AROUND_MS;
}

void
sc_launcher_main(Datum arg)
{
	MemoryContext context;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, SIG_IGN);
	BackgroundWorkerUnblockSignals();
	sc_launcher_attach();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	sc_slots_reset_starting();

	context = AllocSetContextCreate(TopMemoryContext, "seoulchain launcher", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	for (;;)
	{
		long		timeout;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		SetCurrentStatementStartTimestamp();
		timeout = look_around();
		MemoryContextReset(context);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 timeout, PG_WAIT_EXTENSION);
	}
}
