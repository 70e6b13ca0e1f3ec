/*
 * integrate.c
 *	  Integrating the blocks of other nodes' chains: the witness's work.
 *
 * A block is integrated when its announcement is there, signed and linked to
 * the block before, and the leaves that it names, which this node has computed
 * from the rows that replication brought, give the signed root.  From then on
 * the copy is as the origin's chain: the same tree, blocks and proofs.
 *
 * Invariant: blocks, tree, signature lines, the removal of journal rows and of
 * the announcements are one transaction under the chain's lock; what is not
 * integrated stays where it is.  So kill -9 at any moment neither loses nor
 * doubles a leaf, and the next turn goes on.  A block that does not come out
 * right is never stored; it is reported once and tried again now and then.
 * Rows are declared missing only when everything that was committed before the
 * announcement must be here (synchronized.h).
 *
 * Context: the sealing worker, outside a transaction; a turn is bounded, so
 * that other chains have theirs.  What it does not do: cosigning
 * (cosign_chain.c), announcements (announced.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "network/announced.h"
#include "network/cosign_chain.h"
#include "network/dispute.h"
#include "network/integrate_check.h"
#include "network/lineage_watch.h"
#include "network/message.h"
#include "network/retry_events.h"
#include "network/seen.h"
#include "network/synchronized.h"
#include "seal/block.h"
#include "seal/block_build.h"
#include "seal/internal_scan.h"
#include "seal/journal_members.h"
#include "seal/key_files.h"
#include "seal/node.h"
#include "seal/round.h"
#include "seal/shmem.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* of one transaction; a block that alone has more is taken alone */
#define LEAVES_MAX 131072
#define BLOCKS_MAX 512

/* of one turn */
#define TURN_MS 500

/* a chain whose next block is not right is tried again when something has come, but not more often */
#define STOPPED_MS 3000

/*
 * A copy that made no progress rests this many times as long as the look took:
 * what its origin has piled up may not keep this node from its own chains.
 */
#define REST_TIMES 10
#define REST_FROM_MS 20
#define REST_MAX_MS 60000

/* a block may be sealed by a clock that is so much ahead of ours */
#define CLOCK_AHEAD_MS 60000

/* a turn of a copy */
typedef struct Turn
{
	int32		chain_id;
	MemoryContext context;		/* outlasts transactions */
	MemoryContext index_context;
	ScJournalIndex *index;		/* what waits in the journal, NULL: to be read */
	bool		index_fresh;	/* it was read with the present snapshot */
	int			limit;			/* blocks in the next transaction */
	ScFinding  *finding;		/* what is wrong with the next block, or NULL */
	char	   *waiting;		/* what the next block waits for, or NULL */
} Turn;

/* a transaction of a turn */
typedef struct Batch
{
	Turn	   *turn;
	const ScChain *chain;
	Snapshot	snapshot;
	ScBlockBuilder builder;
	List	   *blocks;			/* ScAnnounced *, in order */
	int			nranges;		/* of all of them */
	int64		nleaves;
} Batch;

/* notes what the next block waits for */
static void
wait_for(Turn *turn, const char *why)
{
	turn->waiting = MemoryContextStrdup(turn->context, why);
}

/* notes what is wrong with the next block */
static void
found(Turn *turn, const ScChain *chain, int64 height, int64 ledger_seq, const char *fault, const char *detail,
	  const char *evidence)
{
	MemoryContext old = MemoryContextSwitchTo(turn->context);
	ScFinding  *finding = palloc0(sizeof(ScFinding));

	finding->origin = pstrdup(chain->origin);
	finding->height = height;
	finding->ledger_seq = ledger_seq;
	finding->fault = fault;
	finding->detail = pstrdup(detail);
	finding->evidence = evidence ? pstrdup(evidence) : NULL;
	turn->finding = finding;
	MemoryContextSwitchTo(old);
}

/* forgets what is known of the journal */
static void
drop_index(Turn *turn)
{
	turn->index = NULL;
	turn->index_fresh = false;
	MemoryContextReset(turn->index_context);
}

/* reads the journal */
static void
read_index(Turn *turn, Snapshot snapshot)
{
	MemoryContext old;

	drop_index(turn);
	old = MemoryContextSwitchTo(turn->index_context);
	turn->index = sc_journal_scan(turn->chain_id, snapshot);
	turn->index_fresh = true;
	MemoryContextSwitchTo(old);
}

/* do a block's leaves wait?  The journal is read again when what we know of it is older than the announcement. */
static ScMembersState
look_for_members(Turn *turn, const ScAnnounced *block, Snapshot snapshot, ScSeqRange *fault)
{
	ScMembersState state;

	if (turn->index == NULL)
		read_index(turn, snapshot);
	state = sc_journal_members_look(turn->index, block->ranges, block->nranges, fault);
	if (state != SC_MEMBERS_MISSING || turn->index_fresh)
		return state;
	read_index(turn, snapshot);
	return sc_journal_members_look(turn->index, block->ranges, block->nranges, fault);
}

/*
 * Why a gap is this node's own fault, or NULL: it has cosigned a greater tree
 * than it holds, so it was brought back from an old copy of itself, and what
 * came since then is not sent again.
 */
static char *
own_loss(const Batch *batch)
{
	ScSigned	memory;

	if (!sc_memory_load(&memory, batch->chain->origin) || memory.last.size <= (uint64) batch->builder.last.tree_size)
		return NULL;
	return psprintf("this node has cosigned a tree of " UINT64_FORMAT " leaves and holds one of " INT64_FORMAT
					": it has lost rows, which come back with a new slot",
					(uint64) memory.last.size, batch->builder.last.tree_size);
}

/* is what comes from the origin's node known to come without gaps?  Its server may be another, or have lost something. */
static bool
comes_without_gaps(const ScChain *chain)
{
	const char *me = sc_node_name(NULL);
	const char *slash = strrchr(chain->origin, '/');

	return me != NULL && slash != NULL && sc_lineage_sure(me, pnstrdup(chain->origin, slash - chain->origin));
}

/* leaves that are not there: a finding, or something to wait for */
static void
judge_missing(Batch *batch, const ScAnnounced *block, const ScSeqRange *missing)
{
	Turn	   *turn = batch->turn;
	char	   *why;

	if ((why = own_loss(batch)) != NULL)
		wait_for(turn, why);
	else if (!comes_without_gaps(batch->chain))
		wait_for(turn, "rows of the next block are missing, and its node has not said yet whether its server is the same as before");
	else if (sc_journal_index_stale(turn->index))
		wait_for(turn, "leaves of the next block may wait behind others");
	else if (!sc_synchronized(batch->chain, batch->snapshot, &why))
		wait_for(turn, why);
	else
		found(turn, batch->chain, block->block.height, missing->lower, SC_FAULT_ROW_MISSING,
			  psprintf("block " INT64_FORMAT " holds ledger_seq " INT64_FORMAT " to " INT64_FORMAT ", which this node has not received",
					   block->block.height, (int64) missing->lower, (int64) missing->upper - 1), NULL);
}

/* a number of the block that an earlier block of the copy holds, or -1 */
static int64
sealed_before(const Batch *batch, const ScAnnounced *block)
{
	for (int i = 0; i < block->nranges; i++)
		if (sc_member_overlaps(batch->chain->chain_id, &block->ranges[i], batch->snapshot))
			return block->ranges[i].lower;
	return -1;
}

/* does a block before it in this transaction hold one of its numbers? */
static bool
overlaps_batch(const Batch *batch, const ScAnnounced *block)
{
	const ScSeqRange *first = &block->ranges[0];
	ListCell   *lc;

	foreach(lc, batch->blocks)
	{
		const ScAnnounced *other = lfirst(lc);

		if (other->ranges[other->nranges - 1].upper <= first->lower ||
			block->ranges[block->nranges - 1].upper <= other->ranges[0].lower)
			continue;
		for (int i = 0, j = 0; i < block->nranges && j < other->nranges;)
		{
			if (block->ranges[i].upper <= other->ranges[j].lower)
				i++;
			else if (other->ranges[j].upper <= block->ranges[i].lower)
				j++;
			else
				return true;
		}
	}
	return false;
}

/* may the block join the transaction?  If not, and it is the first, the turn knows why. */
static bool
admit(Batch *batch, ScAnnounced *block)
{
	Turn	   *turn = batch->turn;
	ScSeqRange	fault;
	int64		seq;

	if (block->block.sealed_at > TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CLOCK_AHEAD_MS))
	{
		wait_for(turn, "the next block was sealed more than 60 s ahead of this server's clock");
		return false;
	}
	if (batch->blocks != NIL && (batch->nleaves + block->count > LEAVES_MAX || overlaps_batch(batch, block)))
		return false;
	if ((seq = sealed_before(batch, block)) >= 0)
	{
		found(turn, batch->chain, block->block.height, seq, SC_FAULT_ROW_TWICE,
			  psprintf("block " INT64_FORMAT " holds ledger_seq " INT64_FORMAT ", which a block before it holds",
					   block->block.height, seq), block->note);
		return false;
	}
	switch (look_for_members(turn, block, batch->snapshot, &fault))
	{
		case SC_MEMBERS_MISSING:
			judge_missing(batch, block, &fault);
			return false;
		case SC_MEMBERS_TWICE:
			found(turn, batch->chain, block->block.height, fault.lower, SC_FAULT_ROW_TWICE,
				  psprintf("two rows came with ledger_seq " INT64_FORMAT, (int64) fault.lower), NULL);
			return false;
		default:
			return true;
	}
}

/* opens a scan over the announcements from a height on */
static void
scan_messages(ScInternalScan *scan, const ScChain *chain, StrategyNumber strategy, int64 height, Snapshot snapshot)
{
	ScanKeyData keys[3];

	ScanKeyInit(&keys[0], SC_MESSAGE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(chain->origin));
	ScanKeyInit(&keys[1], SC_MESSAGE_ATTR_KIND, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(SC_MESSAGE_BLOCK));
	sc_key_int8(&keys[2], SC_MESSAGE_ATTR_NUMBER, strategy, height);
	sc_internal_scan_begin(scan, "message", "message_origin", snapshot, keys, 3);
}

/*
 * Chooses the blocks of the transaction: the next ones, as long as all that
 * they need is there.  Of several announcements of a height the first good
 * one counts; the finding of a bad one stands only when no good one follows.
 */
static void
choose_blocks(Batch *batch, ScOriginKeys *keys)
{
	Turn	   *turn = batch->turn;
	ScBlock		before = batch->builder.last;
	ScInternalScan scan;
	HeapTuple	tuple;

	scan_messages(&scan, batch->chain, BTGreaterStrategyNumber, before.height, batch->snapshot);
	while (list_length(batch->blocks) < turn->limit && (tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		int64		number = DatumGetInt64(sc_internal_attr(tuple, SC_MESSAGE_ATTR_NUMBER, scan.rel));
		ScAnnounced *block;

		CHECK_FOR_INTERRUPTS();
		if (number == before.height && batch->blocks != NIL)
			continue;
		if (number != before.height + 1)
		{
			char	   *lost = own_loss(batch);

			if (turn->finding == NULL)
				wait_for(turn, lost ? lost : psprintf("block " INT64_FORMAT " has not come", before.height + 1));
			break;
		}
		block = sc_announced_read(tuple, scan.rel, batch->chain, &before, keys);
		if (block->fault != NULL)
		{
			found(turn, batch->chain, number, 0, block->fault, block->problem, block->note);
			continue;
		}
		turn->finding = NULL;
		if (!admit(batch, block))
			break;
		batch->blocks = lappend(batch->blocks, block);
		batch->nranges += block->nranges;
		batch->nleaves += block->count;
		before = block->block;
	}
	sc_internal_scan_end(&scan);

	/* what stops a later block is of no matter before it is the next */
	if (batch->blocks != NIL)
	{
		turn->finding = NULL;
		turn->waiting = NULL;
	}
}

/* the leaves of all blocks, in their order; NULL when the journal is not what we thought */
static ScSealLeaf *
take_leaves(Batch *batch)
{
	ScSeqRange *ranges = palloc(batch->nranges * sizeof(ScSeqRange));
	ScSealLeaf *leaves = MemoryContextAllocHuge(CurrentMemoryContext, batch->nleaves * sizeof(ScSealLeaf));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, batch->blocks)
	{
		const ScAnnounced *block = lfirst(lc);

		memcpy(ranges + n, block->ranges, block->nranges * sizeof(ScSeqRange));
		n += block->nranges;
	}
	if (!sc_journal_members_take(batch->turn->index, batch->snapshot, ranges, n, leaves))
		return NULL;
	return leaves;
}

/* has the registered checks look at a block; false when it has to wait */
static bool
run_checks(Batch *batch, const ScBlock *block, const ScSealLeaf *leaves, int64 count)
{
	ScIntegrateBlock view = {
		.chain = batch->chain,
		.block = block,
		.leaves = leaves,
		.nleaves = count
	};
	ListCell   *lc;

	sc_integrate_run_checks(&view);
	if (view.wait != NULL)
	{
		wait_for(batch->turn, view.wait);
		return false;
	}
	foreach(lc, view.findings)
		sc_dispute_file(lfirst(lc));
	return true;
}

/* judges one block whose leaves are there, and stores it; false when it is not right, or has to wait */
static bool
integrate_block(Batch *batch, const ScAnnounced *announced, const ScSealLeaf *leaves)
{
	const ScChain *chain = batch->chain;
	ScBlock		block;

	sc_block_build_next(&block, &batch->builder, announced->ranges, announced->nranges, announced->block.sealed_at);
	sc_block_build_foresee(&batch->builder, &block, leaves, announced->count);
	if (memcmp(&block.root_hash, &announced->block.root_hash, sizeof(ScHash)) != 0)
	{
		found(batch->turn, chain, block.height, 0, SC_FAULT_ROOT_DIFFERS,
			  psprintf("the rows of block " INT64_FORMAT " that this node received, ledger_seq %s, give another root than the signed one",
					   block.height, block.members), announced->note);
		return false;
	}
	if (!run_checks(batch, &block, leaves, announced->count))
		return false;
	sc_block_build_add(&batch->builder, &block, leaves, announced->count, announced->ranges, announced->nranges);
	sc_signature_insert(chain->chain_id, block.height, block.tree_size, announced->lines);
	return true;
}

/* was the announcement integrated in this transaction? */
static bool
just_integrated(const Batch *batch, ItemPointer tid)
{
	ListCell   *lc;

	foreach(lc, batch->blocks)
		if (ItemPointerEquals(&((ScAnnounced *) lfirst(lc))->tid, tid))
			return true;
	return false;
}

/* removes the announcements of the integrated blocks; those that came a second time are looked at */
static void
delete_messages(Batch *batch)
{
	int64		last = batch->builder.last.height;
	ScInternalScan scan;
	HeapTuple	tuple;

	if (batch->blocks == NIL)
		return;
	/* the blocks of this transaction are to be compared with, too */
	CommandCounterIncrement();
	LockRelationOid(sc_registry_relation("message"), RowExclusiveLock);
	scan_messages(&scan, batch->chain, BTGreaterEqualStrategyNumber, ((ScAnnounced *) linitial(batch->blocks))->block.height,
				  batch->snapshot);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		if (DatumGetInt64(sc_internal_attr(tuple, SC_MESSAGE_ATTR_NUMBER, scan.rel)) > last)
			break;
		if (!just_integrated(batch, &tuple->t_self))
			sc_seen_message(tuple, scan.rel);
		CatalogTupleDelete(scan.rel, &tuple->t_self);
	}
	sc_internal_scan_end(&scan);
}

/* how many blocks of the batch were integrated: all of them, or those before the one that is not right */
static int
integrate_blocks(Batch *batch)
{
	ScSealLeaf *leaves = take_leaves(batch);
	int			done = 0;
	ListCell   *lc;

	if (leaves == NULL)
	{
		drop_index(batch->turn);
		return 0;
	}
	foreach(lc, batch->blocks)
	{
		const ScAnnounced *block = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (!integrate_block(batch, block, leaves))
			return done;
		leaves += block->count;
		done++;
	}
	return done;
}

/* the work of a transaction under the chain's lock; false when it must be rolled back */
static bool
integrate_batch(Batch *batch, int *done)
{
	Turn	   *turn = batch->turn;
	ScOriginKeys keys;
	char	   *why;

	*done = 0;
	sc_origin_keys(&keys, batch->chain, batch->snapshot, &why);
	if (why != NULL)
	{
		wait_for(turn, why);
		return true;
	}
	sc_block_build_begin(&batch->builder, batch->chain, batch->snapshot);
	choose_blocks(batch, &keys);
	if (batch->blocks != NIL)
	{
		*done = integrate_blocks(batch);
		if (*done < list_length(batch->blocks))
			return false;
	}
	delete_messages(batch);
	sc_block_build_end(&batch->builder);
	return true;
}

/* one transaction; how many blocks it integrated.  *again: the same blocks can be tried at once. */
static int
integrate_transaction(Turn *turn, bool *again)
{
	Batch		batch = {.turn = turn};
	bool		ok = true;
	bool		locked;
	int			done = 0;

	*again = false;
	turn->index_fresh = false;
	turn->finding = NULL;
	turn->waiting = NULL;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	/* whoever rewrites or drops a copy's table must not hold up the other chains */
	locked = sc_chain_lock_at_once(turn->chain_id);
	PushActiveSnapshot(GetTransactionSnapshot());
	batch.snapshot = GetActiveSnapshot();
	batch.chain = sc_chain_by_id(turn->chain_id, true);
	if (!locked)
		wait_for(turn, "somebody has locked the copy");
	else if (batch.chain != NULL && batch.chain->copy && sc_chain_is_open(batch.chain))
		ok = integrate_batch(&batch, &done);
	if (ok)
	{
		PopActiveSnapshot();
		CommitTransactionCommand();
		turn->limit = BLOCKS_MAX;
	}
	else
	{
		AbortCurrentTransaction();
		/* those before the one that was not right, or after a journal that had changed all once more */
		*again = done > 0 || turn->index == NULL;
		if (done > 0)
		{
			turn->limit = done;
			turn->finding = NULL;
			turn->waiting = NULL;
		}
		drop_index(turn);
		done = 0;
	}
	MemoryContextSwitchTo(turn->context);
	return done;
}

/* files what is wrong with the next block, in a transaction of its own */
static void
file_finding(const Turn *turn)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	sc_dispute_file(turn->finding);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(turn->context);
}

/* integrates until nothing more is ready or the time is up; true when there may be more */
static bool
integrate_chain(Turn *turn)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), TURN_MS);

	for (;;)
	{
		bool		again;
		int			done = integrate_transaction(turn, &again);

		if (done == 0 && !again)
			return false;
		if (GetCurrentTimestamp() >= end)
			return true;
		CHECK_FOR_INTERRUPTS();
	}
}

/* a copy whose next block was found wrong, or took long to be looked for, and when it may be tried again */
typedef struct Stopped
{
	int32		chain_id;		/* hash key */
	TimestampTz until;
} Stopped;

static HTAB *stopped = NULL;

/* must the copy rest? */
static bool
resting(int32 chain_id)
{
	Stopped    *entry = stopped ? hash_search(stopped, &chain_id, HASH_FIND, NULL) : NULL;

	return entry != NULL && GetCurrentTimestamp() < entry->until;
}

/* how long the copy has to rest after a turn that ended with its next block not integrated */
static long
rest_after(const Turn *turn, TimestampTz began)
{
	long		took = TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());
	long		rest = took < REST_FROM_MS ? 0 : Min(took * REST_TIMES, REST_MAX_MS);

	if (turn->finding != NULL)
		return Max(rest, STOPPED_MS);
	return turn->waiting != NULL ? rest : 0;
}

/* the copy rests so many milliseconds */
static void
set_resting(int32 chain_id, long rest)
{
	Stopped    *entry;

	if (stopped == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(int32),.entrysize = sizeof(Stopped)};

		stopped = hash_create("seoulchain stopped copies", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	if (rest == 0)
	{
		(void) hash_search(stopped, &chain_id, HASH_REMOVE, NULL);
		return;
	}
	entry = hash_search(stopped, &chain_id, HASH_ENTER, NULL);
	entry->until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), rest);
}

/* the worker's hook: a turn of a copy */
static ScCopyNext
copy_turn(int32 chain_id)
{
	Turn		turn = {.chain_id = chain_id,.limit = BLOCKS_MAX};
	TimestampTz began = GetCurrentTimestamp();
	bool		more;
	bool		later;

	if (resting(chain_id))
	{
		(void) sc_cosign_chain(chain_id);
		return SC_COPY_LATER;
	}
	turn.context = CurrentMemoryContext;
	turn.index_context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain journal index", ALLOCSET_DEFAULT_SIZES);
	more = integrate_chain(&turn);
	if (turn.finding != NULL)
		file_finding(&turn);
	set_resting(chain_id, more ? 0 : rest_after(&turn, began));
	sc_chain_state_set_waiting(chain_id, turn.finding ? psprintf("%s: %s", turn.finding->fault, turn.finding->detail) : turn.waiting);
	later = sc_cosign_chain(chain_id) || turn.waiting != NULL;
	MemoryContextDelete(turn.index_context);
	return more ? SC_COPY_MORE : later ? SC_COPY_LATER : SC_COPY_IDLE;
}

void
sc_integrate_init(void)
{
	sc_before_copies_hook = sc_retry_events;
	sc_copy_round_hook = copy_turn;
}
