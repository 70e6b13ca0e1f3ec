/*
 * tree_store.c
 *	  Reading the stored tree: tiles, nodes, roots.
 *
 * Invariant: a node of level 8 * L + r is the fold of 2^r neighbours in one
 * tile of level L, so each node costs one tile; tiles asked for one after
 * the other are read once.
 *
 * Effects: none on disk.  What it does not do: check hashes, which is
 * verify()'s work; a tile that is missing or too short is an error.
 */
#include "postgres.h"

#include "compat.h"
#include "access/htup_details.h"
#include "seal/internal_scan.h"
#include "seal/places.h"
#include "seal/tile.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"

/* finds the row of a tile and takes out what is asked for; false when there is no row */
bool
sc_tile_load(int32 chain_id, int level, int64 tile, Snapshot snapshot, ScTile *out, bool with_places)
{
	ScInternalScan scan;
	ScanKeyData keys[3];
	HeapTuple	tuple;

	out->count = 0;
	sc_key_int4(&keys[0], SC_TREE_ATTR_CHAIN_ID, chain_id);
	sc_key_int2(&keys[1], SC_TREE_ATTR_LEVEL, level);
	sc_key_int8(&keys[2], SC_TREE_ATTR_TILE, BTEqualStrategyNumber, tile);
	sc_internal_scan_begin(&scan, "tree", "tree_pkey", snapshot, keys, 3);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		bytea	   *hashes = DatumGetByteaPP(sc_internal_attr(tuple, SC_TREE_ATTR_HASHES, scan.rel));
		Size		len = VARSIZE_ANY_EXHDR(hashes);
		bool		isnull;
		Datum		places;

		if (len == 0 || len % SC_HASH_LEN != 0 || len > SC_TILE_WIDTH * SC_HASH_LEN)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("tile " INT64_FORMAT " of level %d of chain %d has %zu bytes", tile, level, chain_id, len)));
		memcpy(out->hashes, VARDATA_ANY(hashes), len);
		out->count = (int) (len / SC_HASH_LEN);
		out->tid = tuple->t_self;
		places = heap_getattr(tuple, SC_TREE_ATTR_PLACES, RelationGetDescr(scan.rel), &isnull);
		if (with_places && !isnull)
			sc_places_decode(out->places, out->count, DatumGetByteaPP(places));
		else if (with_places)
			memset(out->places, 0, sizeof(out->places));
	}
	sc_internal_scan_end(&scan);
	return out->count > 0;
}

int
sc_tile_read(int32 chain_id, int level, int64 tile, Snapshot snapshot, ScHash *out)
{
	ScTile	   *loaded = palloc(sizeof(ScTile));
	int			count;

	sc_tile_load(chain_id, level, tile, snapshot, loaded, false);
	count = loaded->count;
	memcpy(out, loaded->hashes, count * sizeof(ScHash));
	pfree(loaded);
	return count;
}

/* complains about a tile that holds less than the chain's size says */
static void
report_short_tile(int32 chain_id, int level, int64 tile, int count, int wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("tile " INT64_FORMAT " of level %d of chain %d is damaged", tile, level, chain_id),
			 errdetail("It has %d hashes, hash %d is needed.", count, wanted),
			 errhint("Run seoulchain.verify() and repair the chain from a copy.")));
}

void
sc_tree_leaf(int32 chain_id, int64 leaf_index, Snapshot snapshot, ScHash *hash, int32 *table_id, ItemPointer tid)
{
	ScTile	   *tile = palloc(sizeof(ScTile));
	int64		number = leaf_index / SC_TILE_WIDTH;
	int			place = (int) (leaf_index % SC_TILE_WIDTH);

	sc_tile_load(chain_id, 0, number, snapshot, tile, true);
	if (place >= tile->count)
		report_short_tile(chain_id, 0, number, tile->count, place);
	*hash = tile->hashes[place];
	*table_id = tile->places[place].table_id;
	*tid = tile->places[place].tid;
	pfree(tile);
}

/* enough for the ways to two leaves of 2^48: no tile is read twice by one call */
#define SC_TILE_CACHE 12

/* tiles read by one call */
typedef struct TileCache
{
	int			count;
	int			next;
	struct
	{
		int			level;
		int64		number;
		int			count;
		ScHash		hashes[SC_TILE_WIDTH];
	}			tiles[SC_TILE_CACHE];
} TileCache;

/* hashes of a tile from the cache or the table; *count says how many */
static const ScHash *
cached_tile(TileCache *cache, int32 chain_id, int level, int64 number, Snapshot snapshot, int *count)
{
	int			i;

	for (i = 0; i < cache->count; i++)
		if (cache->tiles[i].level == level && cache->tiles[i].number == number)
			break;
	if (i == cache->count)
	{
		i = cache->next;
		cache->next = (cache->next + 1) % SC_TILE_CACHE;
		cache->tiles[i].level = level;
		cache->tiles[i].number = number;
		cache->tiles[i].count = sc_tile_read(chain_id, level, number, snapshot, cache->tiles[i].hashes);
		cache->count = Max(cache->count, i + 1);
	}
	*count = cache->tiles[i].count;
	return cache->tiles[i].hashes;
}

/* one node: a hash of a tile, or the fold of some */
static void
fetch_node(ScHash *out, TileCache *cache, int32 chain_id, const ScNodeId *id, Snapshot snapshot)
{
	int			level = id->level / 8;
	int			height = id->level % 8;
	uint64		first = id->index << height;
	int64		number = (int64) (first / SC_TILE_WIDTH);
	int			place = (int) (first % SC_TILE_WIDTH);
	int			width = 1 << height;
	int			count;
	const ScHash *hashes = cached_tile(cache, chain_id, level, number, snapshot, &count);
	ScHash		copy[SC_TILE_WIDTH / 2];

	if (place + width > count)
		report_short_tile(chain_id, level, number, count, place + width - 1);
	memcpy(copy, hashes + place, width * sizeof(ScHash));
	sc_tree_perfect_root(out, copy, height);
}

void
sc_tree_nodes(int32 chain_id, const ScNodeId *ids, int nids, Snapshot snapshot, ScHash *out)
{
	TileCache  *cache = palloc(sizeof(TileCache));

	cache->count = cache->next = 0;
	for (int i = 0; i < nids; i++)
		fetch_node(&out[i], cache, chain_id, &ids[i], snapshot);
	pfree(cache);
}

void
sc_tree_frontier(int32 chain_id, int64 size, Snapshot snapshot, ScFrontier *out)
{
	ScNodeId	ids[SC_TREE_MAX_LEVELS];

	out->size = size;
	out->nnodes = size > 0 ? sc_tree_root_nodes(ids, size) : 0;
	sc_tree_nodes(chain_id, ids, out->nnodes, snapshot, out->nodes);
}

void
sc_tree_root(int32 chain_id, int64 size, Snapshot snapshot, ScHash *out)
{
	ScFrontier	frontier;

	sc_tree_frontier(chain_id, size, snapshot, &frontier);
	sc_frontier_root(out, &frontier);
}
