/*
 * refresh.c
 *	  New place hints after VACUUM FULL or CLUSTER has moved a table's rows.
 *
 * The rows of the new storage are read in pieces; each piece is sorted by
 * ledger_seq to find the leaves, then by leaf, so that a tile is read and
 * written once a piece (blocks of concurrent writers interleave their
 * numbers).  Only hints change: no hash is touched, and a hint that stays old
 * costs time, not truth.
 * Locks: AccessExclusiveLock on the table (the command's), then the chain's
 * sealing lock until the transaction ends.
 * Memory: maintenance_work_mem.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "executor/tuptable.h"
#include "ledger/rewrite.h"
#include "miscadmin.h"
#include "seal/block.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "seal/refresh.h"
#include "seal/tile.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* a row's number, or once it is known its leaf index, and where the row is now */
typedef struct Moved
{
	int64		key;
	ItemPointerData tid;
} Moved;

/* a walk through the chain's leaves in their order */
typedef struct Refresh
{
	int32		chain_id;
	int32		table_id;
	Snapshot	snapshot;
	Relation	tree;
	ScSeqRange	range;			/* the block range last looked up; empty at first */
	int64		first_leaf;
	int64		number;			/* of the tile in memory, -1 for none */
	bool		changed;
	ScTile		tile;
} Refresh;

static int
compare_keys(const void *a, const void *b)
{
	int64		x = ((const Moved *) a)->key;
	int64		y = ((const Moved *) b)->key;

	return (x > y) - (x < y);
}

/* leaf index of a number, -1 while it is not sealed */
static int64
leaf_index(Refresh *refresh, int64 seq)
{
	if (seq < refresh->range.lower || seq >= refresh->range.upper)
	{
		if (!sc_member_before(refresh->chain_id, seq + 1, refresh->snapshot, &refresh->range, &refresh->first_leaf))
			refresh->range.lower = refresh->range.upper = 0;
		if (seq < refresh->range.lower || seq >= refresh->range.upper)
			return -1;
	}
	return refresh->first_leaf + (seq - refresh->range.lower);
}

/* writes the tile in memory back if a hint in it has changed */
static void
store_tile(Refresh *refresh)
{
	Datum		values[SC_TREE_NATTS] = {0};
	bool		nulls[SC_TREE_NATTS] = {false};
	bool		replace[SC_TREE_NATTS] = {false};
	HeapTupleData old;
	Buffer		buffer;
	HeapTuple	tuple;

	if (refresh->number < 0 || !refresh->changed)
		return;
	old.t_self = refresh->tile.tid;
	if (!heap_fetch(refresh->tree, refresh->snapshot, &old, &buffer, false))
		elog(ERROR, "tile " INT64_FORMAT " of chain %d is gone", refresh->number, refresh->chain_id);
	values[SC_TREE_ATTR_PLACES - 1] = PointerGetDatum(sc_places_encode(refresh->tile.places, refresh->tile.count));
	replace[SC_TREE_ATTR_PLACES - 1] = true;
	tuple = heap_modify_tuple(&old, RelationGetDescr(refresh->tree), values, nulls, replace);
	ReleaseBuffer(buffer);
	CatalogTupleUpdate(refresh->tree, &refresh->tile.tid, tuple);
}

/* makes the tile of a leaf the one in memory; false when there is none */
static bool
load_tile(Refresh *refresh, int64 number)
{
	if (refresh->number == number)
		return refresh->tile.count > 0;
	store_tile(refresh);
	refresh->number = number;
	refresh->changed = false;
	return sc_tile_load(refresh->chain_id, 0, number, refresh->snapshot, &refresh->tile, true);
}

/* corrects the hints of one piece of rows */
static void
refresh_piece(Refresh *refresh, Moved *moved, int64 count)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain refresh", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	qsort(moved, count, sizeof(Moved), compare_keys);
	for (int64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		moved[i].key = leaf_index(refresh, moved[i].key);
	}
	qsort(moved, count, sizeof(Moved), compare_keys);
	refresh->number = -1;
	refresh->changed = false;
	for (int64 i = 0; i < count; i++)
	{
		int64		leaf = moved[i].key;
		int			at = (int) (leaf % SC_TILE_WIDTH);

		CHECK_FOR_INTERRUPTS();
		if (leaf < 0 || !load_tile(refresh, leaf / SC_TILE_WIDTH) || at >= refresh->tile.count ||
			refresh->tile.places[at].table_id != refresh->table_id)
			continue;
		refresh->tile.places[at].tid = moved[i].tid;
		refresh->changed = true;
	}
	store_tile(refresh);

	/* a later piece may have rows of the same tiles: it must see what this one wrote */
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* reads the new storage in pieces and corrects the hints of each */
static void
refresh_all(Refresh *refresh, Relation rel, AttrNumber seq_attno)
{
	int64		capacity = Max((int64) maintenance_work_mem * 1024 / (int64) sizeof(Moved), 1024);
	Moved	   *moved;
	int64		count = 0;
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan_strat(rel, SnapshotAny, 0, NULL, true, false);

	capacity = Min(capacity, (int64) (MaxAllocHugeSize / sizeof(Moved)));
	moved = MemoryContextAllocHuge(CurrentMemoryContext, capacity * sizeof(Moved));
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		seq = slot_getattr(slot, seq_attno, &isnull);

		if (isnull)
			continue;
		moved[count].key = DatumGetInt64(seq);
		moved[count++].tid = slot->tts_tid;
		if (count == capacity)
		{
			refresh_piece(refresh, moved, count);
			count = 0;
		}
	}
	refresh_piece(refresh, moved, count);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	pfree(moved);
}

/* locks the chain and begins; an active snapshot more until refresh_end */
static Refresh *
refresh_begin(int32 chain_id, int32 table_id)
{
	Refresh    *refresh = palloc0(sizeof(Refresh));

	sc_chain_lock(chain_id);
	refresh->chain_id = chain_id;
	refresh->table_id = table_id;
	refresh->tree = sc_internal_open("tree", RowExclusiveLock);
	PushActiveSnapshot(GetLatestSnapshot());
	refresh->snapshot = GetActiveSnapshot();
	return refresh;
}

static void
refresh_end(Refresh *refresh)
{
	PopActiveSnapshot();
	table_close(refresh->tree, NoLock);
	pfree(refresh);
}

void
sc_refresh_places(int32 chain_id, int32 table_id, const int64 *seqs, const ItemPointerData *tids, int64 count)
{
	Refresh    *refresh = refresh_begin(chain_id, table_id);
	Moved	   *moved = MemoryContextAllocHuge(CurrentMemoryContext, Max(count, 1) * sizeof(Moved));

	for (int64 i = 0; i < count; i++)
	{
		moved[i].key = seqs[i];
		moved[i].tid = tids[i];
	}
	refresh_piece(refresh, moved, count);
	pfree(moved);
	refresh_end(refresh);
}

/* the ledger room's hook: a table's rows stand in new_table now */
static void
table_rewritten(Relation new_table, const ScTarget *target)
{
	Refresh    *refresh = refresh_begin(target->chain_id, target->table_id);

	refresh_all(refresh, new_table, target->seq_attno);
	refresh_end(refresh);
}

void
sc_refresh_init(void)
{
	sc_table_rewritten_hook = table_rewritten;
}
