/*
 * tile.h
 *	  C2SP tlog-tiles: the paths under which a log's tiles and entries are published.
 */
#ifndef SC_CORE_TILE_H
#define SC_CORE_TILE_H

#include <stdbool.h>

#include "core/buf.h"

#define SC_TILE_LEVEL_ENTRIES (-1)	/* tile/entries/...: leaves themselves */
#define SC_TILE_LEVEL_MAX 5			/* a tree of < 2^48 leaves needs none above; the specification's own limit is 63 */
#define SC_TILE_HASHES 256

typedef struct ScTilePath
{
	int			level;			/* SC_TILE_LEVEL_ENTRIES, or 0 and up */
	uint64_t	tile;			/* number in its level */
	int			width;			/* hashes or entries: 256, or 1 to 255 of a partial tile */
} ScTilePath;

/* "tile/<L>/<N>[.p/<W>]" or "tile/entries/<N>[.p/<W>]"; the one spelling of each */
extern bool sc_tile_path_parse(ScTilePath *out, const char *path, size_t len);
extern void sc_tile_path_format(ScBuf *buf, const ScTilePath *path);

/* how many hashes a level's tile has in a tree of `size` leaves: 0 when there is none yet */
extern int	sc_tile_width(int level, uint64_t tile, uint64_t size);

/* appends an entry of a bundle: uint16 big-endian length, bytes; false when it is longer than that can say */
extern bool sc_tile_entry(ScBuf *buf, const void *entry, size_t len);

#endif							/* SC_CORE_TILE_H */
