/*
 * shmem.c
 *	  Shared memory of the sealer: slots, launcher latch, holds, states of chains.
 *
 * Invariant: see shmem.h.  sc_slot_wake may be called in a commit callback:
 * it cannot fail and waits for nothing but the LWLock.
 *
 * What it does not do: the mailbox, which is mail.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "seal/shmem_private.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

/* pause after a worker that failed */
#define SC_WORKER_RETRY_MS 1000

ScSealShared *sc_seal_shared = NULL;

static ScSealSlot *my_slot = NULL;
static bool exit_callback_set = false;
static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

/* asks for room and a lock */
static void
request_shmem(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(ScSealShared)));
	RequestNamedLWLockTranche("seoulchain_seal", 1);
}

/* makes or finds the shared struct */
static void
startup_shmem(void)
{
	bool		found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	sc_seal_shared = ShmemInitStruct("seoulchain seal", sizeof(ScSealShared), &found);
	if (!found)
	{
		memset(sc_seal_shared, 0, sizeof(ScSealShared));
		sc_seal_shared->lock = &(GetNamedLWLockTranche("seoulchain_seal"))->lock;
		for (int i = 0; i < SC_SEAL_DATABASES; i++)
		{
			pg_atomic_init_u32(&sc_seal_shared->slots[i].pending, 0);
			pg_atomic_init_u32(&sc_seal_shared->slots[i].asked, 0);
			pg_atomic_init_u32(&sc_seal_shared->slots[i].arrived, 0);
			pg_atomic_init_u32(&sc_seal_shared->slots[i].network, 0);
			pg_atomic_init_u32(&sc_seal_shared->slots[i].passed, 0);
			ConditionVariableInit(&sc_seal_shared->slots[i].changed);
			ConditionVariableInit(&sc_seal_shared->slots[i].progress);
		}
		for (int i = 0; i < SC_SEAL_MAILS; i++)
			ConditionVariableInit(&sc_seal_shared->mails[i].answered);
		ConditionVariableInit(&sc_seal_shared->mail_freed);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
sc_seal_shmem_init(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}

/* the database's slot, under the lock */
static ScSealSlot *
slot_search(Oid dboid)
{
	for (int i = 0; i < SC_SEAL_DATABASES; i++)
		if (sc_seal_shared->slots[i].dboid == dboid)
			return &sc_seal_shared->slots[i];
	return NULL;
}

/* is anybody holding workers off the database?  Under the lock. */
static bool
hold_search(Oid dboid)
{
	for (int i = 0; i < SC_SEAL_HOLDS; i++)
		if (sc_seal_shared->holds[i].pid != 0 && sc_seal_shared->holds[i].dboid == dboid)
			return true;
	return false;
}

/* the database's slot; NULL when there is none (or no room for it) */
ScSealSlot *
sc_slot_find(Oid dboid, bool create)
{
	ScSealSlot *slot;

	LWLockAcquire(sc_seal_shared->lock, create ? LW_EXCLUSIVE : LW_SHARED);
	slot = slot_search(dboid);
	if (slot == NULL && create && (slot = slot_search(InvalidOid)) != NULL)
	{
		slot->dboid = dboid;
		slot->state = SC_WORKER_NONE;
		slot->worker_pid = 0;
		slot->worker_latch = NULL;
		slot->absent = false;
		slot->retry_at = 0;
		slot->network_pid = 0;
		slot->network_latch = NULL;
		pg_atomic_write_u32(&slot->network, 1);
		/* whatever was committed before anybody looked */
		pg_atomic_write_u32(&slot->pending, 1);
	}
	LWLockRelease(sc_seal_shared->lock);
	return slot;
}

/* slot of this backend's database, NULL while there is none */
ScSealSlot *
sc_slot_mine(void)
{
	if (my_slot == NULL && OidIsValid(MyDatabaseId))
		my_slot = sc_slot_find(MyDatabaseId, false);
	return my_slot;
}

/* sets the latch of the slot's worker, or of the launcher when there is none */
void
sc_slot_wake(ScSealSlot *slot)
{
	bool		woken = false;

	LWLockAcquire(sc_seal_shared->lock, LW_SHARED);
	if (slot->worker_latch != NULL)
	{
		SetLatch(slot->worker_latch);
		woken = true;
	}
	LWLockRelease(sc_seal_shared->lock);
	if (!woken)
		sc_launcher_wake();
}

bool
sc_slot_attach_network(Oid dboid)
{
	ScSealSlot *slot;
	bool		ok = false;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	slot = slot_search(dboid);
	if (slot != NULL && slot->network_pid == 0 && !hold_search(dboid))
	{
		slot->network_pid = MyProcPid;
		slot->network_latch = MyLatch;
		my_slot = slot;
		ok = true;
	}
	LWLockRelease(sc_seal_shared->lock);
	return ok;
}

void
sc_slot_detach_network(bool again)
{
	if (again)
		pg_atomic_write_u32(&my_slot->network, 1);
	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	if (my_slot->network_pid == MyProcPid)
	{
		my_slot->network_pid = 0;
		my_slot->network_latch = NULL;
	}
	LWLockRelease(sc_seal_shared->lock);
	ConditionVariableBroadcast(&my_slot->changed);
	sc_slot_wake(my_slot);
}

void
sc_slot_ask_network(ScSealSlot *slot)
{
	bool		woken = false;

	pg_atomic_write_u32(&slot->network, 1);
	LWLockAcquire(sc_seal_shared->lock, LW_SHARED);
	if (slot->network_latch != NULL)
	{
		SetLatch(slot->network_latch);
		woken = true;
	}
	LWLockRelease(sc_seal_shared->lock);
	if (!woken)
		sc_slot_wake(slot);
}

/* a database may have got (or lost) the extension */
void
sc_slot_look_again(Oid dboid)
{
	ScSealSlot *slot = sc_slot_find(dboid, true);

	if (slot != NULL)
	{
		LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
		slot->absent = false;
		LWLockRelease(sc_seal_shared->lock);
		pg_atomic_write_u32(&slot->pending, 1);
		sc_slot_wake(slot);
	}
	sc_launcher_wake();
}

/* frees the slot and states of a database that is gone */
void
sc_slot_forget(Oid dboid)
{
	ScSealSlot *slot;
	bool		gone;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	slot = slot_search(dboid);
	gone = slot == NULL || (slot->state == SC_WORKER_NONE && slot->network_pid == 0);
	if (slot != NULL && gone)
		slot->dboid = InvalidOid;
	for (int i = 0; gone && i < SC_SEAL_CHAINS; i++)
		if (sc_seal_shared->chains[i].dboid == dboid)
			memset(&sc_seal_shared->chains[i], 0, sizeof(ScSealChainState));
	LWLockRelease(sc_seal_shared->lock);
}

/* the calling process becomes the database's worker; false if it must not */
bool
sc_slot_attach_worker(Oid dboid)
{
	ScSealSlot *slot;
	bool		ok = false;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	slot = slot_search(dboid);
	if (slot != NULL && slot->worker_pid == 0)
	{
		if (hold_search(dboid))
			slot->state = SC_WORKER_NONE;
		else
		{
			slot->state = SC_WORKER_PROBING;
			slot->worker_pid = MyProcPid;
			slot->worker_latch = MyLatch;
			ok = true;
		}
	}
	LWLockRelease(sc_seal_shared->lock);
	my_slot = slot;
	if (!ok && slot != NULL)
		ConditionVariableBroadcast(&slot->changed);
	return ok;
}

/* the worker found the extension */
void
sc_slot_set_running(void)
{
	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	my_slot->state = SC_WORKER_RUNNING;
	my_slot->absent = false;
	LWLockRelease(sc_seal_shared->lock);
	sc_launcher_wake();
}

/* the worker leaves */
void
sc_slot_detach_worker(bool absent)
{
	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	if (my_slot->worker_pid == MyProcPid)
	{
		/* one that ends without reason must not be restarted in a tight loop */
		my_slot->retry_at = absent || hold_search(my_slot->dboid) ? 0 :
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SC_WORKER_RETRY_MS);
		my_slot->state = SC_WORKER_NONE;
		my_slot->worker_pid = 0;
		my_slot->worker_latch = NULL;
		my_slot->absent = absent;
	}
	LWLockRelease(sc_seal_shared->lock);
	ConditionVariableBroadcast(&my_slot->changed);
	sc_launcher_wake();
}

/* workers that have not told yet whether they stay */
int
sc_slots_starting(void)
{
	int			count = 0;

	LWLockAcquire(sc_seal_shared->lock, LW_SHARED);
	for (int i = 0; i < SC_SEAL_DATABASES; i++)
		if (sc_seal_shared->slots[i].dboid != InvalidOid &&
			(sc_seal_shared->slots[i].state == SC_WORKER_STARTING ||
			 sc_seal_shared->slots[i].state == SC_WORKER_PROBING))
			count++;
	LWLockRelease(sc_seal_shared->lock);
	return count;
}

/* may a worker be started for the database?  If so it counts as starting; *later is set if soon. */
bool
sc_slot_claim_start(Oid dboid, bool *later)
{
	ScSealSlot *slot = sc_slot_find(dboid, true);
	bool		ok = false;

	if (slot == NULL)
		return false;
	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	if (slot->state == SC_WORKER_NONE && !slot->absent && !hold_search(dboid))
	{
		ok = slot->retry_at <= GetCurrentTimestamp();
		if (ok)
			slot->state = SC_WORKER_STARTING;
		else
			*later = true;
	}
	LWLockRelease(sc_seal_shared->lock);
	return ok;
}

/* the start did not come about */
void
sc_slot_start_failed(Oid dboid)
{
	ScSealSlot *slot;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	slot = slot_search(dboid);
	if (slot != NULL && slot->state == SC_WORKER_STARTING)
		slot->state = SC_WORKER_NONE;
	LWLockRelease(sc_seal_shared->lock);
	if (slot != NULL)
		ConditionVariableBroadcast(&slot->changed);
}

/* a new launcher has no handles of starts that the old one asked for */
void
sc_slots_reset_starting(void)
{
	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SC_SEAL_DATABASES; i++)
		if (sc_seal_shared->slots[i].state == SC_WORKER_STARTING)
			sc_seal_shared->slots[i].state = SC_WORKER_NONE;
	LWLockRelease(sc_seal_shared->lock);
}

/* databases that have a slot */
int
sc_slots_list(Oid *dboids, int max)
{
	int			count = 0;

	LWLockAcquire(sc_seal_shared->lock, LW_SHARED);
	for (int i = 0; i < SC_SEAL_DATABASES && count < max; i++)
		if (sc_seal_shared->slots[i].dboid != InvalidOid)
			dboids[count++] = sc_seal_shared->slots[i].dboid;
	LWLockRelease(sc_seal_shared->lock);
	return count;
}

/* forgets the launcher's latch when it ends */
static void
launcher_detach(int code, Datum arg)
{
	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	sc_seal_shared->launcher_latch = NULL;
	LWLockRelease(sc_seal_shared->lock);
}

/* the calling process is the launcher */
void
sc_launcher_attach(void)
{
	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	sc_seal_shared->launcher_latch = MyLatch;
	LWLockRelease(sc_seal_shared->lock);
	on_shmem_exit(launcher_detach, (Datum) 0);
}

void
sc_launcher_wake(void)
{
	LWLockAcquire(sc_seal_shared->lock, LW_SHARED);
	if (sc_seal_shared->launcher_latch != NULL)
		SetLatch(sc_seal_shared->launcher_latch);
	LWLockRelease(sc_seal_shared->lock);
}

/* releases this process's holds when it ends */
static void
hold_exit(int code, Datum arg)
{
	sc_hold_end();
}

/* keeps workers off a database until sc_hold_end or the end of the process */
void
sc_hold_begin(Oid dboid)
{
	bool		done = false;

	if (!exit_callback_set)
	{
		before_shmem_exit(hold_exit, (Datum) 0);
		exit_callback_set = true;
	}
	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SC_SEAL_HOLDS && !done; i++)
		if (sc_seal_shared->holds[i].pid == 0)
		{
			sc_seal_shared->holds[i].dboid = dboid;
			sc_seal_shared->holds[i].pid = MyProcPid;
			done = true;
		}
	LWLockRelease(sc_seal_shared->lock);
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many commands hold databases at once"),
				 errdetail("At most %d can.", SC_SEAL_HOLDS),
				 errhint("Try again when the others have ended.")));
}

/* ends this process's holds */
void
sc_hold_end(void)
{
	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SC_SEAL_HOLDS; i++)
		if (sc_seal_shared->holds[i].pid == MyProcPid)
			sc_seal_shared->holds[i].pid = 0;
	LWLockRelease(sc_seal_shared->lock);
	sc_launcher_wake();
}

bool
sc_hold_active(Oid dboid)
{
	bool		held;

	LWLockAcquire(sc_seal_shared->lock, LW_SHARED);
	held = hold_search(dboid);
	LWLockRelease(sc_seal_shared->lock);
	return held;
}

/* the state of a chain of this database, under the lock; NULL when there is no room */
static ScSealChainState *
chain_state_search(int32 chain_id, bool create)
{
	ScSealChainState *vacant = NULL;

	for (int i = 0; i < SC_SEAL_CHAINS; i++)
	{
		ScSealChainState *state = &sc_seal_shared->chains[i];

		if (state->dboid == MyDatabaseId && state->chain_id == chain_id)
			return state;
		if (vacant == NULL && state->dboid == InvalidOid)
			vacant = state;
	}
	if (!create || vacant == NULL)
		return NULL;
	memset(vacant, 0, sizeof(*vacant));
	vacant->dboid = MyDatabaseId;
	vacant->chain_id = chain_id;
	return vacant;
}

/* a copy; all zero when nothing is known */
void
sc_chain_state_get(int32 chain_id, ScSealChainState *out)
{
	ScSealChainState *state;

	LWLockAcquire(sc_seal_shared->lock, LW_SHARED);
	state = chain_state_search(chain_id, false);
	if (state != NULL)
		*out = *state;
	else
		memset(out, 0, sizeof(*out));
	LWLockRelease(sc_seal_shared->lock);
}

void
sc_chain_state_set_signing(int32 chain_id, ScSigningState signing, const char *why)
{
	ScSealChainState *state;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	state = chain_state_search(chain_id, true);
	if (state != NULL)
	{
		state->signing = signing;
		strlcpy(state->suspended_why, why ? why : "", sizeof(state->suspended_why));
	}
	LWLockRelease(sc_seal_shared->lock);
}

/* may a shared chain go on?  held_why: NULL for nothing to say */
void
sc_chain_state_set_ready(int32 chain_id, bool ready, const char *held_why)
{
	ScSealChainState *state;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	state = chain_state_search(chain_id, true);
	if (state != NULL)
	{
		state->ready = ready;
		strlcpy(state->held_why, held_why ? held_why : "", sizeof(state->held_why));
	}
	LWLockRelease(sc_seal_shared->lock);
}

/* what a copy waits for; NULL: nothing */
void
sc_chain_state_set_waiting(int32 chain_id, const char *why)
{
	ScSealChainState *state;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	state = chain_state_search(chain_id, true);
	if (state != NULL)
		strlcpy(state->waiting_why, why ? why : "", sizeof(state->waiting_why));
	LWLockRelease(sc_seal_shared->lock);
}

/* one more failed attempt to seal */
void
sc_chain_state_failed(int32 chain_id, const char *error)
{
	ScSealChainState *state;
	TimestampTz now = GetCurrentTimestamp();

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	state = chain_state_search(chain_id, true);
	if (state != NULL)
	{
		if (state->attempts++ == 0)
			state->failing_since = now;
		state->last_error_at = now;
		strlcpy(state->last_error, error, sizeof(state->last_error));
	}
	LWLockRelease(sc_seal_shared->lock);
}

/* sealing went well; the last error's text stays for the reader */
void
sc_chain_state_ok(int32 chain_id)
{
	ScSealChainState *state;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	state = chain_state_search(chain_id, true);
	if (state != NULL)
	{
		state->attempts = 0;
		state->failing_since = 0;
	}
	LWLockRelease(sc_seal_shared->lock);
}

/* the worker is through with a chain, and its state is set */
void
sc_chain_state_passed(int32 chain_id)
{
	ScSealChainState *state;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	state = chain_state_search(chain_id, true);
	if (state != NULL)
		state->passed++;
	LWLockRelease(sc_seal_shared->lock);
	pg_atomic_fetch_add_u32(&my_slot->passed, 1);
	ConditionVariableBroadcast(&my_slot->progress);
}
