/*
 * arrival.c
 *	  Telling the sealing worker that something about a copy has come.
 *
 * Invariant: the flag is set when the transaction is visible to snapshots,
 * and the worker clears it before it takes its snapshot, so that nothing that
 * has come stays unseen.  Nothing here can fail at commit.
 * Effects: the slot's flag and the worker's latch.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "seal/arrival.h"
#include "seal/shmem.h"

static bool arrived = false;

void
sc_arrival_at_commit(void)
{
	arrived = true;
}

/* tells the worker, or forgets */
static void
at_end(XactEvent event, void *arg)
{
	ScSealSlot *slot;

	if (!arrived || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_PARALLEL_COMMIT &&
					 event != XACT_EVENT_ABORT && event != XACT_EVENT_PARALLEL_ABORT && event != XACT_EVENT_PREPARE))
		return;
	arrived = false;
	if (event != XACT_EVENT_COMMIT)
		return;
	slot = sc_slot_mine();
	if (slot == NULL)
	{
		sc_slot_look_again(MyDatabaseId);
		return;
	}
	pg_memory_barrier();
	pg_atomic_write_u32(&slot->arrived, 1);
	sc_slot_wake(slot);
}

void
sc_arrival_init(void)
{
	RegisterXactCallback(at_end, NULL);
}
