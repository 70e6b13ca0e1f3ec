/*
 * watch.c
 *	  Looking after chains: what was heard elsewhere, rows that nobody seals, silence.
 *
 * Invariant: nothing here is a dispute.  What takes too long is an alarm, and
 * only when this node itself has waited seoulchain.network_alarm_after seconds
 * by its own clock since it first looked; clocks of others play no role, and a
 * restart begins anew.
 *
 * A row that is not sealed: the lowest number that waits for a block has been
 * the same one, while two blocks were integrated that hold a greater number.
 * An honest origin takes the lowest first, of what was committed when it
 * looked; but it may make many blocks of one look, and one that was brought
 * back from a backup may have lost the row.  So a stranger cannot tell a
 * refusal from bad luck.
 *
 * Silence: rows wait, and no block comes; or others have shown signed
 * checkpoints beyond the last block that has come here.
 *
 * Context: the sealing worker, outside a transaction.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/xact.h"
#include "network/alarm.h"
#include "network/copy.h"
#include "network/dispute.h"
#include "network/message.h"
#include "network/seen.h"
#include "network/watch.h"
#include "seal/block.h"
#include "seal/internal_scan.h"
#include "seal/journal_read.h"
#include "seal/round.h"
#include "seal/tree_store.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* looking for waiting rows reads the journal: not more often */
#define SC_WATCH_EVERY_MS 5000
/* nor more often than this many times as long as it took */
#define SC_WATCH_TIMES 50

/* own chains, of which others may have seen more, are looked at with the copies: not more often */
#define SC_WATCH_OWN_MS 1000

/* what this process has seen of a copy */
typedef struct Watched
{
	int32		chain_id;
	TimestampTz looked_at;
	long		pause;			/* milliseconds until the next look */
	int64		waiting;		/* lowest ledger_seq that waits for its block, 0 = none */
	int64		height;			/* last block when it was first seen waiting */
	TimestampTz since;			/* when that was */
	bool		judged;			/* what was heard of it before it was followed */
} Watched;

static List *watched = NIL;
static sc_copy_round_hook_type next_copy_round = NULL;

static Watched *
watched_copy(int32 chain_id)
{
	ListCell   *cell;
	Watched    *entry;
	MemoryContext old;

	foreach(cell, watched)
	{
		entry = lfirst(cell);
		if (entry->chain_id == chain_id)
			return entry;
	}
	old = MemoryContextSwitchTo(TopMemoryContext);
	entry = palloc0(sizeof(Watched));
	entry->chain_id = chain_id;
	watched = lappend(watched, entry);
	MemoryContextSwitchTo(old);
	return entry;
}

/* does the block hold a number behind that one?  Members are a multirange: {[1,5),[7,9)}. */
static bool
reaches_beyond(const ScBlock *block, int64 seq)
{
	const char *comma = strrchr(block->members, ',');

	return comma != NULL && strtoll(comma + 1, NULL, 10) - 1 > seq;
}

/* blocks behind a height that passed the number by; stops at two */
static int
passed_by(const ScChain *chain, int64 height, int64 seq)
{
	int			n = 0;
	ScBlock		block;

	while (n < 2 && sc_block_by_height(chain->chain_id, ++height, GetActiveSnapshot(), &block))
		n += reaches_beyond(&block, seq);
	return n;
}

static bool
waited_enough(TimestampTz since)
{
	return TimestampDifferenceExceeds(since, GetCurrentTimestamp(), sc_alarm_after * 1000);
}

/* is a block of the chain announced that is not integrated? */
static bool
is_announced(const ScChain *chain)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	bool		found;

	ScanKeyInit(&keys[0], SC_MESSAGE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(chain->origin));
	ScanKeyInit(&keys[1], SC_MESSAGE_ATTR_KIND, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(SC_MESSAGE_BLOCK));
	sc_internal_scan_begin(&scan, "message", "message_origin", GetActiveSnapshot(), keys, 2);
	found = sc_internal_scan_next(&scan, ForwardScanDirection) != NULL;
	sc_internal_scan_end(&scan);
	return found;
}

/* raises or clears */
static void
set_alarm(const char *kind, const ScChain *chain, bool raised, const char *what, const char *hint)
{
	if (raised)
		sc_alarm_raise(kind, chain->origin, what, hint);
	else
		sc_alarm_clear(kind, chain->origin);
}

/* what the row that waits longest says; a copy that does not go on for a reason of its own says nothing of its origin */
static void
judge_waiting(const ScChain *chain, const ScBlock *last, const Watched *entry)
{
	bool		late = entry->waiting > 0 && waited_enough(entry->since);
	bool		announced = late && is_announced(chain);

	set_alarm(SC_ALARM_UNSEALED, chain, late && passed_by(chain, entry->height, entry->waiting) >= 2,
			  psprintf("The row or event with ledger_seq " INT64_FORMAT " came before block " INT64_FORMAT
					   " and is in none of the blocks that followed.", entry->waiting, entry->height + 1),
			  "Ask the origin's operator: the row is held back, or was lost there.");
	set_alarm(SC_ALARM_NO_BLOCKS, chain, late && !announced && last->height == entry->height,
			  psprintf("The row or event with ledger_seq " INT64_FORMAT " waits, and nothing has come behind block " INT64_FORMAT ".",
					   entry->waiting, entry->height),
			  "Ask the origin's operator: its sealing or signing may be suspended, or its seal interval be longer than seoulchain.network_alarm_after here.");
}

/* looks at the row that waits longest; true while it is to be looked at again without anything coming */
static bool
watch_waiting(const ScChain *chain, const ScBlock *last, Watched *entry)
{
	TimestampTz began = GetCurrentTimestamp();
	int64		waiting;

	if (entry->looked_at != 0 && !TimestampDifferenceExceeds(entry->looked_at, began, entry->pause))
		return true;
	if (!sc_chain_lock_at_once(chain->chain_id))
		return true;
	waiting = sc_journal_least(chain->chain_id, GetActiveSnapshot());
	entry->looked_at = GetCurrentTimestamp();
	entry->pause = Max(Min(SC_WATCH_EVERY_MS, sc_alarm_after * 250),
					   SC_WATCH_TIMES * TimestampDifferenceMilliseconds(began, entry->looked_at));
	if (waiting != entry->waiting)
	{
		entry->waiting = waiting;
		entry->height = last->height;
		entry->since = entry->looked_at;
	}
	judge_waiting(chain, last, entry);
	return waiting > 0 && !waited_enough(entry->since);
}

/* notes about larger trees than the chain has here */
typedef struct Beyond
{
	bool		waiting;		/* some have not been kept for long */
	int64		size;			/* of one that has, and that the chain's key signed; 0 = none */
	char	   *source;			/* who showed it */
} Beyond;

/* judges a kept note; true when it can be forgotten: nobody shows later blocks by what the chain's key has not signed */
static bool
judge_beyond(Beyond *out, const ScChain *chain, HeapTuple tuple, Relation rel)
{
	if (!waited_enough(DatumGetTimestampTz(sc_internal_attr(tuple, SC_SEEN_ATTR_SEEN_AT, rel))))
	{
		out->waiting = true;
		return false;
	}
	if (out->size > 0)
		return false;
	if (!sc_seen_is_signed(chain, TextDatumGetCString(sc_internal_attr(tuple, SC_SEEN_ATTR_NOTE, rel))))
		return true;
	out->size = DatumGetInt64(sc_internal_attr(tuple, SC_SEEN_ATTR_TREE_SIZE, rel));
	out->source = TextDatumGetCString(sc_internal_attr(tuple, SC_SEEN_ATTR_SOURCE, rel));
	return false;
}

/* looks for notes about larger trees */
static void
look_beyond(Beyond *out, const ScChain *chain, int64 size)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	memset(out, 0, sizeof(*out));
	ScanKeyInit(&keys[0], SC_SEEN_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(chain->origin));
	sc_key_int8(&keys[1], SC_SEEN_ATTR_TREE_SIZE, BTGreaterStrategyNumber, size);
	LockRelationOid(sc_registry_relation("seen"), RowExclusiveLock);
	sc_internal_scan_begin(&scan, "seen", "seen_origin", GetActiveSnapshot(), keys, 2);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		if (judge_beyond(out, chain, tuple, scan.rel))
			simple_heap_delete(scan.rel, &tuple->t_self);
	sc_internal_scan_end(&scan);
}

/* do others have blocks that do not come here?  True while it is to be looked at again without anything coming. */
static bool
watch_beyond(const ScChain *chain, const ScBlock *last)
{
	Beyond		beyond;

	look_beyond(&beyond, chain, last->tree_size);
	set_alarm(chain->copy ? SC_ALARM_BEHIND : SC_ALARM_OWN_CHAIN, chain, beyond.size > 0,
			  beyond.size > 0 ? psprintf("%s has a checkpoint of " INT64_FORMAT " leaves; the blocks here end at " INT64_FORMAT ".",
										 beyond.source, beyond.size, last->tree_size) : NULL,
			  chain->copy ? "See seoulchain.network_status for what keeps its blocks away." :
			  "This node may have been restored from a backup, or its key is used elsewhere: sign nothing before you know.");
	return beyond.waiting;
}

/* nothing is late of a copy that was given up */
static void
clear_late(const ScChain *chain)
{
	static const char *const kinds[] = {SC_ALARM_BEHIND, SC_ALARM_UNSEALED, SC_ALARM_NO_BLOCKS};

	for (size_t i = 0; i < lengthof(kinds); i++)
		sc_alarm_clear(kinds[i], chain->origin);
}

/* proofs that came before the chain did, once its keys and first blocks are here */
static void
judge_heard(const ScChain *chain, const ScBlock *last, Watched *entry)
{
	if (entry->judged || last->height < 0 || chain->log_key == NULL)
		return;
	entry->judged = true;
	sc_dispute_judge_heard(chain->origin);
}

/* the work on one chain; true while it is to be looked at again without anything coming */
static bool
watch_one(const ScChain *chain)
{
	ScBlock		last;
	bool		again = false;

	if (!sc_chain_is_open(chain))
		return false;
	if (!sc_block_last(chain->chain_id, GetActiveSnapshot(), &last))
	{
		memset(&last, 0, sizeof(last));
		last.height = -1;
	}
	/* an own chain's announcements are those that wait to leave */
	if (chain->copy)
		again = sc_seen_old_messages(chain, last.height);
	sc_seen_compare(chain);
	if (chain->copy && !sc_copy_is_followed(chain->origin))
	{
		clear_late(chain);
		return again;
	}
	again |= watch_beyond(chain, &last);
	if (chain->copy)
	{
		judge_heard(chain, &last, watched_copy(chain->chain_id));
		again |= watch_waiting(chain, &last, watched_copy(chain->chain_id));
	}
	return again;
}

/* the own chains, when their time has come */
static bool
watch_own(void)
{
	static TimestampTz looked_at = 0;
	bool		again = false;
	ListCell   *lc;

	if (looked_at != 0 && !TimestampDifferenceExceeds(looked_at, GetCurrentTimestamp(), SC_WATCH_OWN_MS))
		return true;
	looked_at = GetCurrentTimestamp();
	foreach(lc, sc_chain_list())
	{
		const ScChain *chain = lfirst(lc);

		if (!chain->copy && chain->shared)
			again |= watch_one(chain);
	}
	return again;
}

static ScCopyNext
copy_round(int32 chain_id)
{
	ScCopyNext	next = next_copy_round != NULL ? next_copy_round(chain_id) : SC_COPY_IDLE;
	MemoryContext context = CurrentMemoryContext;
	ScChain    *chain;
	bool		again;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	chain = sc_chain_by_id(chain_id, true);
	again = chain != NULL && watch_one(chain);
	again |= watch_own();
	PopActiveSnapshot();
	CommitTransactionCommand();
	sc_dispute_record_events();
	MemoryContextSwitchTo(context);
	return again ? Max(next, SC_COPY_LATER) : next;
}

void
sc_watch_init(void)
{
	next_copy_round = sc_copy_round_hook;
	sc_copy_round_hook = copy_round;
}
