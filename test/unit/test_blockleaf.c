/*
 * test_blockleaf.c
 *	  The last leaf of a block: what is read of it, and what is refused.
 */
#include "harness.h"

#include "core/blockleaf.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"

/* a block leaf of these values, in a buffer of its own */
static const char *
leaf(const char *first_leaf, const char *height, const char *members, const char *sealed_at)
{
	static char text[4096];

	snprintf(text, sizeof(text), "{\"block\":{\"first_leaf\":\"%s\",\"height\":\"%s\",\"members\":\"%s\",\"prev_block\":\"" ZEROS
			 "\",\"prev_root\":\"" ONES "\",\"sealed_at\":\"%s\"},\"chain\":\"net/a/main\"}",
			 first_leaf, height, members, sealed_at);
	return text;
}

static ScStatus
parse(ScBlockLeaf *out, const char *text)
{
	return sc_block_leaf_parse(out, text, strlen(text));
}

/* everything that a leaf says */
static void
test_parts(void)
{
	ScBlockLeaf out;

	CHECK_STATUS(parse(&out, leaf("17", "3", "{[5,9),[12,13),[20,40)}", "2026-11-23 09:00:00.25+00")), SC_OK);
	CHECK(strcmp(out.origin, "net/a/main") == 0 && out.height == 3 && out.first_leaf == 17);
	CHECK(out.nranges == 3 && out.count == 25);
	CHECK(out.ranges[0].lower == 5 && out.ranges[0].upper == 9 && out.ranges[2].lower == 20 && out.ranges[2].upper == 40);
	CHECK(out.prev_block.bytes[0] == 0 && out.prev_root.bytes[31] == 0x11);
	CHECK(out.sealed_at == INT64_C(1795424400250000));
	sc_block_leaf_free(&out);
	CHECK_STATUS(parse(&out, leaf("0", "0", "{[1,4611686018427387000)}", "2026-11-23 09:00:00+00")), SC_OK);
	CHECK(out.count == INT64_C(4611686018427386999));
	sc_block_leaf_free(&out);
}

/* members that sealing never writes */
static void
test_members(void)
{
	ScBlockLeaf out;
	static const char *const bad[] = {
		"", "{}", "{[1,2)", "[1,2)", "{[1,2]}", "{(1,2)}", "{[1,2),}", "{,[1,2)}", "{[1,2) ,[3,4)}", "{[1,2)[3,4)}",
		"{[2,2)}", "{[3,2)}", "{[0,2)}", "{[-1,2)}", "{[01,2)}", "{[1,+2)}", "{[,2)}", "{[1,)}",
		"{[1,3),[3,5)}", "{[1,3),[2,5)}", "{[5,6),[1,2)}", "{[1,4611686018427387904)}", "{[1,9223372036854775808)}",
		"{[1,3),[4611686018427380000,4611686018427387903)}x", "empty"
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REQUIRE(parse(&out, leaf("1", "1", bad[i], "2026-11-23 09:00:00+00")) == SC_MALFORMED);
}

/* what is no block leaf, or not one that sealing writes */
static void
test_malformed(void)
{
	ScBlockLeaf out;
	const char *good = leaf("17", "3", "{[5,9)}", "2026-11-23 09:00:00+00");
	size_t		len = strlen(good);

	for (size_t cut = 0; cut < len; cut++)
		REQUIRE(sc_block_leaf_parse(&out, good, cut) == SC_MALFORMED);
	CHECK_STATUS(parse(&out, leaf("-1", "3", "{[5,9)}", "2026-11-23 09:00:00+00")), SC_MALFORMED);
	CHECK_STATUS(parse(&out, leaf("17", "03", "{[5,9)}", "2026-11-23 09:00:00+00")), SC_MALFORMED);
	CHECK_STATUS(parse(&out, leaf("4611686018427387903", "3", "{[5,9)}", "2026-11-23 09:00:00+00")), SC_MALFORMED);
	CHECK_STATUS(parse(&out, leaf("17", "3", "{[5,9)}", "infinity")), SC_MALFORMED);
	CHECK_STATUS(parse(&out, leaf("17", "3", "{[5,9)}", "2026-11-23T09:00:00Z")), SC_MALFORMED);
	CHECK_STATUS(parse(&out, leaf("17", "3", "{[5,9)}", "2026-11-23 09:00:00.250+00")), SC_MALFORMED);
	CHECK_STATUS(parse(&out, "{\"chain\":\"net/a/main\",\"event\":{\"type\":\"genesis\"},\"seq\":\"1\"}"), SC_MALFORMED);
}

int
main(void)
{
	test_parts();
	test_members();
	test_malformed();
	return test_end("blockleaf");
}
