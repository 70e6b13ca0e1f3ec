/*
 * sequence.c
 *	  ledger_seq numbers: strides from the chain's sequence, handed out from shared memory.
 *
 * Invariant: no number is handed out twice.  A value v of the chain's
 * sequence stands for v .. v + SC_SEQUENCE_STRIDE - 1; only who called
 * nextval() owns them, and puts them into the chain's slot or keeps them.
 * Slots are keyed by the sequence's OID, which a new chain never shares with
 * a dropped one.  After a crash the slots are empty: numbers left in them are
 * gaps, and gaps mean nothing.  Of two numbers taken one after the other by
 * whoever holds a lock on a table, the later one is the greater: an event's
 * number divides the table's rows into those before it and those after it.
 * Locks: a spinlock a slot, an LWLock to add slots.  nextval() runs outside
 * of both.  When all slots are taken each call spends a stride of its own.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xlog.h"
#include "commands/sequence.h"
#include "ledger/registry.h"
#include "ledger/sequence.h"
#include "ledger/shmem.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

/* chains that a session need not ask about again */
#define GATES_REMEMBERED 8

#define SLOTS 4096

/* fetch the next stride when fewer numbers than this are left */
#define LOW_WATER (SC_SEQUENCE_STRIDE / 4)

typedef struct SequenceSlot
{
	Oid			database;
	Oid			sequence;
	slock_t		mutex;
	bool		refilling;		/* somebody fetches the next stride ahead of need */
	int64		next;			/* numbers next .. limit - 1 are free */
	int64		limit;
} SequenceSlot;

typedef struct SequenceShared
{
	int			nslots;			/* slots in use; they are never given back */
	SequenceSlot slots[SLOTS];
} SequenceShared;

static SequenceShared *shared = NULL;
static LWLock *slots_lock = NULL;

static Size
sequence_shmem_size(void)
{
	return sizeof(SequenceShared);
}

sc_sequence_gate_hook_type sc_sequence_gate_hook = NULL;

/* lays out or attaches to the slots; AddinShmemInitLock is held */
static void
sequence_shmem_startup(void)
{
	bool		found;

	slots_lock = &GetNamedLWLockTranche("seoulchain_sequence")->lock;
	shared = ShmemInitStruct("seoulchain sequence", sequence_shmem_size(), &found);
	if (!found)
	{
		memset(shared, 0, sequence_shmem_size());
		for (int i = 0; i < SLOTS; i++)
			SpinLockInit(&shared->slots[i].mutex);
	}
}

void
sc_sequence_init(void)
{
	static const ScShmemUser user = {
		.size = sequence_shmem_size,
		.startup = sequence_shmem_startup,
		.tranche = "seoulchain_sequence",
		.nlocks = 1
	};

	sc_shmem_register(&user);
}

/* the sequence's slot or NULL; requires slots_lock */
static SequenceSlot *
search_slots(Oid sequence)
{
	for (int i = 0; i < shared->nslots; i++)
		if (shared->slots[i].sequence == sequence && shared->slots[i].database == MyDatabaseId)
			return &shared->slots[i];
	return NULL;
}

/* the sequence's slot, made if there is room; NULL when there is none */
static SequenceSlot *
find_slot(Oid sequence)
{
	static SequenceSlot *last = NULL;
	SequenceSlot *slot;

	/* slots are never reused, so a pointer once found stays right */
	if (last != NULL && last->sequence == sequence && last->database == MyDatabaseId)
		return last;

	LWLockAcquire(slots_lock, LW_SHARED);
	slot = search_slots(sequence);
	LWLockRelease(slots_lock);
	if (slot == NULL)
	{
		LWLockAcquire(slots_lock, LW_EXCLUSIVE);
		slot = search_slots(sequence);
		if (slot == NULL && shared->nslots < SLOTS)
		{
			slot = &shared->slots[shared->nslots++];
			slot->sequence = sequence;
			slot->database = MyDatabaseId;
		}
		LWLockRelease(slots_lock);
	}
	if (slot != NULL)
		last = slot;
	return slot;
}

/* takes numbers that the slot has; *refill says that the caller should fetch a stride ahead */
static int
slot_take(SequenceSlot *slot, int want, int64 *first, bool *refill)
{
	int			count;

	SpinLockAcquire(&slot->mutex);
	count = (int) Min((int64) want, slot->limit - slot->next);
	*first = slot->next;
	slot->next += count;
	*refill = count > 0 && slot->limit - slot->next < LOW_WATER && !slot->refilling;
	if (*refill)
		slot->refilling = true;
	SpinLockRelease(&slot->mutex);
	return count;
}

/*
 * Puts a fresh stride into the slot; false when the slot has later numbers
 * already.  The slot never goes back, or a row could get a smaller number than
 * the event that came before it: numbers left below the stride become a gap.
 */
static bool
slot_put(SequenceSlot *slot, int64 stride)
{
	bool		put;

	SpinLockAcquire(&slot->mutex);
	slot->refilling = false;
	put = stride >= slot->limit;
	if (put)
	{
		if (stride > slot->limit || slot->next >= slot->limit)
			slot->next = stride;
		slot->limit = stride + SC_SEQUENCE_STRIDE;
	}
	SpinLockRelease(&slot->mutex);
	return put;
}

/*
 * Makes a value taken from a sequence that the running transaction created
 * safe under wal_level = minimal.  Such a sequence is not WAL-logged until
 * commit, and yet nextval() notes in its page that the values ahead were; the
 * page is all that a crash leaves, so those values would be handed out twice.
 * setval() clears the note.  Nobody else can see the sequence yet.
 */
static void
clear_logged_ahead(Oid sequence, int64 value)
{
	Relation	rel;
	bool		logged;
	Oid			save_user;
	int			save_context;

	if (XLogIsNeeded())
		return;
	rel = relation_open(sequence, AccessShareLock);
	logged = RelationNeedsWAL(rel);
	relation_close(rel, NoLock);
	if (logged)
		return;

	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(sc_registry_owner(), save_context | SECURITY_LOCAL_USERID_CHANGE);
	DirectFunctionCall2(setval_oid, ObjectIdGetDatum(sequence), Int64GetDatum(value));
	SetUserIdAndSecContext(save_user, save_context);
}

void
sc_sequence_gate(int32 chain_id)
{
	static int32 passed[GATES_REMEMBERED];
	static int	next = 0;

	if (sc_sequence_gate_hook == NULL)
		return;
	for (int i = 0; i < GATES_REMEMBERED; i++)
		if (passed[i] == chain_id)
			return;
	sc_sequence_gate_hook(chain_id);
	passed[next++ % GATES_REMEMBERED] = chain_id;
}

int
sc_sequence_take(int32 chain_id, Oid sequence, int want, int64 *first)
{
	SequenceSlot *slot = find_slot(sequence);

	Assert(want > 0);
	sc_sequence_gate(chain_id);
	for (;;)
	{
		bool		refill = false;
		int			count = slot ? slot_take(slot, want, first, &refill) : 0;
		int64		stride;

		if (count > 0 && !refill)
			return count;

		/* the sequence belongs to the extension's owner: whoever may insert may take its numbers */
		stride = nextval_internal(sequence, false);
		clear_logged_ahead(sequence, stride);
		if (slot == NULL || (!slot_put(slot, stride) && count == 0))
		{
			*first = stride;
			return Min(want, SC_SEQUENCE_STRIDE);
		}
		if (count > 0)
			return count;
	}
}

void
sc_sequence_give_back(Oid sequence, int64 first, int64 limit)
{
	SequenceSlot *slot = find_slot(sequence);

	if (slot == NULL || first >= limit)
		return;
	SpinLockAcquire(&slot->mutex);
	if (slot->next == limit && slot->limit > slot->next)
		slot->next = first;
	SpinLockRelease(&slot->mutex);
}
