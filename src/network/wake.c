/*
 * wake.c
 *	  Waking the network worker of this database when the running transaction commits.
 *
 * Invariant: who is woken sees what the transaction wrote; a rolled back
 * transaction wakes nobody.  A subtransaction's wish outlives its rollback,
 * which costs a look.  COMMIT PREPARED wakes it too (seal/utility.c).
 * Effects: a flag and a latch in shared memory, at commit.
 */
#include "postgres.h"

#include "network/wake.h"

#include "access/xact.h"
#include "seal/shmem.h"

static bool wake_network = false;

void
sc_network_wake(void)
{
	wake_network = true;
}

/* cannot fail */
static void
at_end(XactEvent event, void *arg)
{
	ScSealSlot *slot;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	if (event == XACT_EVENT_COMMIT && wake_network && (slot = sc_slot_mine()) != NULL)
	{
		/* the worker clears the flag before it takes its snapshot */
		pg_memory_barrier();
		sc_slot_ask_network(slot);
	}
	wake_network = false;
}

void
sc_wake_init(void)
{
	RegisterXactCallback(at_end, NULL);
}
