/*
 * verify_blocks.c
 *	  Every chain's blocks, members and signatures against each other and the tree.
 *
 * Blocks, block ranges and signatures are read sorted by height and merged.
 * Where two of them disagree, the block's leaf in the tree decides which one
 * was altered, so that the innocent one is not named and the rows below are
 * judged by the right ranges.
 *
 * Invariant: every fault of a block is told with its height; after the run
 * the chain's ranges say which leaf each ledger_seq is.
 * Memory: that of the ranges (verify_range.c).
 */
#include "postgres.h"

#include "proof/verify.h"

#include "catalog/pg_type.h"
#include "ledger/settings.h"
#include "miscadmin.h"
#include "proof/guard.h"
#include "proof/progress.h"
#include "proof/verify_block.h"
#include "proof/verify_rotation.h"
#include "proof/verify_timestamp.h"
#include "proof/verify_tree.h"
#include "utils/memutils.h"

/* missing heights told one by one, before only the gap's first are */
#define MISSING_TOLD 1000

/* leaves that members may claim beyond the stored tiles: tiles may be missing */
#define LEAVES_BEYOND (INT64CONST(1) << 24)

/* what is known of the block before */
typedef struct Before
{
	bool		known;			/* there was a block row */
	ScHash		stored_hash;
	ScHash		computed_hash;
	ScHash		stored_root;
	ScHash		computed_root;
	TimestampTz sealed_at;
} Before;

typedef struct BlockPass
{
	ScVerify   *v;
	ScVerifyChain *chain;
	ScTreePass	tree;
	ScKeyCursor cursor;
	ScNoteKeys	keys;			/* that sign the present block */
	Before		before;
	int64		height;			/* of the block that should come next */
	int64		max_leaves;		/* no block may end beyond */
	bool		told;			/* a fault of the present block has been reported */
	int64		unapproved;		/* last signed height, if the profile does not allow its keys, or -1 */
	int64		unsigned_from;	/* first height without a signature since the last that has one, or -1 */
} BlockPass;

/* reports a fault of a block */
static void
block_fault(BlockPass *pass, const char *word, int64 height, const ScHash *expected, const ScHash *found)
{
	ScFault		fault = sc_verify_fault(pass->chain, word);

	fault.leaf = pass->tree.size;
	fault.height = height;
	fault.expected = expected;
	fault.expectedlen = expected ? SC_HASH_LEN : 0;
	fault.found = found;
	fault.foundlen = found ? SC_HASH_LEN : 0;
	sc_faults_add(pass->v->faults, &fault);
	pass->told = true;
}

typedef struct LeafRequest
{
	const char *origin;
	const ScBlock *block;
	const ScHash *prev_root;
	ScBuf		buf;
} LeafRequest;

/* writes the block's leaf */
static void
make_leaf(void *arg)
{
	LeafRequest *request = arg;

	sc_block_leaf(&request->buf, request->origin, request->block, request->prev_root);
}

/* the leaf's hash and, if asked, the block's hash with a root; false when it has no leaf */
static bool
leaf_hash(BlockPass *pass, const ScBlock *block, const ScHash *prev_root, ScHash *leaf,
		  const ScHash *root, ScHash *block_hash)
{
	LeafRequest request = {pass->chain->origin, block, prev_root, SC_BUF_INIT};
	bool		made = sc_guard(make_leaf, &request, NULL);

	if (made)
	{
		sc_hash_leaf(leaf, request.buf.data, request.buf.len);
		if (root)
			sc_hash_block(block_hash, request.buf.data, request.buf.len, root);
	}
	sc_buf_free(&request.buf);
	return made;
}

static inline bool
same(const ScHash *a, const ScHash *b)
{
	return memcmp(a, b, sizeof(ScHash)) == 0;
}

/*
 * Does the block, with these members, give the leaf that the tree has where
 * they end?  The root before may be the stored or the computed one; *prev is
 * set to the one that fits, if any.
 */
static bool
leaf_fits(BlockPass *pass, ScBlock *block, const ScSpanList *members, ScHash *prev)
{
	const ScHash *stored = sc_verify_leaf(pass->v, pass->chain, pass->tree.size + members->total);
	ScHash		hash;

	if (stored == NULL)
		return false;
	block->members = sc_span_text(members);
	if (leaf_hash(pass, block, &pass->before.computed_root, &hash, NULL, NULL) && same(&hash, stored))
	{
		*prev = pass->before.computed_root;
		return true;
	}
	if (leaf_hash(pass, block, &pass->before.stored_root, &hash, NULL, NULL) && same(&hash, stored))
	{
		*prev = pass->before.stored_root;
		return true;
	}
	return false;
}

/* could the members end where they say? */
static bool
plausible(const BlockPass *pass, const ScSpanList *members)
{
	return members->count > 0 && members->total < pass->max_leaves - pass->tree.size;
}

/* chooses between the block's members and the listed ones; NULL when neither will do */
static const ScSpanList *
choose_members(BlockPass *pass, ScStoredBlock *stored, bool *fits, ScHash *prev)
{
	bool		own = stored->whole && plausible(pass, &stored->members);
	bool		listed = plausible(pass, &stored->listed);

	*fits = false;
	if (own && (*fits = leaf_fits(pass, &stored->block, &stored->members, prev)))
		return &stored->members;
	if (stored->whole && listed && !sc_span_equal(&stored->members, &stored->listed) &&
		(*fits = leaf_fits(pass, &stored->block, &stored->listed, prev)))
		return &stored->listed;
	if (own && (!listed || stored->members.total + 1 == stored->block.tree_size - pass->tree.size))
		return &stored->members;
	if (listed)
		return &stored->listed;
	return own ? &stored->members : NULL;
}

/* compares the range rows with the ranges that hold */
static void
check_listed(BlockPass *pass, const ScStoredBlock *stored, const ScSpanList *members, int64 height)
{
	if (stored->listed_steady && stored->listed_leaf == pass->tree.size &&
		sc_span_equal(&stored->listed, members))
		return;
	block_fault(pass, SC_FAULT_MEMBERS_ALTERED, height, NULL, NULL);
}

/* notes which leaves the members are, and whether they bring other keys */
static void
add_ranges(BlockPass *pass, const ScSpanList *members, int64 height)
{
	int64		leaf = pass->tree.size;

	for (int i = 0; i < members->count; i++)
	{
		int64		count = members->spans[i].upper - members->spans[i].lower;

		sc_ranges_add(pass->v, pass->chain, members->spans[i].lower, count, leaf, height);
		leaf += count;
	}
	if (sc_key_cursor_next(&pass->cursor, members))
		sc_key_cursor_keys(&pass->cursor, &pass->keys);
}

/* the tree's last leaf is not what the block says: which of them was altered? */
static void
judge_leaf(BlockPass *pass, const ScStoredBlock *stored, const ScFrontier *without, const ScHash *prev)
{
	const ScHash *in_tree = sc_verify_leaf(pass->v, pass->chain, pass->tree.size - 1);
	ScFrontier	with = *without;
	ScHash		leaf;
	ScHash		root;

	if (!leaf_hash(pass, &stored->block, prev, &leaf, NULL, NULL))
	{
		block_fault(pass, SC_FAULT_BLOCK_ALTERED, stored->block.height, in_tree, NULL);
		return;
	}
	sc_frontier_append(&with, &leaf, NULL, NULL);
	sc_frontier_root(&root, &with);
	if (pass->tree.valid && same(&root, &stored->block.root_hash))
	{
		block_fault(pass, SC_FAULT_NODE_ALTERED, stored->block.height, &leaf, in_tree);
		pass->tree.frontier = with;
	}
	else
		block_fault(pass, SC_FAULT_BLOCK_ALTERED, stored->block.height, in_tree, &leaf);
}

/* the stored root against the tree's; a root column altered alone is the block's fault */
static void
judge_root(BlockPass *pass, const ScStoredBlock *stored, const ScHash *prev, ScHash *root)
{
	const ScBlock *block = &stored->block;
	ScHash		leaf;
	ScHash		hash;

	if (pass->tree.valid)
	{
		sc_frontier_root(root, &pass->tree.frontier);
		if (!same(root, &block->root_hash) &&
			leaf_hash(pass, block, prev, &leaf, root, &hash) && same(&hash, &block->block_hash))
		{
			block_fault(pass, SC_FAULT_BLOCK_ALTERED, block->height, root, &block->root_hash);
			sc_treepass_root(&pass->tree, block->height, root);
			return;
		}
	}
	if (sc_treepass_root(&pass->tree, block->height, &block->root_hash))
		*root = block->root_hash;
	else if (!pass->tree.valid)
		*root = block->root_hash;
	if (!same(root, &block->root_hash))
		pass->told = true;
}

/* link, time and columns of a block */
static void
judge_columns(BlockPass *pass, const ScStoredBlock *stored, int64 first_leaf)
{
	const ScBlock *block = &stored->block;
	const Before *before = &pass->before;

	if (before->known && !same(&block->prev_hash, &before->stored_hash) &&
		!same(&block->prev_hash, &before->computed_hash))
		block_fault(pass, SC_FAULT_BLOCK_LINK, block->height, &before->stored_hash, &block->prev_hash);
	if (before->known && block->sealed_at < before->sealed_at)
		block_fault(pass, SC_FAULT_BLOCK_ORDER, block->height, NULL, NULL);
	if (!pass->told && (block->first_leaf != first_leaf || block->tree_size != pass->tree.size))
		block_fault(pass, SC_FAULT_BLOCK_ALTERED, block->height, NULL, NULL);
}

/* block_hash against leaf and root; remembers the block for the next */
static void
finish_block(BlockPass *pass, const ScStoredBlock *stored, const ScHash *prev, const ScHash *root)
{
	const ScBlock *block = &stored->block;
	Before	   *before = &pass->before;
	ScHash		leaf;
	ScHash		computed = block->block_hash;

	if (leaf_hash(pass, block, prev, &leaf, root, &computed) &&
		!same(&computed, &block->block_hash) && !pass->told)
		block_fault(pass, SC_FAULT_BLOCK_ALTERED, block->height, &computed, &block->block_hash);
	before->known = true;
	before->stored_hash = block->block_hash;
	before->computed_hash = computed;
	before->stored_root = block->root_hash;
	before->computed_root = *root;
	before->sealed_at = block->sealed_at;
}

/* a height without a (readable) block row: its range rows still say which leaves are whose */
static void
pass_missing(BlockPass *pass, const ScStoredBlock *stored, int64 height)
{
	block_fault(pass, stored->present ? SC_FAULT_BLOCK_ALTERED : SC_FAULT_BLOCK_MISSING, height, NULL, NULL);
	if (plausible(pass, &stored->listed))
	{
		add_ranges(pass, &stored->listed, height);
		sc_treepass_append(&pass->tree, pass->tree.size + stored->listed.total + 1, height);
	}
	pass->before.known = false;
	if (pass->tree.valid)
		sc_frontier_root(&pass->before.computed_root, &pass->tree.frontier);
	pass->before.stored_root = pass->before.computed_root;
}

/* a block row at its height */
static void
pass_block(BlockPass *pass, ScStoredBlock *stored)
{
	int64		height = stored->block.height;
	int64		first_leaf = pass->tree.size;
	const ScSpanList *members;
	ScFrontier	without;
	ScHash		prev = pass->before.computed_root;
	ScHash		root;
	bool		fits;

	members = choose_members(pass, stored, &fits, &prev);
	if (!stored->whole || members == NULL)
	{
		pass_missing(pass, stored, height);
		return;
	}
	check_listed(pass, stored, members, height);
	add_ranges(pass, members, height);
	sc_treepass_append(&pass->tree, first_leaf + members->total, height);
	without = pass->tree.frontier;
	sc_treepass_append(&pass->tree, first_leaf + members->total + 1, height);
	pass->told = false;
	if (members != &stored->members)
		block_fault(pass, SC_FAULT_BLOCK_ALTERED, height, NULL, NULL);
	stored->block.members = sc_span_text(members);
	if (!fits && sc_verify_leaf(pass->v, pass->chain, pass->tree.size - 1) != NULL)
		judge_leaf(pass, stored, &without, &prev);
	judge_root(pass, stored, &prev, &root);
	judge_columns(pass, stored, first_leaf);
	finish_block(pass, stored, &prev, &root);
}

/* heights that are nowhere, before the one that is */
static void
pass_gap(BlockPass *pass, const ScStoredBlock *stored, int64 height)
{
	for (int64 missing = pass->height; missing < height && missing < pass->height + MISSING_TOLD; missing++)
		block_fault(pass, SC_FAULT_BLOCK_MISSING, missing, NULL, NULL);
	pass->before.known = false;
	if (stored->whole && stored->block.first_leaf > pass->tree.size &&
		stored->block.first_leaf < pass->max_leaves)
		sc_treepass_append(&pass->tree, stored->block.first_leaf, height);
	if (pass->tree.valid)
		sc_frontier_root(&pass->before.computed_root, &pass->tree.frontier);
	pass->before.stored_root = pass->before.computed_root;
}

/* everything that is stored for one height */
static void
pass_height(BlockPass *pass, ScStoredBlock *stored, int64 height)
{
	if (height < pass->height || (stored->present && stored->listed.count == 0 && height > pass->height))
	{
		block_fault(pass, SC_FAULT_BLOCK_ORDER, height, NULL, NULL);
		return;
	}
	if (height > pass->height)
		pass_gap(pass, stored, height);
	pass->told = false;
	if (stored->present)
		pass_block(pass, stored);
	else
		pass_missing(pass, stored, height);
	pass->height = height + 1;
}

/* one merged stream */
typedef struct Stream
{
	ScSorted   *sorted;
	AttrNumber	height_attno;
} Stream;

/* the stream's next height of the chain, or PG_INT64_MAX; rows of unknown chains before it are faults */
static int64
stream_height(BlockPass *pass, Stream *stream)
{
	TupleTableSlot *slot;

	while ((slot = sc_sorted_peek(stream->sorted)) != NULL)
	{
		int32		chain_id = DatumGetInt32(slot->tts_values[0]);
		ScFault		fault;

		if (chain_id == pass->chain->chain_id)
			return DatumGetInt64(slot->tts_values[stream->height_attno - 1]);
		if (chain_id > pass->chain->chain_id)
			break;
		fault = sc_verify_fault(NULL, SC_FAULT_REGISTRY_ALTERED);
		fault.chain_id = chain_id;
		fault.height = DatumGetInt64(slot->tts_values[stream->height_attno - 1]);
		if (sc_verify_chain(pass->v, chain_id) == NULL)
			sc_faults_add(pass->v->faults, &fault);
		sc_sorted_next(stream->sorted);
	}
	return PG_INT64_MAX;
}

/* takes the range rows of a height */
static void
take_members(BlockPass *pass, Stream *members, int64 height, ScStoredBlock *out)
{
	int64		next = -1;

	out->listed_leaf = -1;
	out->listed_steady = true;
	while (stream_height(pass, members) == height)
	{
		Datum	   *values = sc_sorted_peek(members->sorted)->tts_values;
		int64		lower = DatumGetInt64(values[SC_BLOCK_RANGE_ATTR_LOWER - 1]);
		int64		upper = DatumGetInt64(values[SC_BLOCK_RANGE_ATTR_UPPER - 1]);
		int64		leaf = DatumGetInt64(values[SC_BLOCK_RANGE_ATTR_FIRST_LEAF - 1]);

		if (out->listed_leaf < 0)
			out->listed_leaf = leaf;
		else if (leaf != next)
			out->listed_steady = false;
		if (lower < 0 || upper <= lower || upper - lower > PG_UINT32_MAX ||
			(out->listed.count > 0 && lower < out->listed.spans[out->listed.count - 1].upper))
			out->listed_steady = false;
		else
			sc_span_add(&out->listed, lower, upper);
		next = leaf + (upper - lower);
		sc_sorted_next(members->sorted);
	}
}

/* takes the block rows of a height */
static void
take_block(BlockPass *pass, Stream *blocks, int64 height, ScStoredBlock *out)
{
	while (stream_height(pass, blocks) == height)
	{
		if (out->present)
			block_fault(pass, SC_FAULT_BLOCK_DUPLICATED, height, NULL, NULL);
		else
			sc_stored_block_read(out, sc_sorted_peek(blocks->sorted));
		sc_sorted_next(blocks->sorted);
	}
}

/* blocks are signed in order: one without a signature below a signed one has lost it */
static void
note_unsigned(BlockPass *pass, int64 height, bool is_signed)
{
	if (!is_signed)
	{
		if (pass->unsigned_from < 0)
			pass->unsigned_from = height;
		return;
	}
	for (int64 missing = pass->unsigned_from;
		 missing >= 0 && missing < height && missing < pass->unsigned_from + MISSING_TOLD; missing++)
		block_fault(pass, SC_FAULT_SIGNATURE_MISSING, missing, NULL, NULL);
	pass->unsigned_from = -1;
}

/* are the lines those of the last block?  A root that differs is told already: the stored one will do. */
static bool
lines_ok(BlockPass *pass, Datum lines)
{
	const Before *before = &pass->before;

	return sc_note_lines_ok(&pass->keys, pass->chain->origin, pass->tree.size, &before->computed_root, lines) ||
		(!same(&before->computed_root, &before->stored_root) &&
		 sc_note_lines_ok(&pass->keys, pass->chain->origin, pass->tree.size, &before->stored_root, lines));
}

/*
 * An approved signature of a later block vouches for this one too, so only
 * the keys in force at the last signed block have to be approved.
 */
static void
note_algorithm(BlockPass *pass, int64 height)
{
	ScNoteKeys *keys;
	ScKeyCursor after = pass->cursor;

	if (!pass->v->judge_profile || pass->chain->copy || sc_sign_profile() == SC_PROFILE_ANY)
		return;
	keys = palloc(sizeof(ScNoteKeys));
	after.old_log = after.old_cosigner = NULL;
	sc_key_cursor_keys(&after, keys);
	pass->unapproved = sc_note_keys_refused(keys, sc_sign_profile()) ? height : -1;
	pfree(keys);
}

/* takes the signatures of a height and checks them against the block's size and root */
static void
take_signatures(BlockPass *pass, Stream *signatures, int64 height, const ScStoredBlock *stored)
{
	note_unsigned(pass, height, stream_height(pass, signatures) == height);
	while (stream_height(pass, signatures) == height)
	{
		TupleTableSlot *slot = sc_sorted_peek(signatures->sorted);
		Datum	   *values = slot->tts_values;

		if (!stored->present && stored->listed.count == 0)
			block_fault(pass, SC_FAULT_BLOCK_MISSING, height, NULL, NULL);
		else if (pass->before.known &&
				 (DatumGetInt64(values[SC_SIGNATURE_ATTR_TREE_SIZE - 1]) != pass->tree.size ||
				  !lines_ok(pass, values[SC_SIGNATURE_ATTR_LINES - 1])))
			block_fault(pass, SC_FAULT_SIGNATURE_WRONG, height, NULL, NULL);
		note_algorithm(pass, height);
		sc_sorted_next(signatures->sorted);
	}
}

/* checks the timestamps of a height's checkpoint; like signatures they may be of either root where those differ */
static void
take_stamps(BlockPass *pass, ScStamps *stamps, int64 height)
{
	const Before *before = &pass->before;
	bool		known = before->known || pass->tree.valid;

	sc_stamps_block(stamps, pass->chain, pass->tree.size, height, known ? &before->computed_root : NULL,
					before->known ? &before->stored_root : NULL);
}

/* the checkpoint that the caller brought is beyond the chain */
static void
check_beyond(BlockPass *pass)
{
	ScVerify   *v = pass->v;
	ScFault		fault;

	if (!v->has_checkpoint || v->checkpoint_met || strcmp(v->checkpoint.origin, pass->chain->origin) != 0)
		return;
	v->checkpoint_met = true;
	if (v->checkpoint.size == 0)
		return;
	fault = sc_verify_fault(pass->chain, SC_FAULT_CHECKPOINT_NOT_EXTENDED);
	fault.expected = &v->checkpoint.root;
	fault.expectedlen = SC_HASH_LEN;
	sc_faults_add(v->faults, &fault);
}

/* leaves that the stored tiles have room for, and some more */
static int64
leaves_allowed(const ScVerifyChain *chain)
{
	const ScTileIndex *index = &chain->levels[0];
	int64		last = index->ntiles > 0 ? index->places[index->ntiles - 1].tile : 0;

	/* a number that was altered must not make the run endless */
	if (last > 2 * index->ntiles + (LEAVES_BEYOND / SC_TILE_WIDTH))
		last = 2 * index->ntiles;
	return (last + 1) * SC_TILE_WIDTH + LEAVES_BEYOND;
}

/* one chain, height by height */
static void
verify_chain(ScVerify *v, ScVerifyChain *chain, Stream *blocks, Stream *members, Stream *signatures, ScStamps *stamps)
{
	BlockPass  *pass = palloc0(sizeof(BlockPass));
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "seoulchain block",
												  ALLOCSET_DEFAULT_SIZES);

	pass->v = v;
	pass->chain = chain;
	pass->max_leaves = leaves_allowed(chain);
	pass->unsigned_from = -1;
	pass->unapproved = -1;
	sc_treepass_begin(&pass->tree, v, chain);
	sc_key_cursor_begin(&pass->cursor, v, chain);
	sc_key_cursor_keys(&pass->cursor, &pass->keys);
	sc_progress_phase(SC_PHASE_TREE, InvalidOid, pass->max_leaves - LEAVES_BEYOND);
	for (;;)
	{
		int64		block = stream_height(pass, blocks);
		int64		member = stream_height(pass, members);
		int64		signature = stream_height(pass, signatures);
		int64		height = Min(Min(block, member), signature);
		ScStoredBlock stored = {0};
		MemoryContext caller;

		if (height == PG_INT64_MAX)
			break;
		caller = MemoryContextSwitchTo(scratch);
		take_block(pass, blocks, height, &stored);
		take_members(pass, members, height, &stored);
		if (stored.present || stored.listed.count > 0)
			pass_height(pass, &stored, height);
		take_signatures(pass, signatures, height, &stored);
		if (stored.present || stored.listed.count > 0)
			take_stamps(pass, stamps, height);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
	}
	sc_stamps_chain_end(stamps, chain);
	sc_treepass_append(&pass->tree, pass->tree.size, SC_NONE);
	sc_treepass_end(&pass->tree);
	check_beyond(pass);
	if (pass->unapproved >= 0)
		block_fault(pass, SC_FAULT_SIGNATURE_NOT_APPROVED, pass->unapproved, NULL, NULL);
	chain->size = pass->tree.size;
	MemoryContextDelete(scratch);
	pfree(pass);
	sc_ranges_finish(v, chain);
}

/* what is left belongs to chains that the registry does not know */
static void
drain(ScVerify *v, Stream *stream)
{
	TupleTableSlot *slot;

	while ((slot = sc_sorted_peek(stream->sorted)) != NULL)
	{
		int32		chain_id = DatumGetInt32(slot->tts_values[0]);

		if (sc_verify_chain(v, chain_id) == NULL)
		{
			ScFault		fault = sc_verify_fault(NULL, SC_FAULT_REGISTRY_ALTERED);

			fault.chain_id = chain_id;
			fault.height = DatumGetInt64(slot->tts_values[stream->height_attno - 1]);
			sc_faults_add(v->faults, &fault);
		}
		sc_sorted_next(stream->sorted);
	}
}

void
sc_verify_blocks(ScVerify *v)
{
	static const AttrNumber block_keys[] = {SC_BLOCK_ATTR_CHAIN_ID, SC_BLOCK_ATTR_HEIGHT};
	static const AttrNumber range_keys[] = {SC_BLOCK_RANGE_ATTR_CHAIN_ID, SC_BLOCK_RANGE_ATTR_HEIGHT, SC_BLOCK_RANGE_ATTR_LOWER};
	static const AttrNumber signature_keys[] = {SC_SIGNATURE_ATTR_CHAIN_ID, SC_SIGNATURE_ATTR_HEIGHT};
	static const Oid types[] = {INT4OID, INT8OID, INT8OID};
	Stream		blocks = {sc_sorted_load(v, "chain_block", 2, block_keys, types), SC_BLOCK_ATTR_HEIGHT};
	Stream		members = {sc_sorted_load(v, "block_range", 3, range_keys, types), SC_BLOCK_RANGE_ATTR_HEIGHT};
	Stream		signatures = {sc_sorted_load(v, "signature", 2, signature_keys, types), SC_SIGNATURE_ATTR_HEIGHT};
	ScStamps   *stamps = sc_stamps_begin(v);
	ListCell   *cell;

	foreach(cell, v->chains)
	{
		ScVerifyChain *chain = lfirst(cell);

		/* the streams are merged, so chains that are not wanted are skipped by the next one */
		if (sc_verify_wants(v, chain))
			verify_chain(v, chain, &blocks, &members, &signatures, stamps);
	}
	drain(v, &blocks);
	drain(v, &members);
	drain(v, &signatures);
	sc_sorted_end(blocks.sorted);
	sc_sorted_end(members.sorted);
	sc_sorted_end(signatures.sorted);
	sc_stamps_end(stamps);
}
