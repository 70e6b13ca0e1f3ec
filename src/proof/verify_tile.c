/*
 * verify_tile.c
 *	  The stored tiles of the tree, as verify() reads them.
 *
 * The tree's own index may be damaged too, so tiles are found by reading the
 * table once and noting where each is stored, 16 bytes a tile.  Level-0
 * tiles are cached in maintenance_work_mem, since rows come in nearly the
 * order of their leaves.
 *
 * Invariant: a tile that is handed out was stored under that chain, level
 * and number, with whole hashes; whether they are right is not known here.
 * Errors while a tile is read make it a missing one.
 */
#include "postgres.h"

#include "proof/verify.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "proof/guard.h"
#include "seal/tile.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* table_id of a place that is not known */
#define NO_TABLE PG_INT32_MIN

/* remembers where a tile is stored */
static void
note_tile(ScVerify *v, ScTileIndex *index, int64 tile, const ItemPointerData *tid)
{
	if (index->ntiles == index->capacity)
	{
		index->capacity = Max(index->capacity * 2, 64);
		if (index->places == NULL)
			index->places = MemoryContextAllocHuge(v->context, index->capacity * sizeof(*index->places));
		else
			index->places = repalloc_huge(index->places, index->capacity * sizeof(*index->places));
	}
	index->places[index->ntiles].tile = tile;
	index->places[index->ntiles].tid = *tid;
	index->ntiles++;
}

/* one row of seoulchain.tree */
static void
tree_row(void *arg, ScScan *scan)
{
	ScVerify   *v = arg;
	ScVerifyChain *chain = sc_verify_chain(v, DatumGetInt32(scan->values[SC_TREE_ATTR_CHAIN_ID - 1]));
	int			level = DatumGetInt16(scan->values[SC_TREE_ATTR_LEVEL - 1]);
	int64		tile = DatumGetInt64(scan->values[SC_TREE_ATTR_TILE - 1]);
	ItemPointerData tid;

	if (chain == NULL || level < 0 || level >= SC_TILE_LEVELS || tile < 0)
	{
		ScFault		fault = sc_verify_fault(chain, SC_FAULT_NODE_ADDED);

		sc_faults_add(v->faults, &fault);
		return;
	}
	ItemPointerSet(&tid, scan->block, scan->offset);
	note_tile(v, &chain->levels[level], tile, &tid);
}

/* order of two tiles by number */
static int
compare_tiles(const void *a, const void *b)
{
	int64		left = ((const struct ScTilePlace *) a)->tile;
	int64		right = ((const struct ScTilePlace *) b)->tile;

	return left < right ? -1 : left > right;
}

/* sorts a level's tiles; one stored twice is a fault */
static void
finish_level(ScVerify *v, ScVerifyChain *chain, int level)
{
	ScTileIndex *index = &chain->levels[level];

	qsort(index->places, index->ntiles, sizeof(*index->places), compare_tiles);
	for (int64 i = 1; i < index->ntiles; i++)
	{
		if (index->places[i].tile == index->places[i - 1].tile)
		{
			ScFault		fault = sc_verify_fault(chain, SC_FAULT_NODE_ADDED);

			fault.leaf = index->places[i].tile < (PG_INT64_MAX >> (8 * (level + 1))) ?
				index->places[i].tile << (8 * (level + 1)) : SC_NONE;
			sc_faults_add(v->faults, &fault);
		}
	}
}

void
sc_verify_load_tiles(ScVerify *v)
{
	ListCell   *cell;
	int			natts;

	v->tree = sc_verify_open("tree");
	natts = RelationGetDescr(v->tree)->natts;
	v->tree_values = palloc(sizeof(Datum) * natts);
	v->tree_nulls = palloc(sizeof(bool) * natts);
	sc_page_init(&v->tree_copy, v->tree, false);
	sc_verify_scan(v, v->tree, tree_row, v);
	foreach(cell, v->chains)
	{
		ScVerifyChain *chain = lfirst(cell);

		for (int level = 0; level < SC_TILE_LEVELS; level++)
		{
			if (chain->levels[level].ntiles > 0)
				finish_level(v, chain, level);
		}
		chain->nslots = Min(Max(maintenance_work_mem / 8, 64), (int) lengthof(chain->slots));
	}
}

/* where a tile is stored, or NULL */
static const ItemPointerData *
find_tile(const ScTileIndex *index, int64 tile)
{
	struct ScTilePlace key = {.tile = tile};
	struct ScTilePlace *found;

	if (tile < index->ntiles && index->places[tile].tile == tile)
		return &index->places[tile].tid;
	found = index->ntiles == 0 ? NULL :
		bsearch(&key, index->places, index->ntiles, sizeof(key), compare_tiles);
	return found ? &found->tid : NULL;
}

/* what read_tile needs */
typedef struct TileRequest
{
	ScVerify   *v;
	int32		chain_id;
	int			level;
	const ItemPointerData *tid;
	ScTileCopy *out;
	ScPlace    *places;			/* NULL: not wanted */
} TileRequest;

/* reads a stored tile; leaves count = 0 when it is not what it should be */
static void
read_tile(void *arg)
{
	TileRequest *request = arg;
	ScVerify   *v = request->v;
	struct varlena *hashes;
	uint32		len;

	if (!sc_page_fetch(&v->tree_copy, request->tid, v->snapshot, v->tree_values, v->tree_nulls) ||
		v->tree_nulls[SC_TREE_ATTR_HASHES - 1])
		return;
	hashes = PG_DETOAST_DATUM_PACKED(v->tree_values[SC_TREE_ATTR_HASHES - 1]);
	len = VARSIZE_ANY_EXHDR(hashes);
	if (len == 0 || len % SC_HASH_LEN != 0 || len > sizeof(request->out->hashes))
		return;
	memcpy(request->out->hashes, VARDATA_ANY(hashes), len);
	if (request->places && !v->tree_nulls[SC_TREE_ATTR_PLACES - 1])
	{
		bytea	   *places = DatumGetByteaP(v->tree_values[SC_TREE_ATTR_PLACES - 1]);

		sc_places_decode(request->places, len / SC_HASH_LEN, places);
	}
	request->out->count = len / SC_HASH_LEN;
}

/* fills a copy of a tile */
static void
load_tile(ScVerify *v, ScVerifyChain *chain, int level, int64 tile, ScTileCopy *out, ScPlace *places)
{
	TileRequest request = {v, chain->chain_id, level, find_tile(&chain->levels[level], tile), out, places};
	MemoryContext scratch;
	MemoryContext caller;

	out->tile = tile;
	out->count = 0;
	if (request.tid == NULL)
		return;
	scratch = AllocSetContextCreate(CurrentMemoryContext, "seoulchain tile", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(scratch);
	if (!sc_guard(read_tile, &request, NULL))
		out->count = 0;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
}

const ScTileCopy *
sc_verify_tile(ScVerify *v, ScVerifyChain *chain, int level, int64 tile)
{
	ScTileCopy **slot = level == 0 ? &chain->slots[tile % chain->nslots] : &chain->upper[level];

	if (*slot == NULL)
	{
		*slot = MemoryContextAlloc(v->context, sizeof(ScTileCopy));
		(*slot)->tile = -1;
	}
	if ((*slot)->tile != tile)
		load_tile(v, chain, level, tile, *slot, NULL);
	return (*slot)->count > 0 ? *slot : NULL;
}

const ScHash *
sc_verify_leaf(ScVerify *v, ScVerifyChain *chain, int64 leaf)
{
	const ScTileCopy *tile = sc_verify_tile(v, chain, 0, leaf / SC_TILE_WIDTH);

	if (tile == NULL || leaf % SC_TILE_WIDTH >= tile->count)
		return NULL;
	return &tile->hashes[leaf % SC_TILE_WIDTH];
}

bool
sc_verify_place(ScVerify *v, ScVerifyChain *chain, int64 leaf, ScPlace *place)
{
	int64		tile = leaf / SC_TILE_WIDTH;

	if (v->places_chain != chain->chain_id || v->places_tile != tile)
	{
		for (int i = 0; i < SC_TILE_WIDTH; i++)
		{
			v->places[i].table_id = NO_TABLE;
			ItemPointerSetInvalid(&v->places[i].tid);
		}
		load_tile(v, chain, 0, tile, &v->places_hashes, v->places);
		v->places_chain = chain->chain_id;
		v->places_tile = tile;
	}
	*place = v->places[leaf % SC_TILE_WIDTH];
	return place->table_id != NO_TABLE;
}

/* a perfect subtree's hash from the tile that holds its parts */
static bool
stored_node(ScVerify *v, ScVerifyChain *chain, const ScNodeId *id, ScHash *out)
{
	int			level = id->level / 8;
	int			height = id->level % 8;
	uint64		first = id->index << height;
	int			begin = first % SC_TILE_WIDTH;
	ScHash		hashes[SC_TILE_WIDTH];
	const ScTileCopy *tile = sc_verify_tile(v, chain, level, first / SC_TILE_WIDTH);

	if (tile == NULL || begin + (1 << height) > tile->count)
		return false;
	memcpy(hashes, &tile->hashes[begin], sizeof(ScHash) << height);
	sc_tree_perfect_root(out, hashes, height);
	return true;
}

bool
sc_verify_stored_frontier(ScVerify *v, ScVerifyChain *chain, int64 size, ScFrontier *out)
{
	ScNodeId	ids[SC_TREE_MAX_LEVELS];

	memset(out, 0, sizeof(*out));
	if (size == 0)
		return true;
	out->nnodes = sc_tree_root_nodes(ids, size);
	out->size = size;
	for (int i = 0; i < out->nnodes; i++)
	{
		if (ids[i].level / 8 >= SC_TILE_LEVELS || !stored_node(v, chain, &ids[i], &out->nodes[i]))
			return false;
	}
	return true;
}
