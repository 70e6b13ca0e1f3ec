/*
 * tree.c
 *	  Geometry of the RFC 6962 tree, folds of its hashes, and the frontier.
 *
 * A range of leaves that stands in the tree splits into perfect subtrees,
 * largest first, one for each bit of its width: the row that a plan names.
 * Only one range of a path can be imperfect (once the walk turns left, what
 * is left of it is perfect), so a plan never names more than 128 nodes.
 *
 * No storage is touched and nothing is allocated.
 * Source: RFC 6962 section 2.1 (MTH, PATH, PROOF).
 */
#include "core/tree.h"

typedef struct Range
{
	uint64_t	first;
	uint64_t	width;
} Range;

/* the exponent of the largest power of two that is not above n; n > 0 */
static int
floor_log2(uint64_t n)
{
	return 63 - __builtin_clzll(n);
}

/* the largest power of two below n; n > 1 */
static uint64_t
split_point(uint64_t n)
{
	return UINT64_C(1) << floor_log2(n - 1);
}

/* names the perfect subtrees of a range; its first leaf is aligned to its width */
static int
range_nodes(ScNodeId *ids, Range range)
{
	int			n = 0;

	while (range.width > 0)
	{
		int			level = floor_log2(range.width);

		ids[n].level = level;
		ids[n].index = range.first >> level;
		n++;
		range.first += UINT64_C(1) << level;
		range.width -= UINT64_C(1) << level;
	}
	return n;
}

int
sc_tree_root_nodes(ScNodeId ids[SC_TREE_MAX_LEVELS], uint64_t size)
{
	return range_nodes(ids, (Range) {0, size});
}

/* a plan whose path is the ranges from last to first: they were met from the root down */
static void
plan_ranges(ScProofPlan *plan, const Range *ranges, int n)
{
	plan->npath = n;
	plan->nids = 0;
	for (int i = 0; i < n; i++)
	{
		plan->start[i] = plan->nids;
		plan->nids += range_nodes(plan->ids + plan->nids, ranges[n - 1 - i]);
	}
	plan->start[n] = plan->nids;
}

/* one step down from `range` to the side where `right` says; returns the other side */
static Range
descend(Range *range, bool right)
{
	uint64_t	k = split_point(range->width);
	Range		lower = {range->first, k};
	Range		upper = {range->first + k, range->width - k};

	*range = right ? upper : lower;
	return right ? lower : upper;
}

ScStatus
sc_tree_plan_inclusion(ScProofPlan *plan, uint64_t index, uint64_t size)
{
	Range		siblings[SC_PROOF_MAX];
	Range		range = {0, size};
	int			n = 0;

	if (index >= size)
		return SC_RANGE;
	while (range.width > 1)
	{
		bool		right = index - range.first >= split_point(range.width);

		siblings[n++] = descend(&range, right);
	}
	plan_ranges(plan, siblings, n);
	return SC_OK;
}

ScStatus
sc_tree_plan_consistency(ScProofPlan *plan, uint64_t from, uint64_t to)
{
	Range		ranges[SC_PROOF_MAX + 1];
	Range		range = {0, to};
	int			n = 0;

	if (from > to)
		return SC_RANGE;
	if (from > 0 && from < to)
	{
		/* SUBPROOF: go down until the range ends where the old tree ends */
		while (range.first + range.width != from)
		{
			bool		right = from - range.first > split_point(range.width);

			ranges[n++] = descend(&range, right);
		}
		/* the old tree itself is known; any other subtree is given */
		if (range.first != 0)
			ranges[n++] = range;
	}
	plan_ranges(plan, ranges, n);
	return SC_OK;
}

void
sc_tree_fold(ScHash *out, const ScHash *hashes, int n)
{
	ScHash		acc = hashes[n - 1];

	for (int i = n - 2; i >= 0; i--)
		sc_hash_node(&acc, &hashes[i], &acc);
	*out = acc;
}

void
sc_tree_plan_path(ScHash *path, const ScProofPlan *plan, const ScHash *hashes)
{
	for (int i = 0; i < plan->npath; i++)
		sc_tree_fold(&path[i], hashes + plan->start[i], plan->start[i + 1] - plan->start[i]);
}

void
sc_tree_perfect_root(ScHash *out, ScHash *hashes, int height)
{
	for (; height > 0; height--)
	{
		size_t		pairs = (size_t) 1 << (height - 1);

		for (size_t i = 0; i < pairs; i++)
			sc_hash_node(&hashes[i], &hashes[2 * i], &hashes[2 * i + 1]);
	}
	*out = hashes[0];
}

void
sc_frontier_append(ScFrontier *frontier, const ScHash *leaf, ScNodeDone done, void *arg)
{
	uint64_t	index = frontier->size;
	ScHash		hash = *leaf;
	int			level = 0;

	if (done)
		done(arg, 0, index, &hash);

	/* every set bit at the low end is a subtree that this one completes */
	while (index & 1)
	{
		index >>= 1;
		level++;
		frontier->nnodes--;
		sc_hash_node(&hash, &frontier->nodes[frontier->nnodes], &hash);
		if (done)
			done(arg, level, index, &hash);
	}
	frontier->nodes[frontier->nnodes++] = hash;
	frontier->size++;
}

void
sc_frontier_root(ScHash *out, const ScFrontier *frontier)
{
	if (frontier->size == 0)
		sc_hash_empty(out);
	else
		sc_tree_fold(out, frontier->nodes, frontier->nnodes);
}
