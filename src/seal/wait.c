/*
 * wait.c
 *	  Waiting in a session until the worker has come as far as the session wants.
 *
 * Invariant: between two looks the session sleeps on a condition variable of
 * shared memory and runs no query; the counter beside it was read before the
 * look, so nothing that the worker does between looking and sleeping is missed.
 * Twice a second it looks, in shared memory only, whether there is a worker.
 * Waiting can be cancelled; timeouts of statements and transactions end it.
 * Locks: none of its own.
 */
#include "postgres.h"

#include "seal/wait.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "seal/shmem.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define LOOK_MS 500L

/* tells the worker to begin a round */
static void
ask_worker(ScSealSlot *slot)
{
	pg_atomic_write_u32(&slot->asked, 1);
	sc_slot_wake(slot);
}

/* sleeps until the worker is through with a chain that *seen does not count; false when the deadline has passed */
static bool
sleep_for_progress(ScSealSlot *slot, uint32 *seen, TimestampTz deadline, TimestampTz *missing_since)
{
	for (;;)
	{
		uint32		passed = pg_atomic_read_u32(&slot->passed);
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);

		/* first of all: a worker that never rests must not make it wait for ever */
		if (left <= 0)
			return false;
		if (passed != *seen)
		{
			*seen = passed;
			return true;
		}
		sc_worker_require(missing_since);
		(void) ConditionVariableTimedSleep(&slot->progress, Min(left, LOOK_MS), PG_WAIT_EXTENSION);
	}
}

/* how often the worker was through with the chain */
static uint32
times_passed(int32 chain_id)
{
	ScSealChainState state;

	sc_chain_state_get(chain_id, &state);
	return state.passed;
}

bool
sc_seal_wait(int32 chain_id, bool (*ready) (void *arg, bool news), void *arg, TimestampTz deadline, bool ask)
{
	ScSealSlot *slot = sc_slot_find(MyDatabaseId, true);
	TimestampTz missing_since = 0;
	uint32		before = times_passed(chain_id);
	uint32		seen;
	bool		done;

	if (slot == NULL)
		sc_worker_missing();
	seen = pg_atomic_read_u32(&slot->passed);
	done = ready(arg, false);
	if (!done && ask)
		ask_worker(slot);
	while (!done && sleep_for_progress(slot, &seen, deadline, &missing_since))
		done = ready(arg, times_passed(chain_id) != before);
	ConditionVariableCancelSleep();
	if (!done && missing_since != 0)
		sc_worker_missing();
	return done;
}
