/*
 * watch.c
 *	  Looking after followed chains: what was heard elsewhere, rows that nobody seals, silence.
 *
 * Invariant: a complaint about time is made only when this node itself has
 * waited seoulchain.network_alarm_after seconds by its own clock, since it
 * first looked; clocks of others play no role, and a restart begins anew.
 *
 * A row that is not sealed: the lowest number that waits for a block has been
 * the same one, while two blocks were integrated that no limit closed.  The
 * origin takes the lowest numbers first, of all that was committed, so an
 * honest one never passes a row by.
 *
 * Silence: others have shown signed checkpoints beyond the last block that
 * has come here.
 *
 * Context: the sealing worker, outside a transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "network/alarm.h"
#include "network/dispute.h"
#include "network/seen.h"
#include "network/watch.h"
#include "seal/block.h"
#include "seal/internal_scan.h"
#include "seal/journal_read.h"
#include "seal/round.h"
#include "seal/seal.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* looking for waiting rows reads the journal: not more often */
#define SC_WATCH_EVERY_MS 5000

/* a block of so many leaves may have been closed by seoulchain.seal_max_leaves of its origin */
#define SC_FULL_BLOCK 100000

/* what this process has seen of a copy */
typedef struct Watched
{
	int32		chain_id;
	TimestampTz looked_at;
	int64		waiting;		/* lowest ledger_seq that waits for its block, 0 = none */
	int64		height;			/* last block when it was first seen waiting */
	TimestampTz since;			/* when that was */
} Watched;

static List *watched = NIL;
static sc_copy_round_hook_type next_copy_round = NULL;
static sc_signed_hook_type next_signed = NULL;

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

/* how many ranges a multirange's text has */
static int
count_ranges(const char *members)
{
	int			n = 0;

	for (; *members != '\0'; members++)
		n += *members == '[';
	return n;
}

/* blocks behind a height that no limit closed; stops at two */
static int
blocks_since(const ScChain *chain, int64 height)
{
	int			n = 0;
	ScBlock		block;

	while (n < 2 && sc_block_by_height(chain->chain_id, ++height, GetActiveSnapshot(), &block))
		n += block.tree_size - block.first_leaf < SC_FULL_BLOCK && count_ranges(block.members) < SC_SEAL_MAX_RANGES - 1;
	return n;
}

static bool
waited_enough(TimestampTz since)
{
	return TimestampDifferenceExceeds(since, GetCurrentTimestamp(), sc_alarm_after * 1000);
}

static void
complain_unsealed(const ScChain *chain, const Watched *entry)
{
	ScFinding	finding = {
		.origin = chain->origin,
		.height = -1,
		.ledger_seq = entry->waiting,
		.fault = SC_FAULT_UNSEALED,
		.detail = psprintf("The row or event with ledger_seq " INT64_FORMAT " came before block " INT64_FORMAT
						   " and is in none of the blocks that followed.", entry->waiting, entry->height + 1)
	};

	sc_dispute_file(&finding);
	sc_alarm_raise(SC_ALARM_UNSEALED, chain->origin, finding.detail,
				   "Ask the origin's operator. seoulchain.disputes has the complaint.");
}

/* has a row been passed by? */
static void
watch_unsealed(const ScChain *chain, const ScBlock *last, Watched *entry)
{
	int64		waiting;

	if (entry->looked_at != 0 &&
		!TimestampDifferenceExceeds(entry->looked_at, GetCurrentTimestamp(), Min(SC_WATCH_EVERY_MS, sc_alarm_after * 250)))
		return;
	sc_chain_lock(chain->chain_id);
	waiting = sc_journal_least(chain->chain_id, GetActiveSnapshot());
	entry->looked_at = GetCurrentTimestamp();
	if (waiting != entry->waiting)
	{
		entry->waiting = waiting;
		entry->height = last->height;
		entry->since = entry->looked_at;
		sc_alarm_clear(SC_ALARM_UNSEALED, chain->origin);
		return;
	}
	if (waiting > 0 && waited_enough(entry->since) && blocks_since(chain, entry->height) >= 2)
		complain_unsealed(chain, entry);
}

/* the longest-kept note about a larger tree than the copy's; false when there is none */
static bool
oldest_beyond(const ScChain *chain, int64 size, int64 *beyond, char **source, TimestampTz *seen_at)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&keys[0], SC_SEEN_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(chain->origin));
	sc_key_int8(&keys[1], SC_SEEN_ATTR_TREE_SIZE, BTGreaterStrategyNumber, size);
	sc_internal_scan_begin(&scan, "seen", "seen_origin", GetActiveSnapshot(), keys, 2);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		TimestampTz at = DatumGetTimestampTz(sc_internal_attr(tuple, SC_SEEN_ATTR_SEEN_AT, scan.rel));

		if (found && at >= *seen_at)
			continue;
		found = true;
		*seen_at = at;
		*beyond = DatumGetInt64(sc_internal_attr(tuple, SC_SEEN_ATTR_TREE_SIZE, scan.rel));
		*source = TextDatumGetCString(sc_internal_attr(tuple, SC_SEEN_ATTR_SOURCE, scan.rel));
	}
	sc_internal_scan_end(&scan);
	return found;
}

/* do others have blocks that do not come here? */
static void
watch_silence(const ScChain *chain, const ScBlock *last)
{
	const char *kind = chain->copy ? SC_ALARM_BEHIND : SC_ALARM_OWN_CHAIN;
	int64		beyond = 0;
	char	   *source = NULL;
	TimestampTz seen_at = 0;

	if (!oldest_beyond(chain, last->tree_size, &beyond, &source, &seen_at) || !waited_enough(seen_at))
	{
		sc_alarm_clear(kind, chain->origin);
		return;
	}
	sc_alarm_raise(kind, chain->origin,
				   psprintf("%s has a checkpoint of " INT64_FORMAT " leaves; the blocks here end at " INT64_FORMAT ".",
							source, beyond, last->tree_size),
				   chain->copy ? "See seoulchain.network_status for what keeps its blocks away." :
				   "This node may have been restored from a backup, or its key is used elsewhere: sign nothing before you know.");
}

/* the work on one chain */
static void
watch_chain(int32 chain_id)
{
	ScChain    *chain;
	ScBlock		last;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	chain = sc_chain_by_id(chain_id, true);
	if (chain != NULL && sc_chain_is_open(chain) && sc_block_last(chain_id, GetActiveSnapshot(), &last))
	{
		/* an own chain's announcements are those that wait to leave */
		if (chain->copy)
			sc_seen_old_messages(chain, last.height);
		sc_seen_compare(chain);
		watch_silence(chain, &last);
		if (chain->copy)
			watch_unsealed(chain, &last, watched_copy(chain_id));
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
}

static ScCopyNext
copy_round(int32 chain_id)
{
	ScCopyNext	next = next_copy_round != NULL ? next_copy_round(chain_id) : SC_COPY_IDLE;
	MemoryContext context = CurrentMemoryContext;

	watch_chain(chain_id);
	sc_dispute_record_events();
	MemoryContextSwitchTo(context);
	return next;
}

static void
chain_signed(int32 chain_id)
{
	MemoryContext context = CurrentMemoryContext;

	if (next_signed != NULL)
		next_signed(chain_id);
	watch_chain(chain_id);
	MemoryContextSwitchTo(context);
}

void
sc_watch_init(void)
{
	next_copy_round = sc_copy_round_hook;
	sc_copy_round_hook = copy_round;
	next_signed = sc_signed_hook;
	sc_signed_hook = chain_signed;
}
