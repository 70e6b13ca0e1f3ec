/*
 * tile.h
 *	  A tile of the tree in memory, and the columns of its table.
 */
#ifndef SC_SEAL_TILE_H
#define SC_SEAL_TILE_H

#include "postgres.h"

#include "seal/places.h"
#include "seal/tree_store.h"

#define SC_TREE_ATTR_CHAIN_ID 1
#define SC_TREE_ATTR_LEVEL 2
#define SC_TREE_ATTR_TILE 3
#define SC_TREE_ATTR_HASHES 4
#define SC_TREE_ATTR_PLACES 5
#define SC_TREE_NATTS 5

typedef struct ScTile
{
	int			count;			/* hashes there */
	ItemPointerData tid;		/* of the stored row */
	ScHash		hashes[SC_TILE_WIDTH];
	ScPlace		places[SC_TILE_WIDTH];	/* level 0 only */
} ScTile;

/* reads a tile; false (count = 0) when there is none */
extern bool sc_tile_load(int32 chain_id, int level, int64 tile, Snapshot snapshot, ScTile *out, bool with_places);

/* the frontier of the stored tree at a size */
extern void sc_tree_frontier(int32 chain_id, int64 size, Snapshot snapshot, ScFrontier *out);

#endif							/* SC_SEAL_TILE_H */
