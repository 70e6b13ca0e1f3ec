/*
 * block_build.h
 *	  Continuing a chain by blocks: their texts, hashes, members and tree.
 *
 * One piece of code for the origin, which adds blocks of what it has, and for
 * those who follow the chain, who first look whether the block that was
 * announced comes out of what they have.
 */
#ifndef SC_SEAL_BLOCK_BUILD_H
#define SC_SEAL_BLOCK_BUILD_H

#include "postgres.h"

#include "ledger/registry.h"
#include "seal/block_store.h"
#include "seal/journal_read.h"
#include "seal/tree_write.h"
#include "utils/snapshot.h"

typedef struct ScBlockBuilder
{
	const ScChain *chain;
	Snapshot	snapshot;
	ScBlock		last;			/* the block before; height -1 and size 0 when there is none */
	ScTreeWriter *writer;
} ScBlockBuilder;

/*
 * Begins to continue the chain as the snapshot shows it, under the chain's
 * sealing lock.  Errors (DATA_CORRUPTED, hint) when the stored tree does not
 * give the last block's root.
 */
extern void sc_block_build_begin(ScBlockBuilder *builder, const ScChain *chain, Snapshot snapshot);

/* the next block but for its root and hash; members palloc'd */
extern void sc_block_build_next(ScBlock *out, const ScBlockBuilder *builder, const ScSeqRange *ranges, int nranges,
								TimestampTz sealed_at);

/* root and hash of the next block, writing nothing; leaves in order */
extern void sc_block_build_foresee(const ScBlockBuilder *builder, ScBlock *block, const ScSealLeaf *leaves, int64 count);

/* adds the block: tree, members and block row, root and hash filled in; the leaves are those of the ranges */
extern void sc_block_build_add(ScBlockBuilder *builder, ScBlock *block, const ScSealLeaf *leaves, int64 count,
							   const ScSeqRange *ranges, int nranges);

extern void sc_block_build_end(ScBlockBuilder *builder);

#endif							/* SC_SEAL_BLOCK_BUILD_H */
