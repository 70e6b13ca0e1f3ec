/*
 * block.c
 *	  Sealing a chain: from what waits in the journal to blocks.
 *
 * Invariant: a block, its members, its tree and the removal of its journal
 * rows are one transaction under the chain's lock, with a snapshot taken
 * after the lock; MVCC makes "sealed exactly once" of it.
 *
 * A ledger_seq that is sealed already or comes twice (only somebody who
 * writes the journal by hand can do that) is sealed once; the others go to
 * seoulchain.rejected.
 *
 * Context: the worker, outside a transaction.  Commits are flushed, since the
 * worker runs with synchronous_commit on.
 */
#include "postgres.h"

#include "access/xact.h"
#include "compat.h"
#include "ledger/journal.h"
#include "miscadmin.h"
#include "seal/block.h"
#include "seal/block_build.h"
#include "seal/journal_read.h"
#include "seal/reject.h"
#include "seal/seal.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

sc_block_join_hook_type sc_block_join_hook = NULL;

void
sc_chain_lock(int32 chain_id)
{
	LockDatabaseObject(sc_registry_relation("chain"), (Oid) chain_id, 0, ExclusiveLock);
}

bool
sc_chain_lock_at_once(int32 chain_id)
{
	return ConditionalLockDatabaseObject(sc_registry_relation("chain"), (Oid) chain_id, 0, ExclusiveLock);
}

/* does this transaction hold the chain's lock? */
static bool
locked_by_me(int32 chain_id)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, sc_registry_relation("chain"), (Oid) chain_id, 0);
	return sc_lock_held_by_me(&tag, ExclusiveLock);
}

void
sc_chain_require_unlocked(void)
{
	ListCell   *lc;

	foreach(lc, sc_chain_list())
	{
		ScChain    *chain = lfirst(lc);

		if (locked_by_me(chain->chain_id))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the sealing worker cannot be asked within this transaction"),
					 errdetail("The transaction has locked chain \"%s\", as CLUSTER and open_chain do, and the worker would wait for it.",
							   chain->name),
					 errhint("Commit first.")));
	}
}

static int
compare_leaves(const void *a, const void *b)
{
	int64		left = ((const ScSealLeaf *) a)->seq;
	int64		right = ((const ScSealLeaf *) b)->seq;

	return left < right ? -1 : left > right;
}

/* rejects leaves whose number is there already; how many remain, in order */
static int64
drop_repeated(int32 chain_id, ScSealLeaf *leaves, int64 count)
{
	int64		kept = 0;

	for (int64 i = 1; i < count; i++)
		if (leaves[i - 1].seq >= leaves[i].seq)
		{
			qsort(leaves, count, sizeof(ScSealLeaf), compare_leaves);
			break;
		}
	for (int64 i = 0; i < count; i++)
	{
		if (kept > 0 && leaves[kept - 1].seq == leaves[i].seq)
			sc_reject_leaf(chain_id, &leaves[i], "ledger_seq came twice in the journal");
		else
			leaves[kept++] = leaves[i];
	}
	return kept;
}

/* rejects leaves that an earlier block holds; how many remain */
static int64
drop_sealed(int32 chain_id, ScSealLeaf *leaves, int64 count, Snapshot snapshot)
{
	int64		kept = 0;

	for (int64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (sc_member_leaf_index(chain_id, leaves[i].seq, snapshot) >= 0)
			sc_reject_leaf(chain_id, &leaves[i], "ledger_seq was sealed already");
		else
			leaves[kept++] = leaves[i];
	}
	return kept;
}

/* the ranges of the leaves' numbers, palloc'd */
static ScSeqRange *
ranges_of(const ScSealLeaf *leaves, int64 count, int *nranges)
{
	int			capacity = 64;
	ScSeqRange *ranges = palloc(capacity * sizeof(ScSeqRange));

	*nranges = 0;
	for (int64 i = 0; i < count; i++)
	{
		if (*nranges > 0 && ranges[*nranges - 1].upper == leaves[i].seq)
		{
			ranges[*nranges - 1].upper++;
			continue;
		}
		if (*nranges == capacity)
			ranges = repalloc(ranges, (capacity *= 2) * sizeof(ScSeqRange));
		ranges[*nranges].lower = leaves[i].seq;
		ranges[*nranges].upper = leaves[i].seq + 1;
		(*nranges)++;
	}
	return ranges;
}

/* removes what must not be sealed (again) and gives the ranges of the rest */
static ScSeqRange *
clean_leaves(int32 chain_id, ScSealLeaf *leaves, int64 *count, Snapshot snapshot, int *nranges)
{
	ScSeqRange *ranges;

	*count = drop_repeated(chain_id, leaves, *count);
	ranges = ranges_of(leaves, *count, nranges);
	for (int i = 0; i < *nranges; i++)
		if (sc_member_overlaps(chain_id, &ranges[i], snapshot))
		{
			*count = drop_sealed(chain_id, leaves, *count, snapshot);
			pfree(ranges);
			return ranges_of(leaves, *count, nranges);
		}
	return ranges;
}

/* writes tree, block and members; the leaves are clean and in order */
static void
block_write(const ScChain *chain, const ScSealLeaf *leaves, int64 count,
			const ScSeqRange *ranges, int nranges, Snapshot snapshot)
{
	ScBlockBuilder builder;
	ScBlock		block;

	sc_block_build_begin(&builder, chain, snapshot);
	sc_block_build_next(&block, &builder, ranges, nranges, Max(GetCurrentTimestamp(), builder.last.sealed_at));
	sc_block_build_add(&builder, &block, leaves, count, ranges, nranges);
	sc_block_build_end(&builder);
}

/* does another leaf want to join blocks of this chain? */
static bool
joins(const ScChain *chain)
{
	return chain->shared && sc_block_join_hook != NULL;
}

/* adds the leaf that joins, if there is one; the leaves, in order */
static ScSealLeaf *
join_leaf(const ScChain *chain, ScSealLeaf *leaves, int64 *count)
{
	ScSealLeaf	leaf;

	memset(&leaf, 0, sizeof(leaf));
	leaf.table_id = SC_TABLE_EVENTS;
	ItemPointerSetInvalid(&leaf.tid);
	if (!sc_block_join_hook(chain, &leaf.seq, &leaf.hash))
		return leaves;
	leaves = repalloc_huge(leaves, (*count + 1) * sizeof(ScSealLeaf));
	leaves[(*count)++] = leaf;
	*count = drop_repeated(chain->chain_id, leaves, *count);
	return leaves;
}

/* takes the next leaves of the index into a block; false when it is used up */
static bool
seal_block(const ScChain *chain, ScJournalIndex *index, Snapshot snapshot)
{
	int64		count;
	int			nranges;
	int			max_ranges = SC_SEAL_MAX_RANGES - joins(chain);
	ScSealLeaf *leaves = sc_journal_take(index, snapshot, sc_seal_max_leaves - 1, max_ranges, &count);
	ScSeqRange *ranges;

	if (count == 0)
		return false;
	ranges = clean_leaves(chain->chain_id, leaves, &count, snapshot, &nranges);
	if (count > 0 && joins(chain))
	{
		leaves = join_leaf(chain, leaves, &count);
		ranges = ranges_of(leaves, count, &nranges);
	}
	if (count > 0)
		block_write(chain, leaves, count, ranges, nranges, snapshot);
	return count > 0;
}

/* the chain's last height under a snapshot, -1 = none */
static int64
last_height(int32 chain_id, Snapshot snapshot)
{
	ScBlock		last;

	return sc_block_last(chain_id, snapshot, &last) ? last.height : -1;
}

/* one transaction: a block, or nothing when nothing waits; *index is made when NULL */
static bool
seal_transaction(int32 chain_id, ScJournalIndex **index, MemoryContext context, int64 *height)
{
	ScChain    *chain;
	bool		sealed = false;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	sc_chain_lock(chain_id);
	PushActiveSnapshot(GetTransactionSnapshot());
	chain = sc_chain_by_id(chain_id, true);
	if (chain != NULL && !chain->copy && sc_chain_is_open(chain))
	{
		if (*index == NULL)
		{
			MemoryContext old = MemoryContextSwitchTo(context);

			*index = sc_journal_scan(chain_id, GetActiveSnapshot());
			MemoryContextSwitchTo(old);
		}
		sealed = seal_block(chain, *index, GetActiveSnapshot());
	}
	PopActiveSnapshot();
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	*height = last_height(chain_id, GetActiveSnapshot());
	PopActiveSnapshot();
	CommitTransactionCommand();
	return sealed;
}

int
sc_seal_chain(int32 chain_id, int64 *height)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain journal index",
												  ALLOCSET_DEFAULT_SIZES);
	ScJournalIndex *index = NULL;
	int			blocks = 0;

	for (;;)
	{
		bool		more;

		CHECK_FOR_INTERRUPTS();
		blocks += seal_transaction(chain_id, &index, context, height);
		more = index != NULL && !sc_journal_index_used(index);
		if (!more && (index == NULL || !sc_journal_index_stale(index)))
			break;
		if (!more)
		{
			index = NULL;
			MemoryContextReset(context);
		}
	}
	MemoryContextDelete(context);
	return blocks;
}
