/*
 * verify_tree.c
 *	  Recomputing a chain's tree from its stored leaf hashes.
 *
 * The leaves are appended to a frontier in order.  Whenever a perfect subtree
 * is complete that a tile of a higher level holds, the two are compared; at
 * the end of a block the root is.  Where they differ, the root that the
 * stored higher nodes give decides which of the two was altered, and the run
 * goes on from the right one, so that one alteration is told once.
 *
 * Invariant: `size` leaves are accounted for; while `valid`, the frontier has
 * them all.  Does not look at rows: a leaf hash that was altered together
 * with its row is found by the root only.
 */
#include "postgres.h"

#include "proof/verify_tree.h"

#include "miscadmin.h"
#include "proof/progress.h"

void
sc_treepass_begin(ScTreePass *pass, ScVerify *v, ScVerifyChain *chain)
{
	memset(pass, 0, sizeof(*pass));
	pass->v = v;
	pass->chain = chain;
	pass->valid = true;
}

/* remembers a subtree whose stored hash is another or missing */
static void
note_difference(ScTreePass *pass, int level, int64 index, const ScHash *computed, const ScHash *stored)
{
	ScNodeDifference *difference = MemoryContextAlloc(pass->v->context, sizeof(ScNodeDifference));
	MemoryContext caller = MemoryContextSwitchTo(pass->v->context);

	difference->level = level;
	difference->index = index;
	difference->computed = *computed;
	difference->present = stored != NULL;
	if (stored)
		difference->stored = *stored;
	pass->differences = lappend(pass->differences, difference);
	MemoryContextSwitchTo(caller);
}

/* ScNodeDone: compares a completed subtree with the tile that holds it */
static void
node_done(void *arg, int level, uint64_t index, const ScHash *hash)
{
	ScTreePass *pass = arg;
	const ScTileCopy *tile;
	const ScHash *stored = NULL;

	if (level == 0 || level % 8 != 0 || level / 8 >= SC_TILE_LEVELS)
		return;
	tile = sc_verify_tile(pass->v, pass->chain, level / 8, index / SC_TILE_WIDTH);
	if (tile != NULL && (int) (index % SC_TILE_WIDTH) < tile->count)
		stored = &tile->hashes[index % SC_TILE_WIDTH];
	if (stored == NULL || memcmp(stored, hash, sizeof(ScHash)) != 0)
		note_difference(pass, level, index, hash, stored);
}

/* the checkpoint that the caller brought, when the tree has its size */
static void
check_checkpoint(ScTreePass *pass)
{
	ScVerify   *v = pass->v;
	ScFrontier	stored;
	ScHash		root;
	bool		met = false;

	if (pass->valid)
	{
		sc_frontier_root(&root, &pass->frontier);
		met = memcmp(&root, &v->checkpoint.root, sizeof(root)) == 0;
	}
	if (!met && sc_verify_stored_frontier(v, pass->chain, pass->size, &stored))
	{
		sc_frontier_root(&root, &stored);
		met = memcmp(&root, &v->checkpoint.root, sizeof(root)) == 0;
	}
	v->checkpoint_met = true;
	if (!met)
	{
		ScFault		fault = sc_verify_fault(pass->chain, SC_FAULT_CHECKPOINT_NOT_EXTENDED);

		fault.leaf = Max(pass->size - 1, 0);
		fault.expected = &v->checkpoint.root;
		fault.expectedlen = SC_HASH_LEN;
		if (pass->valid)
		{
			fault.found = &root;
			fault.foundlen = SC_HASH_LEN;
		}
		sc_faults_add(v->faults, &fault);
	}
}

/* appends leaves that lie in one tile */
static void
append_in_tile(ScTreePass *pass, int count, int64 height)
{
	int64		number = pass->size / SC_TILE_WIDTH;
	int			begin = pass->size % SC_TILE_WIDTH;
	const ScTileCopy *tile = sc_verify_tile(pass->v, pass->chain, 0, number);

	if (tile == NULL || begin + count > tile->count)
	{
		if (pass->missing_tile != number + 1)
		{
			ScFault		fault = sc_verify_fault(pass->chain, SC_FAULT_NODE_MISSING);

			fault.leaf = pass->size;
			fault.height = height;
			sc_faults_add(pass->v->faults, &fault);
		}
		pass->missing_tile = number + 1;
		pass->valid = false;
	}
	if (pass->valid)
	{
		for (int i = 0; i < count; i++)
			sc_frontier_append(&pass->frontier, &tile->hashes[begin + i], node_done, pass);
	}
	pass->size += count;
}

void
sc_treepass_append(ScTreePass *pass, int64 to, int64 height)
{
	const ScVerify *v = pass->v;
	bool		checkpoint = v->has_checkpoint && strcmp(v->checkpoint.origin, pass->chain->origin) == 0;

	if (checkpoint && pass->size == 0 && v->checkpoint.size == 0)
		check_checkpoint(pass);
	while (pass->size < to)
	{
		int64		end = Min(to, (pass->size / SC_TILE_WIDTH + 1) * SC_TILE_WIDTH);

		CHECK_FOR_INTERRUPTS();
		if (checkpoint && pass->size < (int64) v->checkpoint.size && (int64) v->checkpoint.size < end)
			end = v->checkpoint.size;
		append_in_tile(pass, end - pass->size, height);
		if (checkpoint && pass->size == (int64) v->checkpoint.size)
			check_checkpoint(pass);
	}
	sc_progress_done(pass->size);
}

/* remembers that the leaf hashes in [from, to) are not those that were sealed */
static void
add_bad_leaves(ScTreePass *pass, int64 from, int64 to)
{
	MemoryContext caller = MemoryContextSwitchTo(pass->v->context);
	ScBadLeaves *bad = palloc(sizeof(ScBadLeaves));

	bad->from = from;
	bad->to = to;
	pass->chain->bad_leaves = lappend(pass->chain->bad_leaves, bad);
	MemoryContextSwitchTo(caller);
}

/*
 * Reports the differences met since the last block.  trust_leaves: the root
 * says that the leaves are right, so the stored higher node is not; else the
 * hashes below it were altered (only tiles of level 0 are told then, the
 * levels above follow from them).
 */
static void
report_differences(ScTreePass *pass, int64 height, bool trust_leaves)
{
	ListCell   *cell;

	foreach(cell, pass->differences)
	{
		const ScNodeDifference *difference = lfirst(cell);
		int64		first = difference->index << difference->level;
		ScFault		fault = sc_verify_fault(pass->chain, difference->present ?
											SC_FAULT_NODE_ALTERED : SC_FAULT_NODE_MISSING);

		if (!trust_leaves && difference->level > 8)
			continue;
		fault.leaf = first;
		fault.height = height;
		fault.expected = trust_leaves ? &difference->computed : &difference->stored;
		fault.found = trust_leaves ? &difference->stored : &difference->computed;
		fault.expectedlen = fault.foundlen = SC_HASH_LEN;
		if (!difference->present)
		{
			fault.expected = &difference->computed;
			fault.found = NULL;
		}
		sc_faults_add(pass->v->faults, &fault);
		if (!trust_leaves && difference->present)
			add_bad_leaves(pass, first, first + (INT64CONST(1) << difference->level));
	}
	list_free_deep(pass->differences);
	pass->differences = NIL;
}

/* reports that the tree does not give the block's root */
static void
report_root(ScTreePass *pass, int64 height, const ScHash *expected, const ScHash *found)
{
	ScFault		fault = sc_verify_fault(pass->chain, SC_FAULT_ROOT_DIFFERS);

	fault.leaf = pass->good_size;
	fault.height = height;
	fault.expected = expected;
	fault.expectedlen = SC_HASH_LEN;
	fault.found = found;
	fault.foundlen = found ? SC_HASH_LEN : 0;
	sc_faults_add(pass->v->faults, &fault);
	add_bad_leaves(pass, pass->good_size, pass->size);
	pass->diverged = true;
}

/* takes the frontier that stored nodes give, if that has the root */
static bool
adopt_stored(ScTreePass *pass, const ScHash *root)
{
	ScFrontier	stored;
	ScHash		hash;

	if (!sc_verify_stored_frontier(pass->v, pass->chain, pass->size, &stored))
		return false;
	sc_frontier_root(&hash, &stored);
	if (memcmp(&hash, root, sizeof(hash)) != 0)
		return false;
	pass->frontier = stored;
	pass->valid = true;
	return true;
}

/* notes that all is well up to here */
static void
note_good(ScTreePass *pass)
{
	if (pass->diverged)
	{
		/* what was altered lies before: the leaves between belong to the bad range */
		pass->diverged = false;
	}
	pass->good_size = pass->size;
}

bool
sc_treepass_root(ScTreePass *pass, int64 height, const ScHash *root)
{
	ScHash		computed;

	if (pass->valid)
	{
		sc_frontier_root(&computed, &pass->frontier);
		if (memcmp(&computed, root, sizeof(computed)) == 0)
		{
			report_differences(pass, height, true);
			note_good(pass);
			return true;
		}
	}
	if (adopt_stored(pass, root))
	{
		report_differences(pass, height, false);
		note_good(pass);
		return true;
	}
	if (pass->valid)
	{
		report_differences(pass, height, false);
		if (!pass->diverged)
			report_root(pass, height, root, &computed);
		else
			add_bad_leaves(pass, pass->good_size, pass->size);
	}
	return false;
}

/* how many hashes a level has in a tree of `size` leaves */
static int64
level_hashes(int64 size, int level)
{
	return size >> (8 * level);
}

void
sc_treepass_end(ScTreePass *pass)
{
	ScVerifyChain *chain = pass->chain;

	for (int level = 0; level < SC_TILE_LEVELS; level++)
	{
		int64		hashes = level_hashes(pass->size, level);
		ScTileIndex *index = &chain->levels[level];

		for (int64 i = index->ntiles - 1; i >= 0; i--)
		{
			int64		tile = index->places[i].tile;
			const ScTileCopy *copy;

			if (tile < hashes / SC_TILE_WIDTH)
				break;
			copy = sc_verify_tile(pass->v, chain, level, tile);
			if (tile > hashes / SC_TILE_WIDTH || (copy && copy->count > hashes % SC_TILE_WIDTH))
			{
				ScFault		fault = sc_verify_fault(chain, SC_FAULT_NODE_ADDED);

				sc_faults_add(pass->v->faults, &fault);
			}
		}
	}
	report_differences(pass, SC_NONE, true);
}
