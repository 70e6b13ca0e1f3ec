/*
 * block_build.c
 *	  Continuing a chain by blocks: their texts, hashes, members and tree.
 *
 * Invariant: the tree continues only from tiles that still give the last
 * block's root; a block's row, its members and its leaves are written
 * together, in the caller's transaction.
 * Locks: the caller holds the chain's sealing lock.
 */
#include "postgres.h"

#include "compat.h"
#include "core/buf.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "seal/block_build.h"

/* refuses to build on a tree that is not the one of the last block */
static void
check_tree(const ScBlockBuilder *builder)
{
	ScHash		root;

	if (builder->last.tree_size == 0)
		return;
	sc_tree_writer_root(&root, builder->writer);
	if (memcmp(&root, &builder->last.root_hash, sizeof(ScHash)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the stored tree of chain %d does not give the root of block " INT64_FORMAT,
						builder->chain->chain_id, builder->last.height),
				 errhint("Run seoulchain.verify() and repair the chain from a copy.")));
}

void
sc_block_build_begin(ScBlockBuilder *builder, const ScChain *chain, Snapshot snapshot)
{
	builder->chain = chain;
	builder->snapshot = snapshot;
	if (!sc_block_last(chain->chain_id, snapshot, &builder->last))
	{
		memset(&builder->last, 0, sizeof(builder->last));
		builder->last.height = -1;
	}
	builder->writer = sc_tree_writer_begin(chain->chain_id, builder->last.tree_size, snapshot);
	check_tree(builder);
}

/* a multirange's text */
static char *
members_text(const ScSeqRange *ranges, int nranges)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (int i = 0; i < nranges; i++)
		appendStringInfo(&text, "%s[" INT64_FORMAT "," INT64_FORMAT ")", i > 0 ? "," : "",
						 (int64) ranges[i].lower, (int64) ranges[i].upper);
	appendStringInfoChar(&text, '}');
	return text.data;
}

void
sc_block_build_next(ScBlock *out, const ScBlockBuilder *builder, const ScSeqRange *ranges, int nranges,
					TimestampTz sealed_at)
{
	memset(out, 0, sizeof(*out));
	out->chain_id = builder->chain->chain_id;
	out->height = builder->last.height + 1;
	out->prev_hash = builder->last.block_hash;
	out->first_leaf = builder->last.tree_size;
	out->tree_size = out->first_leaf + 1;
	for (int i = 0; i < nranges; i++)
		out->tree_size += ranges[i].upper - ranges[i].lower;
	out->sealed_at = sealed_at;
	out->members = members_text(ranges, nranges);
}

/* the block's hash from its leaf and the root that includes it */
static void
finish_block(ScBlock *block, const ScBuf *text, const ScHash *root)
{
	block->root_hash = *root;
	sc_hash_block(&block->block_hash, text->data, text->len, root);
}

void
sc_block_build_foresee(const ScBlockBuilder *builder, ScBlock *block, const ScSealLeaf *leaves, int64 count)
{
	ScFrontier	frontier = *sc_tree_writer_frontier(builder->writer);
	ScBuf		text = SC_BUF_INIT;
	ScHash		hash;

	for (int64 i = 0; i < count; i++)
	{
		if (i % 8192 == 0)
			CHECK_FOR_INTERRUPTS();
		sc_frontier_append(&frontier, &leaves[i].hash, NULL, NULL);
	}
	sc_block_leaf(&text, builder->chain->origin, block, &builder->last.root_hash);
	sc_hash_leaf(&hash, text.data, text.len);
	sc_frontier_append(&frontier, &hash, NULL, NULL);
	sc_frontier_root(&hash, &frontier);
	finish_block(block, &text, &hash);
	sc_buf_free(&text);
}

void
sc_block_build_add(ScBlockBuilder *builder, ScBlock *block, const ScSealLeaf *leaves, int64 count,
				   const ScSeqRange *ranges, int nranges)
{
	ScBuf		text = SC_BUF_INIT;
	ScHash		hash;

	for (int64 i = 0; i < count; i++)
	{
		if (i % 8192 == 0)
			CHECK_FOR_INTERRUPTS();
		sc_tree_writer_append(builder->writer, &leaves[i].hash, leaves[i].table_id, &leaves[i].tid);
	}
	sc_block_leaf(&text, builder->chain->origin, block, &builder->last.root_hash);
	sc_hash_leaf(&hash, text.data, text.len);
	sc_tree_writer_append(builder->writer, &hash, SC_TABLE_BLOCK, NULL);
	sc_tree_writer_root(&hash, builder->writer);
	finish_block(block, &text, &hash);
	sc_buf_free(&text);

	sc_members_insert(block, ranges, nranges);
	sc_block_insert(block);
	builder->last = *block;
}

void
sc_block_build_end(ScBlockBuilder *builder)
{
	sc_tree_writer_end(builder->writer);
}
