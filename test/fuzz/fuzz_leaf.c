/*
 * fuzz_leaf.c
 *	  A leaf that parses has what its kind promises.
 */
#include "fuzz.h"

#include "core/leaf.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ScLeaf		leaf;

	if (sc_leaf_parse(&leaf, data, size) != SC_OK)
		return 0;
	INVARIANT(leaf.chain->kind == SC_JSON_STRING);
	switch (leaf.kind)
	{
		case SC_LEAF_ROW:
			INVARIANT(leaf.seq && leaf.table && leaf.columns && !leaf.event && !leaf.block);
			break;
		case SC_LEAF_EVENT:
			INVARIANT(leaf.seq && leaf.event && !leaf.columns && !leaf.block);
			break;
		case SC_LEAF_BLOCK:
			INVARIANT(leaf.block && !leaf.seq && !leaf.table && !leaf.event);
			break;
	}
	sc_leaf_free(&leaf);
	return 0;
}
