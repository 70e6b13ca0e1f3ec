/*
 * verify_range.c
 *	  Which leaf a ledger_seq has to be, and which leaves have been found.
 *
 * Invariant: after sc_ranges_finish the ranges are sorted by leaf, by_seq
 * sorts them by number, and no two hold the same number (what overlaps is a
 * fault).  Memory: 24 to 28 bytes a range, one bit a leaf.
 */
#include "postgres.h"

#include "proof/verify.h"

#include "utils/memutils.h"

void
sc_ranges_add(ScVerify *v, ScVerifyChain *chain, int64 lower, int64 count, int64 first_leaf, int64 height)
{
	ScRange    *range;

	if (chain->nranges == chain->capacity)
	{
		chain->capacity = Max(chain->capacity * 2, 64);
		if (chain->ranges == NULL)
			chain->ranges = MemoryContextAllocHuge(v->context, chain->capacity * sizeof(ScRange));
		else
			chain->ranges = repalloc_huge(chain->ranges, chain->capacity * sizeof(ScRange));
	}
	range = &chain->ranges[chain->nranges++];
	range->lower = lower;
	range->count = (uint32) count;
	range->first_leaf = first_leaf;
	range->height = (uint32) height;
}

/* order of two positions in `ranges`, by number */
static int
compare_lower(const void *a, const void *b, void *arg)
{
	const ScRange *ranges = arg;
	int64		left = ranges[*(const uint32 *) a].lower;
	int64		right = ranges[*(const uint32 *) b].lower;

	return left < right ? -1 : left > right;
}

/* the range that is i-th by number */
static inline const ScRange *
nth(const ScVerifyChain *chain, int64 i)
{
	return &chain->ranges[chain->by_seq ? chain->by_seq[i] : i];
}

/* fills by_seq unless the ranges are in that order already */
static void
sort_by_seq(ScVerify *v, ScVerifyChain *chain)
{
	bool		sorted = true;

	for (int64 i = 1; i < chain->nranges && sorted; i++)
		sorted = chain->ranges[i - 1].lower <= chain->ranges[i].lower;
	if (sorted)
		return;
	chain->by_seq = MemoryContextAllocHuge(v->context, chain->nranges * sizeof(uint32));
	for (int64 i = 0; i < chain->nranges; i++)
		chain->by_seq[i] = (uint32) i;
	qsort_arg(chain->by_seq, chain->nranges, sizeof(uint32), compare_lower, chain->ranges);
}

void
sc_ranges_finish(ScVerify *v, ScVerifyChain *chain)
{
	sort_by_seq(v, chain);
	for (int64 i = 1; i < chain->nranges; i++)
	{
		const ScRange *before = nth(chain, i - 1);
		const ScRange *range = nth(chain, i);

		if (before->lower + before->count > range->lower)
		{
			ScFault		fault = sc_verify_fault(chain, SC_FAULT_MEMBERS_ALTERED);

			fault.leaf = range->first_leaf;
			fault.ledger_seq = range->lower;
			fault.height = range->height;
			sc_faults_add(v->faults, &fault);
		}
	}
	chain->seen = MemoryContextAllocExtended(v->context, chain->size / BITS_PER_BYTE + 1,
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* does the range hold the number? */
static inline bool
holds(const ScRange *range, int64 ledger_seq)
{
	return ledger_seq >= range->lower && ledger_seq - range->lower < range->count;
}

const ScRange *
sc_ranges_find(ScVerifyChain *chain, int64 ledger_seq)
{
	int64		low = 0;
	int64		high = chain->nranges;

	if (chain->hit < chain->nranges && holds(nth(chain, chain->hit), ledger_seq))
		return nth(chain, chain->hit);
	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (nth(chain, middle)->lower <= ledger_seq)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || !holds(nth(chain, low - 1), ledger_seq))
		return NULL;
	chain->hit = low - 1;
	return nth(chain, low - 1);
}

bool
sc_seen_mark(ScVerifyChain *chain, int64 leaf)
{
	uint8		bit = 1 << (leaf % BITS_PER_BYTE);
	uint8	   *byte = &chain->seen[leaf / BITS_PER_BYTE];

	if (*byte & bit)
		return false;
	*byte |= bit;
	return true;
}

bool
sc_leaf_is_bad(const ScVerifyChain *chain, int64 leaf)
{
	ListCell   *cell;

	foreach(cell, chain->bad_leaves)
	{
		const ScBadLeaves *bad = lfirst(cell);

		if (leaf >= bad->from && leaf < bad->to)
			return true;
	}
	return false;
}
