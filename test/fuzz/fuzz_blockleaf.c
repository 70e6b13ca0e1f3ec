/*
 * fuzz_blockleaf.c
 *	  A block leaf that parses has rising ranges whose numbers add up, and one text.
 */
#include "fuzz.h"

#include "core/blockleaf.h"
#include "core/leaf.h"

/* the ranges, written as sealing writes them, are what was read */
static void
check_members(const ScBlockLeaf *block, const uint8_t *data, size_t size)
{
	ScLeaf		leaf;
	ScBuf		text = SC_BUF_INIT;
	const ScJson *members;

	INVARIANT(sc_leaf_parse(&leaf, data, size) == SC_OK && leaf.kind == SC_LEAF_BLOCK);
	members = sc_json_member(leaf.block, "members");
	for (int i = 0; i < block->nranges; i++)
	{
		char		range[64];
		int			len = snprintf(range, sizeof(range), "%c[%lld,%lld)", i == 0 ? '{' : ',',
								   (long long) block->ranges[i].lower, (long long) block->ranges[i].upper);

		sc_buf_append(&text, range, (size_t) len);
	}
	sc_buf_append(&text, "}", 1);
	INVARIANT(fuzz_same(&text, members->string, members->len));
	sc_buf_free(&text);
	sc_leaf_free(&leaf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ScBlockLeaf block;
	int64_t		count = 0;

	if (sc_block_leaf_parse(&block, data, size) != SC_OK)
		return 0;
	INVARIANT(block.nranges > 0 && block.nranges <= SC_BLOCK_LEAF_RANGES);
	INVARIANT(sc_note_name_ok(block.origin, strlen(block.origin)));
	for (int i = 0; i < block.nranges; i++)
	{
		INVARIANT(block.ranges[i].lower > (i == 0 ? 0 : block.ranges[i - 1].upper));
		INVARIANT(block.ranges[i].upper > block.ranges[i].lower);
		count += block.ranges[i].upper - block.ranges[i].lower;
	}
	INVARIANT(count == block.count && block.first_leaf >= 0 && block.height >= 0);
	INVARIANT(block.first_leaf <= INT64_MAX - block.count - 1);
	check_members(&block, data, size);
	sc_block_leaf_free(&block);
	return 0;
}
