/*
 * tell.c
 *	  Telling the sessions that wait for a seal that something else of theirs has come.
 *
 * Invariant: the counter goes on when the transaction is visible to
 * snapshots, so nobody who looks because of it looks too early.  Nothing here
 * can fail at commit.
 */
#include "postgres.h"

#include "seal/tell.h"

#include "access/xact.h"
#include "seal/shmem.h"

static bool tell = false;

void
sc_tell_at_commit(void)
{
	tell = true;
}

/* tells, or forgets */
static void
at_end(XactEvent event, void *arg)
{
	ScSealSlot *slot;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	if (event == XACT_EVENT_COMMIT && tell && (slot = sc_slot_mine()) != NULL)
	{
		pg_atomic_fetch_add_u32(&slot->passed, 1);
		ConditionVariableBroadcast(&slot->progress);
	}
	tell = false;
}

void
sc_tell_init(void)
{
	RegisterXactCallback(at_end, NULL);
}
