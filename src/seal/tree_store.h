/*
 * tree_store.h
 *	  Reading the stored tree: nodes, roots and proofs at any size, O(log n) tiles each.
 *
 * All functions read with the snapshot given (a registered or active one);
 * sizes are checked by the caller against the chain's last block.  A missing
 * or short tile is an ERROR (DATA_CORRUPTED) that names it.
 */
#ifndef SC_SEAL_TREE_STORE_H
#define SC_SEAL_TREE_STORE_H

#include "postgres.h"

#include "core/buf.h"
#include "core/note.h"
#include "core/tree.h"
#include "datatype/timestamp.h"
#include "storage/itemptr.h"
#include "utils/snapshot.h"

#define SC_TILE_WIDTH 256

/* table_id of a block leaf in places; rows have theirs, events SC_TABLE_EVENTS */
#define SC_TABLE_BLOCK (-1)

/* hashes of tile (level, tile) into out[SC_TILE_WIDTH]; returns how many, 0 when there is no such tile */
extern int	sc_tile_read(int32 chain_id, int level, int64 tile, Snapshot snapshot, ScHash *out);

/* one leaf hash, and the hint what it is of: table_id, and the row's tid (invalid if none) */
extern void sc_tree_leaf(int32 chain_id, int64 leaf_index, Snapshot snapshot, ScHash *hash, int32 *table_id, ItemPointer tid);

/* hashes of perfect subtrees, in the order asked */
extern void sc_tree_nodes(int32 chain_id, const ScNodeId *ids, int nids, Snapshot snapshot, ScHash *out);

/* MTH(D[0:size]) */
extern void sc_tree_root(int32 chain_id, int64 size, Snapshot snapshot, ScHash *out);

typedef struct ScBlock
{
	int32		chain_id;
	int64		height;
	ScHash		prev_hash;
	ScHash		block_hash;
	int64		first_leaf;
	int64		tree_size;
	ScHash		root_hash;
	TimestampTz sealed_at;
	char	   *members;		/* the multirange's text, palloc'd */
} ScBlock;

/* a block of a chain under the snapshot; false when there is none */
extern bool sc_block_last(int32 chain_id, Snapshot snapshot, ScBlock *out);
extern bool sc_block_by_height(int32 chain_id, int64 height, Snapshot snapshot, ScBlock *out);
/* the first block that ends behind a leaf: the one that holds it */
extern bool sc_block_by_leaf(int32 chain_id, int64 leaf_index, Snapshot snapshot, ScBlock *out);

/* leaf index of a ledger_seq, -1 while not sealed */
extern int64 sc_member_leaf_index(int32 chain_id, int64 ledger_seq, Snapshot snapshot);

/* text of a block's leaf: the canonical JSON that docs/format.md defines */
extern void sc_block_leaf(ScBuf *buf, const char *origin, const ScBlock *block, const ScHash *prev_root);

/* a signed block: that height, or the newest (height < 0); false when there is none; lines palloc'd */
extern bool sc_signature_find(int32 chain_id, int64 height, Snapshot snapshot, int64 *out_height, int64 *out_size, char **lines);

/* the height of the signed block whose checkpoint has that size; false when there is none */
extern bool sc_signature_by_size(int32 chain_id, int64 tree_size, Snapshot snapshot, int64 *height);

/* the text of a block's checkpoint, what is signed; palloc'd */
extern char *sc_checkpoint_text(const char *origin, int64 size, const ScHash *root);

/* reads a checkpoint that a user brings, however its end was mended by shells; an error when it is none; *note points into memory of its own */
extern void sc_checkpoint_read(ScCheckpoint *out, ScNote *note, const text *given);

/* the signed note of a block: checkpoint text, blank line, lines; palloc'd */
extern char *sc_checkpoint_note(const char *origin, int64 size, const ScHash *root, const char *lines);

#endif							/* SC_SEAL_TREE_STORE_H */
