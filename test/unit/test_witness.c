/*
 * test_witness.c
 *	  What leaves the machine for witnesses and readers: requests, answers, tile paths; and how much a quorum is worth.
 */
#include "harness.h"

#include "core/policy.h"
#include "core/text.h"
#include "core/tile.h"
#include "core/tree.h"
#include "core/witness.h"

static ScStatus
parse(ScWitnessRequest *request, const char *body)
{
	return sc_witness_parse_request(request, body, strlen(body));
}

/* the specification's own request, there and back */
static void
test_request(void)
{
	FILE	   *f = test_open("witness_requests");
	char	   *fields[TEST_FIELDS];
	ScWitnessRequest request;
	int			n = 0;

	while (test_read(f, fields) == 2)
	{
		ScBuf		again = SC_BUF_INIT;
		size_t		len;
		uint8_t    *body = test_unhex(&len, fields[1]);

		n++;
		CHECK_STATUS(sc_witness_parse_request(&request, (const char *) body, len), SC_OK);
		CHECK(request.old_size == 20852014 && request.checkpoint.size == 20852163 && request.npath == 4);
		CHECK_STATUS(sc_witness_format_request(&again, request.old_size, request.path, request.npath,
											   request.note, request.notelen), SC_OK);
		CHECK(again.len == len && memcmp(again.data, body, len) == 0);
		/* cut short it is none, unless a signature line is all that went */
		for (size_t cut = 0; cut < len; cut++)
			REQUIRE(sc_witness_parse_request(&request, (const char *) body, cut) != SC_OK || (body[cut - 1] == '\n' && body[cut] == 0xE2));
		sc_buf_free(&again);
		free(body);
	}
	fclose(f);
	CHECK(n == 1);
}

#define NOTE "log.example\n5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\xE2\x80\x94 log.example AAAAAAAA\n"
#define HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

static void
test_request_refused(void)
{
	ScWitnessRequest request;
	ScBuf		long_proof = SC_BUF_INIT;
	static const char *const malformed[] = {
		"", "old", "old \n\n" NOTE, "old 01\n\n" NOTE, "old -1\n\n" NOTE, "Old 1\n\n" NOTE, "old 1 \n\n" NOTE,
		"old 1\n" NOTE, "old 1\nAAAA\n\n" NOTE, "old 1\n" HASH NOTE, "old 1\r\n\r\n" NOTE,
		"old 1\n\nlog.example\n5\nAAAA\n\n", "old 1\n\n",
	};

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		CHECK_CASE(parse(&request, malformed[i]) == SC_MALFORMED, malformed[i]);
	CHECK_STATUS(parse(&request, "old 6\n\n" NOTE), SC_RANGE);
	CHECK_STATUS(parse(&request, "old 5\n\n" NOTE), SC_OK);

	for (int n = 62; n <= 64; n++)
	{
		sc_buf_reset(&long_proof);
		sc_buf_literal(&long_proof, "old 1\n");
		for (int i = 0; i < n; i++)
			sc_buf_literal(&long_proof, HASH);
		sc_buf_literal(&long_proof, "\n" NOTE);
		CHECK_STATUS(sc_witness_parse_request(&request, long_proof.data, long_proof.len), n <= 63 ? SC_OK : SC_TOO_LARGE);
	}
	sc_buf_free(&long_proof);
}

/* a tree of n leaves that say their number; `fork` changes the last one */
static void
root_of(ScHash *out, uint64_t n, bool fork)
{
	ScFrontier	frontier = {0};

	for (uint64_t i = 0; i < n; i++)
	{
		ScHash		leaf;
		uint64_t	value = fork && i == n - 1 ? UINT64_MAX : i;

		sc_hash_leaf(&leaf, &value, sizeof(value));
		sc_frontier_append(&frontier, &leaf, NULL, NULL);
	}
	sc_frontier_root(out, &frontier);
}

/* no leaves, and a root as if there were some */
static void
test_empty(void)
{
	ScWitnessRequest request = {.old_size = 0};
	ScHash		empty;

	root_of(&empty, 0, false);
	root_of(&request.checkpoint.root, 3, false);
	CHECK(sc_witness_judge(&request, 0, &empty) == SC_WITNESS_BAD_PROOF);
	request.checkpoint.root = empty;
	CHECK(sc_witness_judge(&request, 0, &empty) == SC_WITNESS_OK);
}

/* every pair of small sizes: the true proof is taken, everything else named */
static void
test_judge(void)
{
	int			before = test_failed;

	for (uint64_t to = 0; to <= 20; to++)
	{
		for (uint64_t from = 0; from <= to; from++)
		{
			ScWitnessRequest request = {.old_size = from};
			ScProofPlan plan;
			ScHash		hashes[SC_PLAN_MAX];
			ScHash		root;
			ScHash		forked;

			REQUIRE(sc_tree_plan_consistency(&plan, from, to) == SC_OK);
			for (int i = 0; i < plan.nids; i++)
			{
				ScFrontier	frontier = {0};
				uint64_t	first = plan.ids[i].index << plan.ids[i].level;

				for (uint64_t k = first; k < first + (UINT64_C(1) << plan.ids[i].level); k++)
				{
					ScHash		leaf;

					sc_hash_leaf(&leaf, &k, sizeof(k));
					sc_frontier_append(&frontier, &leaf, NULL, NULL);
				}
				sc_frontier_root(&hashes[i], &frontier);
			}
			request.npath = plan.npath;
			sc_tree_plan_path(request.path, &plan, hashes);
			request.checkpoint.size = to;
			root_of(&request.checkpoint.root, to, false);
			root_of(&root, from, false);
			root_of(&forked, from, true);

			REQUIRE(sc_witness_judge(&request, from, &root) == SC_WITNESS_OK);
			REQUIRE(sc_witness_judge(&request, from + 1, &root) == SC_WITNESS_CONFLICT);
			if (from > 0)
				REQUIRE(sc_witness_judge(&request, from, &forked) == (from == to ? SC_WITNESS_CONFLICT : SC_WITNESS_BAD_PROOF));
			request.path[request.npath++] = root;
			REQUIRE(sc_witness_judge(&request, from, &root) == SC_WITNESS_BAD_PROOF);
			request.old_size = to + 1;
			REQUIRE(sc_witness_judge(&request, to + 1, &root) == SC_WITNESS_BAD_REQUEST);
		}
	}
	CHECK_NO_NEW_FAILURE(before);
}

static void
test_answers(void)
{
	ScBuf		lines = SC_BUF_INIT;
	uint64_t	size;
	static const char one[] = "\xE2\x80\x94 w.example AAAAAAAA\n";
	static const char two[] = "\xE2\x80\x94 w.example AAAAAAAA\n\xE2\x80\x94 v.example AAAAAAAB\n";
	static const char *const bad[] = {
		"", "\n", "w.example AAAAAAAA\n", "\xE2\x80\x94 w.example AAAAAAAA", "text\n\xE2\x80\x94 w.example AAAAAAAA\n",
		"text\n\n\xE2\x80\x94 w.example AAAAAAAA\n", "\xE2\x80\x94 w.example AAAAAAAA\n\n", "\xE2\x80\x94 w.example AAAAAAAA\r\n",
	};
	static const char *const bad_sizes[] = {"", "50", "050\n", "5\n\n", "5\n6\n", "-1\n", " 5\n", "five\n"};

	CHECK_STATUS(sc_witness_parse_lines(&lines, one, strlen(one)), SC_OK);
	CHECK(lines.len == strlen(one) && memcmp(lines.data, one, lines.len) == 0);
	sc_buf_reset(&lines);
	CHECK_STATUS(sc_witness_parse_lines(&lines, two, strlen(two)), SC_OK);
	CHECK(lines.len == strlen(two) && memcmp(lines.data, two, lines.len) == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(sc_witness_parse_lines(&lines, bad[i], strlen(bad[i])) == SC_MALFORMED, bad[i]);
	sc_buf_free(&lines);

	CHECK_STATUS(sc_witness_parse_size(&size, "20852014\n", 9), SC_OK);
	CHECK(size == 20852014);
	CHECK_STATUS(sc_witness_parse_size(&size, "0\n", 2), SC_OK);
	for (size_t i = 0; i < sizeof(bad_sizes) / sizeof(bad_sizes[0]); i++)
		CHECK_CASE(sc_witness_parse_size(&size, bad_sizes[i], strlen(bad_sizes[i])) == SC_MALFORMED, bad_sizes[i]);
}

static void
test_tile_paths(void)
{
	static const struct
	{
		ScTilePath	tile;
		const char *path;
	}			good[] = {
		{{0, 1234067, 256}, "tile/0/x001/x234/067"}, {{0, 0, 256}, "tile/0/000"}, {{1, 999, 17}, "tile/1/999.p/17"},
		{{0, 1000, 1}, "tile/0/x001/000.p/1"}, {{SC_TILE_LEVEL_ENTRIES, 273, 112}, "tile/entries/273.p/112"},
		{{5, 123456789, 255}, "tile/5/x123/x456/789.p/255"},
		{{0, UINT64_C(36028797018963967), 256}, "tile/0/x036/x028/x797/x018/x963/967"},
	};
	static const char *const bad[] = {
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/6/000", "tile/-1/000",
		"tile/x/000", "/tile/0/000", "tile/0/x000/000", "tile/0/x000/x001/000", "tile/0/x001", "tile/0/x001/", "tile/0/001/000", "tile/0/x001/x000",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "tile/0/000 ", "tile/0/000/", "tile/entries",
		"tile/entries/", "tile/0/../000", "tile/0/0a0", "tile/0/x999/x999/x999/x999/x999/x999/x999/999", "checkpoint",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
	{
		ScTilePath	tile;
		ScBuf		path = SC_BUF_INIT;

		CHECK_CASE(sc_tile_path_parse(&tile, good[i].path, strlen(good[i].path)), good[i].path);
		CHECK_CASE(tile.level == good[i].tile.level && tile.tile == good[i].tile.tile && tile.width == good[i].tile.width, good[i].path);
		sc_tile_path_format(&path, &good[i].tile);
		CHECK_CASE(sc_text_is(path.data, path.len, good[i].path), good[i].path);
		sc_buf_free(&path);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		ScTilePath	tile;

		CHECK_CASE(!sc_tile_path_parse(&tile, bad[i], strlen(bad[i])), bad[i]);
	}
}

/* the specification's example of 70,000 leaves, and one tile that is just full */
static void
test_tile_widths(void)
{
	ScBuf		bundle = SC_BUF_INIT;
	static const uint8_t expected[] = {0, 2, 'a', 'b', 0, 0};

	CHECK(sc_tile_width(0, 272, 70000) == 256 && sc_tile_width(0, 273, 70000) == 112 && sc_tile_width(0, 274, 70000) == 0);
	CHECK(sc_tile_width(1, 0, 70000) == 256 && sc_tile_width(1, 1, 70000) == 17 && sc_tile_width(1, 2, 70000) == 0);
	CHECK(sc_tile_width(2, 0, 70000) == 1 && sc_tile_width(3, 0, 70000) == 0);
	CHECK(sc_tile_width(SC_TILE_LEVEL_ENTRIES, 273, 70000) == 112);
	CHECK(sc_tile_width(0, 0, 256) == 256 && sc_tile_width(0, 1, 256) == 0 && sc_tile_width(1, 0, 256) == 1);
	CHECK(sc_tile_width(0, 0, 0) == 0 && sc_tile_width(0, UINT64_MAX, UINT64_MAX) == 0);

	CHECK(sc_tile_entry(&bundle, "ab", 2) && sc_tile_entry(&bundle, NULL, 0));
	CHECK(bundle.len == sizeof(expected) && memcmp(bundle.data, expected, sizeof(expected)) == 0);
	CHECK(!sc_tile_entry(&bundle, expected, 65536));
	sc_buf_free(&bundle);
}

/* a policy's witnesses w0, w1, ... and then the lines */
static void
make_policy(ScPolicy *policy, int nwitnesses, const char *groups)
{
	ScBuf		buf = SC_BUF_INIT;
	int			line;

	for (int i = 0; i < nwitnesses; i++)
	{
		ScVerifierKey key = {.type = SC_KEY_COSIGNATURE, .keylen = 32};

		snprintf(key.name, sizeof(key.name), "w%d", i);
		memset(key.key, i + 1, 32);
		sc_note_key_id(key.id, key.name, key.type, key.key, key.keylen);
		sc_buf_literal(&buf, "witness ");
		sc_buf_string(&buf, key.name);
		sc_buf_char(&buf, ' ');
		sc_note_format_key(&buf, &key);
		sc_buf_char(&buf, '\n');
	}
	sc_buf_string(&buf, groups);
	CHECK_CASE(sc_policy_parse(policy, &line, buf.data, buf.len) == SC_OK, groups);
	sc_buf_free(&buf);
}

/* the smallest overlap by trying every pair of sets */
static int
overlap_by_trying(const ScPolicy *policy, const bool *own)
{
	int			n = policy->nkeys;
	int			best = n;
	bool		good[SC_POLICY_KEYS_MAX];
	bool		met[1 << 8];

	for (int set = 0; set < 1 << n; set++)
	{
		for (int i = 0; i < n; i++)
			good[i] = set >> i & 1;
		met[set] = sc_policy_quorum_met(policy, good);
	}
	for (int a = 0; a < 1 << n; a++)
	{
		for (int b = a; met[a] && b < 1 << n; b++)
		{
			int			count = 0;

			for (int i = 0; i < n; i++)
				count += (a & b) >> i & 1 && !own[i];
			if (met[b] && count < best)
				best = count;
		}
	}
	return best;
}

static void
test_overlap(void)
{
	static const struct
	{
		const char *groups;
		int			overlap;
	}			known[] = {
		{"quorum none\n", 0}, {"quorum w0\n", 1},
		{"group g 3 w0 w1 w2 w3 w4\nquorum g\n", 1}, {"group g 4 w0 w1 w2 w3 w4\nquorum g\n", 3},
		{"group g 2 w0 w1 w2 w3 w4\nquorum g\n", 0}, {"group g any w0 w1\nquorum g\n", 0}, {"group g all w0 w1\nquorum g\n", 2},
		/* finance and 3 of 5 districts */
		{"group d 3 w1 w2 w3 w4 w5\ngroup g all w0 d\nquorum g\n", 2},
		{"group a all w0 w1\ngroup b all w2 w3\ngroup g any a b\nquorum g\n", 0},
		{"group a 2 w0 w1 w2\ngroup b 2 w3 w4 w5\ngroup g all a b\nquorum g\n", 2},
		{"group a 2 w0 w1 w2\ngroup b any w3 w4 w5\ngroup g 2 a b w6\nquorum g\n", 0},
		{"group a 2 w0 w1 w2\ngroup g 2 a w3 w4\nquorum g\n", 1},
	};
	static ScPolicy policy;
	bool		own[SC_POLICY_KEYS_MAX] = {0};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		make_policy(&policy, 7, known[i].groups);
		CHECK_CASE(sc_policy_overlap(&policy, NULL) == known[i].overlap, known[i].groups);
		for (int mask = 0; mask < 1 << 7; mask++)
		{
			int			before = test_failed;

			for (int k = 0; k < 7; k++)
				own[k] = mask >> k & 1;
			if (mask % 5 == 0)
				REQUIRE_CASE(sc_policy_overlap(&policy, own) == overlap_by_trying(&policy, own), known[i].groups);
			if (test_failed != before)
				break;
		}
	}
	test_passed++;
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_request();
	test_request_refused();
	test_judge();
	test_empty();
	test_answers();
	test_tile_paths();
	test_tile_widths();
	test_overlap();
	return test_end("witness");
}
