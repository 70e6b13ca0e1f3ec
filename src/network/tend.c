/*
 * tend.c
 *	  Starting the network worker of a database when there is work for it.
 *
 * Invariant: the sealing worker alone starts it, so there is none where the
 * launcher keeps sealing workers out; a second one leaves again
 * (sc_slot_attach_network).  One that failed is started again after a pause.
 * Context: the sealing worker, before it sleeps, outside a transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "network/peer.h"
#include "network/tidy.h"
#include "network/worker.h"
#include "postmaster/bgworker.h"
#include "ledger/registry.h"
#include "seal/seal.h"
#include "seal/shmem.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define START_PAUSE_MS 5000
#define STARTING_MS 1000

static BackgroundWorkerHandle *handle = NULL;
static TimestampTz last_start = 0;

/* has the database peers, or what is left of some? */
static bool
has_work(void)
{
	bool		result;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	result = OidIsValid(sc_registry_relation("peer")) && (sc_peer_list() != NIL || sc_links_exist());
	CommitTransactionCommand();
	return result;
}

/* asks the postmaster for a worker */
static void
start(void)
{
	BackgroundWorker worker = {0};
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "seoulchain", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "sc_network_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "seoulchain network worker for database %u", MyDatabaseId);
	strlcpy(worker.bgw_type, "seoulchain network", BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
	worker.bgw_notify_pid = MyProcPid;
	last_start = GetCurrentTimestamp();
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		handle = NULL;
		ereport(LOG,
				(errmsg("no room for a seoulchain network worker"),
				 errhint("You may need to increase max_worker_processes.")));
	}
	MemoryContextSwitchTo(old);
}

/* is the one that was started last still on its way? */
static bool
is_starting(void)
{
	pid_t		pid;
	BgwHandleStatus status;

	if (handle == NULL)
		return false;
	status = GetBackgroundWorkerPid(handle, &pid);
	if (status == BGWH_NOT_YET_STARTED || status == BGWH_STARTED)
		return true;
	pfree(handle);
	handle = NULL;
	return false;
}

/* the hook of the sealing worker */
static long
tend(ScSealSlot *slot)
{
	long		wait;

	if (slot->network_pid != 0 || pg_atomic_read_u32(&slot->network) == 0)
		return -1;
	if (is_starting())
		return STARTING_MS;
	if (last_start != 0)
	{
		wait = START_PAUSE_MS - TimestampDifferenceMilliseconds(last_start, GetCurrentTimestamp());
		if (wait > 0)
			return wait;
	}
	/* cleared first: whoever sets it again is seen by the look that follows */
	pg_atomic_write_u32(&slot->network, 0);
	pg_memory_barrier();
	if (!has_work())
		return -1;
	pg_atomic_write_u32(&slot->network, 1);
	start();
	return STARTING_MS;
}

void
sc_network_tend_init(void)
{
	sc_tend_hook = tend;
}
