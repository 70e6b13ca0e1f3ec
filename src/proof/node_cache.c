/*
 * node_cache.c
 *	  Nodes of stored trees, remembered by the session.
 *
 * A tile holds 256 hashes; the perfect subtrees inside it, 255 more, are what
 * most of a proof consists of.  The upper tiles are the same for nearly every
 * proof of a chain, so a session that makes many keeps what it has folded.
 *
 * Invariant: a perfect subtree never changes once all its leaves are there,
 * so what is kept stays true; a tile that has grown is read again when a new
 * node of it is wanted.  Memory: at most SLOTS tiles of 16 kB, none until the
 * first proof.
 * Not for verify(), which has to see what is stored now.
 */
#include "postgres.h"

#include "proof/node_cache.h"

#include "ledger/registry.h"
#include "seal/tree_store.h"
#include "utils/memutils.h"

#define LEAF_SLOTS 2			/* of level 0: the last tile, and the one before hand */
#define UPPER_SLOTS 240
#define SLOTS (LEAF_SLOTS + UPPER_SLOTS)
#define LEVELS 9				/* subtrees of 1, 2, ... 256 hashes */

typedef struct CachedTile
{
	Oid			tree;			/* seoulchain.tree, another one after CREATE EXTENSION */
	int32		chain_id;
	int			level;
	int64		tile;
	int			count;
	ScHash		nodes[2 * SC_TILE_WIDTH];	/* subtrees of height h from begin_of(h) on */
} CachedTile;

static CachedTile *slots[SLOTS];

/* where the nodes of a height begin */
static inline int
begin_of(int height)
{
	return 2 * SC_TILE_WIDTH - (2 * SC_TILE_WIDTH >> height);
}

static inline bool
holds(const CachedTile *cached, Oid tree, int32 chain_id, int level, int64 tile)
{
	return cached != NULL && cached->tree == tree && cached->chain_id == chain_id &&
		cached->level == level && cached->tile == tile;
}

/*
 * The slot for a tile.  Those of level 0 are hardly ever wanted twice, but
 * for the last of a chain, which is not full and keeps slot 0.
 */
static CachedTile **
slot_of(Oid tree, int32 chain_id, int level, int64 tile)
{
	if (level > 0)
		return &slots[LEAF_SLOTS + (tile + 61 * level + 127 * chain_id) % UPPER_SLOTS];
	if (holds(slots[0], tree, chain_id, level, tile))
		return &slots[0];
	if (slots[1] != NULL && slots[1]->count < SC_TILE_WIDTH)
	{
		CachedTile *last = slots[1];

		slots[1] = slots[0];
		slots[0] = last;
		if (holds(last, tree, chain_id, level, tile))
			return &slots[0];
	}
	return &slots[1];
}

/* reads a tile and folds every perfect subtree in it */
static void
load(CachedTile *cached, Oid tree, int32 chain_id, int level, int64 tile, Snapshot snapshot)
{
	cached->tree = InvalidOid;
	cached->count = sc_tile_read(chain_id, level, tile, snapshot, cached->nodes);
	for (int height = 1; height < LEVELS; height++)
	{
		const ScHash *below = &cached->nodes[begin_of(height - 1)];
		ScHash	   *nodes = &cached->nodes[begin_of(height)];

		for (int i = 0; i < cached->count >> height; i++)
			sc_hash_node(&nodes[i], &below[2 * i], &below[2 * i + 1]);
	}
	cached->tree = tree;
	cached->chain_id = chain_id;
	cached->level = level;
	cached->tile = tile;
}

/* one node */
static const ScHash *
fetch(Oid tree, int32 chain_id, const ScNodeId *id, Snapshot snapshot)
{
	int			level = id->level / 8;
	int			height = id->level % 8;
	int64		first = (int64) (id->index << height);
	int64		tile = first / SC_TILE_WIDTH;
	int			place = (int) (first % SC_TILE_WIDTH);
	CachedTile **slot = slot_of(tree, chain_id, level, tile);
	CachedTile *cached = *slot;

	if (cached == NULL)
		cached = *slot = MemoryContextAllocZero(TopMemoryContext, sizeof(CachedTile));
	if (!holds(cached, tree, chain_id, level, tile) || cached->count < place + (1 << height))
		load(cached, tree, chain_id, level, tile, snapshot);
	if (cached->count < place + (1 << height))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("tile %lld of level %d of the tree is damaged", (long long) tile, level),
				 errdetail("It has %d hashes, %d are needed.", cached->count, place + (1 << height)),
				 errhint("SELECT * FROM seoulchain.verify() tells what was changed.")));
	return &cached->nodes[begin_of(height) + (place >> height)];
}

void
sc_node_cache_nodes(int32 chain_id, const ScNodeId *ids, int nids, Snapshot snapshot, ScHash *out)
{
	Oid			tree = sc_registry_relation("tree");

	for (int i = 0; i < nids; i++)
		out[i] = *fetch(tree, chain_id, &ids[i], snapshot);
}
