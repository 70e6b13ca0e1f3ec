/*
 * progress.c
 *	  How far a run of verify() is, for the view verify_progress.
 *
 * Invariant: a slot belongs to the process whose pid it has; it is given
 * back when the run ends, fails or its process exits.
 * Locks: a spinlock a slot, held for a few stores.
 * Effects: shared memory only.
 */
#include "postgres.h"

#include "proof/progress.h"

#include "fmgr.h"
#include "funcapi.h"
#include "ledger/shmem.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define SLOTS 64

typedef struct ProgressSlot
{
	slock_t		mutex;
	int			pid;			/* 0: free */
	Oid			database;
	Oid			relation;
	ScPhase		phase;
	int64		done;
	int64		total;
	TimestampTz started_at;
} ProgressSlot;

static ProgressSlot *slots = NULL;
static ProgressSlot *mine = NULL;

PG_FUNCTION_INFO_V1(sc_verify_progress);

static Size
progress_size(void)
{
	return sizeof(ProgressSlot) * SLOTS;
}

/* lays out or attaches; AddinShmemInitLock is held */
static void
progress_startup(void)
{
	bool		found;

	slots = ShmemInitStruct("seoulchain verify progress", progress_size(), &found);
	if (!found)
	{
		memset(slots, 0, progress_size());
		for (int i = 0; i < SLOTS; i++)
			SpinLockInit(&slots[i].mutex);
	}
}

void
sc_progress_init(void)
{
	static const ScShmemUser user = {.size = progress_size, .startup = progress_startup};

	sc_shmem_register(&user);
}

/* gives the slot back when the process exits in the middle */
static void
progress_exit(int code, Datum arg)
{
	sc_progress_end();
}

void
sc_progress_begin(void)
{
	static bool registered = false;

	sc_progress_end();
	if (slots == NULL)
		return;
	if (!registered)
	{
		before_shmem_exit(progress_exit, (Datum) 0);
		registered = true;
	}
	for (int i = 0; i < SLOTS && mine == NULL; i++)
	{
		SpinLockAcquire(&slots[i].mutex);
		if (slots[i].pid == 0)
		{
			mine = &slots[i];
			mine->pid = MyProcPid;
			mine->database = MyDatabaseId;
			mine->relation = InvalidOid;
			mine->phase = SC_PHASE_LOAD;
			mine->done = mine->total = 0;
			mine->started_at = GetCurrentTimestamp();
		}
		SpinLockRelease(&slots[i].mutex);
	}
}

void
sc_progress_phase(ScPhase phase, Oid relation, int64 total)
{
	if (mine == NULL)
		return;
	SpinLockAcquire(&mine->mutex);
	mine->phase = phase;
	mine->relation = relation;
	mine->total = total;
	mine->done = 0;
	SpinLockRelease(&mine->mutex);
}

void
sc_progress_done(int64 done)
{
	if (mine == NULL)
		return;
	SpinLockAcquire(&mine->mutex);
	mine->done = done;
	SpinLockRelease(&mine->mutex);
}

void
sc_progress_end(void)
{
	if (mine == NULL)
		return;
	SpinLockAcquire(&mine->mutex);
	mine->pid = 0;
	SpinLockRelease(&mine->mutex);
	mine = NULL;
}

/* the phase's word in the view */
static const char *
phase_name(ScPhase phase)
{
	switch (phase)
	{
		case SC_PHASE_LOAD:
			return "reading registry";
		case SC_PHASE_TREE:
			return "recomputing tree";
		case SC_PHASE_ROWS:
			return "comparing rows";
		case SC_PHASE_LEFT:
			return "looking for missing rows";
		case SC_PHASE_INDEXES:
			return "comparing indexes";
	}
	return "unknown";
}

/*
 * seoulchain.verify_progress()
 *		returns setof (pid int, datid oid, relation oid, phase text, done bigint, total bigint, started_at timestamptz)
 *
 * One row for each run of verify() and verify_indexes() in the cluster.
 */
Datum
sc_verify_progress(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; slots != NULL && i < SLOTS; i++)
	{
		ProgressSlot slot;
		Datum		values[7];
		bool		nulls[7] = {false};

		SpinLockAcquire(&slots[i].mutex);
		slot = slots[i];
		SpinLockRelease(&slots[i].mutex);
		if (slot.pid == 0)
			continue;
		values[0] = Int32GetDatum(slot.pid);
		values[1] = ObjectIdGetDatum(slot.database);
		values[2] = ObjectIdGetDatum(slot.relation);
		nulls[2] = !OidIsValid(slot.relation);
		values[3] = CStringGetTextDatum(phase_name(slot.phase));
		values[4] = Int64GetDatum(slot.done);
		values[5] = Int64GetDatum(slot.total);
		values[6] = TimestampTzGetDatum(slot.started_at);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}
