/*
 * blockleaf.h
 *	  What the last leaf of a block says (docs/format.md section 1).
 */
#ifndef SC_CORE_BLOCKLEAF_H
#define SC_CORE_BLOCKLEAF_H

#include "core/hash.h"
#include "core/note.h"
#include "core/status.h"

/* most ranges that a block's leaf can hold: the shortest takes five bytes */
#define SC_BLOCK_LEAF_RANGES 16384

/* [lower, upper) of ledger_seq */
typedef struct ScSeqRange
{
	int64_t		lower;
	int64_t		upper;
} ScSeqRange;

typedef struct ScBlockLeaf
{
	char		origin[SC_NAME_MAX + 1];
	int64_t		height;
	int64_t		first_leaf;
	ScHash		prev_block;
	ScHash		prev_root;
	int64_t		sealed_at;		/* microseconds since 1970 */
	int64_t		count;			/* numbers in all ranges */
	int			nranges;
	ScSeqRange *ranges;			/* rising, apart from each other, not empty; malloc'd */
} ScBlockLeaf;

/*
 * Takes a block leaf apart.  SC_MALFORMED for everything that sealing would
 * not write: other leaves, members that are empty, not in order or adjacent,
 * times without a date, sizes beyond 2^62; SC_NO_MEMORY.  sc_block_leaf_free
 * after SC_OK.
 */
extern SC_WARN_UNUSED ScStatus sc_block_leaf_parse(ScBlockLeaf *out, const void *data, size_t len);
extern void sc_block_leaf_free(ScBlockLeaf *leaf);

#endif							/* SC_CORE_BLOCKLEAF_H */
