/*
 * tree_write.c
 *	  Appending leaves to a chain's stored tree, tile by tile.
 *
 * Invariant: after sc_tree_writer_end the table holds, for each level, all
 * complete nodes of that level in tiles of 256, the last one perhaps partial.
 * A partial tile's row is replaced by the block that adds to it; full tiles
 * are never touched again.
 *
 * Context: the chain's sealing lock, a transaction with an active snapshot
 * (toasted values are read and written).
 */
#include "postgres.h"

#include "compat.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "seal/internal_scan.h"
#include "seal/tile.h"
#include "seal/tree_write.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define SC_TILE_LEVELS 8

/* the tile of a level that grows */
typedef struct OpenTile
{
	bool		open;
	bool		stored;			/* it has a row, at tile.tid */
	int64		number;
	ScTile		tile;
} OpenTile;

struct ScTreeWriter
{
	int32		chain_id;
	Snapshot	snapshot;
	Relation	rel;
	CatalogIndexState indexes;
	MemoryContext scratch;
	ScFrontier	frontier;
	ScPlace		place;			/* of the leaf being added */
	OpenTile   *levels[SC_TILE_LEVELS];
};

ScTreeWriter *
sc_tree_writer_begin(int32 chain_id, int64 size, Snapshot snapshot)
{
	ScTreeWriter *writer = palloc0(sizeof(ScTreeWriter));

	writer->chain_id = chain_id;
	writer->snapshot = snapshot;
	writer->rel = sc_internal_open("tree", RowExclusiveLock);
	writer->indexes = CatalogOpenIndexes(writer->rel);
	writer->scratch = AllocSetContextCreate(CurrentMemoryContext, "seoulchain tile", ALLOCSET_DEFAULT_SIZES);
	sc_tree_frontier(chain_id, size, snapshot, &writer->frontier);
	return writer;
}

void
sc_tree_writer_root(ScHash *out, ScTreeWriter *writer)
{
	sc_frontier_root(out, &writer->frontier);
}

const ScFrontier *
sc_tree_writer_frontier(const ScTreeWriter *writer)
{
	return &writer->frontier;
}

/* writes a tile's row, in place of the one it had */
static void
store_tile(ScTreeWriter *writer, int level)
{
	OpenTile   *open = writer->levels[level];
	Size		len = (Size) open->tile.count * SC_HASH_LEN;
	Datum		values[SC_TREE_NATTS];
	bool		nulls[SC_TREE_NATTS] = {false};
	MemoryContext old = MemoryContextSwitchTo(writer->scratch);
	bytea	   *hashes = palloc(VARHDRSZ + len);
	HeapTuple	tuple;

	SET_VARSIZE(hashes, VARHDRSZ + len);
	memcpy(VARDATA(hashes), open->tile.hashes, len);
	values[SC_TREE_ATTR_CHAIN_ID - 1] = Int32GetDatum(writer->chain_id);
	values[SC_TREE_ATTR_LEVEL - 1] = Int16GetDatum(level);
	values[SC_TREE_ATTR_TILE - 1] = Int64GetDatum(open->number);
	values[SC_TREE_ATTR_HASHES - 1] = PointerGetDatum(hashes);
	values[SC_TREE_ATTR_PLACES - 1] = (Datum) 0;
	if (level == 0)
		values[SC_TREE_ATTR_PLACES - 1] = PointerGetDatum(sc_places_encode(open->tile.places, open->tile.count));
	else
		nulls[SC_TREE_ATTR_PLACES - 1] = true;

	tuple = heap_form_tuple(RelationGetDescr(writer->rel), values, nulls);
	if (open->stored)
		CatalogTupleUpdateWithInfo(writer->rel, &open->tile.tid, tuple, writer->indexes);
	else
		CatalogTupleInsertWithInfo(writer->rel, tuple, writer->indexes);
	MemoryContextSwitchTo(old);
	MemoryContextReset(writer->scratch);
}

/* the growing tile of a level, which is about to take hash `index` of that level */
static OpenTile *
open_tile(ScTreeWriter *writer, int level, uint64 index)
{
	OpenTile   *open = writer->levels[level];
	int			wanted = (int) (index % SC_TILE_WIDTH);

	if (open != NULL && open->open)
		return open;
	if (open == NULL)
		open = writer->levels[level] = palloc0(sizeof(OpenTile));
	open->open = true;
	open->number = (int64) (index / SC_TILE_WIDTH);
	open->tile.count = 0;
	open->stored = wanted > 0 &&
		sc_tile_load(writer->chain_id, level, open->number, writer->snapshot, &open->tile, level == 0);
	if (open->tile.count != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("tile " INT64_FORMAT " of level %d of chain %d is damaged", open->number, level, writer->chain_id),
				 errdetail("It has %d hashes instead of %d.", open->tile.count, wanted),
				 errhint("Run seoulchain.verify() and repair the chain from a copy.")));
	return open;
}

/* core's callback: a node is complete */
static void
node_done(void *arg, int level, uint64 index, const ScHash *hash)
{
	ScTreeWriter *writer = arg;
	OpenTile   *open;
	int			tile_level = level / 8;

	if (level % 8 != 0)
		return;
	open = open_tile(writer, tile_level, index);
	open->tile.hashes[open->tile.count] = *hash;
	if (tile_level == 0)
		open->tile.places[open->tile.count] = writer->place;
	if (++open->tile.count == SC_TILE_WIDTH)
	{
		store_tile(writer, tile_level);
		open->open = false;
	}
}

void
sc_tree_writer_append(ScTreeWriter *writer, const ScHash *leaf, int32 table_id, const ItemPointerData *tid)
{
	writer->place.table_id = table_id;
	if (tid != NULL)
		writer->place.tid = *tid;
	else
		ItemPointerSetInvalid(&writer->place.tid);
	sc_frontier_append(&writer->frontier, leaf, node_done, writer);
}

void
sc_tree_writer_end(ScTreeWriter *writer)
{
	for (int level = 0; level < SC_TILE_LEVELS; level++)
		if (writer->levels[level] != NULL)
		{
			if (writer->levels[level]->open)
				store_tile(writer, level);
			pfree(writer->levels[level]);
		}
	CatalogCloseIndexes(writer->indexes);
	table_close(writer->rel, NoLock);
	MemoryContextDelete(writer->scratch);
	pfree(writer);
}
