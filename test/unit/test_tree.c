/*
 * test_tree.c
 *	  Plans, paths, frontier and verifiers against RFC 6962's recursive definitions.
 *
 * Exhaustive for trees of up to 64 leaves: every index, every pair of sizes,
 * every bit of every proof.  Beyond that, trees of equal leaves up to 2^63 - 1.
 */
#include "harness.h"

#include "core/proof.h"
#include "core/tree.h"

#define LEAVES 64

static ScHash leaf_hash[LEAVES];
static ScHash range_hash[LEAVES + 1][LEAVES + 1];	/* MTH(D[a:b]) */

/* the largest power of two below n */
static int
split(int n)
{
	int			k = 1;

	while (2 * k < n)
		k *= 2;
	return k;
}

/* MTH of the definition, for all ranges */
static void
make_ranges(void)
{
	for (int i = 0; i < LEAVES; i++)
	{
		uint8_t		byte = (uint8_t) (i * 7);

		sc_hash_leaf(&leaf_hash[i], &byte, 1);
		range_hash[i][i + 1] = leaf_hash[i];
	}
	for (int n = 2; n <= LEAVES; n++)
	{
		for (int a = 0; a + n <= LEAVES; a++)
		{
			int			k = split(n);

			sc_hash_node(&range_hash[a][a + n], &range_hash[a][a + k], &range_hash[a + k][a + n]);
		}
	}
	sc_hash_empty(&range_hash[0][0]);
}

/* PATH(m, D[a:b]), appended to path */
static int
naive_path(ScHash *path, int m, int a, int b)
{
	int			k;
	int			n;

	if (b - a == 1)
		return 0;
	k = split(b - a);
	if (m < k)
	{
		n = naive_path(path, m, a, a + k);
		path[n] = range_hash[a + k][b];
	}
	else
	{
		n = naive_path(path, m - k, a + k, b);
		path[n] = range_hash[a][a + k];
	}
	return n + 1;
}

/* SUBPROOF(m, D[a:b], known), appended to path */
static int
naive_subproof(ScHash *path, int m, int a, int b, bool known)
{
	int			k;
	int			n;

	if (m == b - a)
	{
		if (known)
			return 0;
		path[0] = range_hash[a][b];
		return 1;
	}
	k = split(b - a);
	if (m <= k)
	{
		n = naive_subproof(path, m, a, a + k, known);
		path[n] = range_hash[a + k][b];
	}
	else
	{
		n = naive_subproof(path, m - k, a + k, b, false);
		path[n] = range_hash[a][a + k];
	}
	return n + 1;
}

/* the path that a plan gives, its nodes fetched from the ranges */
static void
plan_to_path(ScHash *path, const ScProofPlan *plan)
{
	ScHash		hashes[SC_PLAN_MAX];

	for (int i = 0; i < plan->nids; i++)
	{
		ScNodeId	id = plan->ids[i];
		uint64_t	first = id.index << id.level;
		uint64_t	end = (id.index + 1) << id.level;

		REQUIRE(end <= LEAVES);
		hashes[i] = range_hash[first][end];
	}
	sc_tree_plan_path(path, plan, hashes);
}

static bool
same_paths(const ScHash *a, int na, const ScHash *b, int nb)
{
	return na == nb && (na == 0 || memcmp(a, b, sizeof(ScHash) * (size_t) na) == 0);
}

/* one inclusion proof, and everything near it that must fail */
static void
try_inclusion(int index, int size)
{
	ScHash		naive[SC_PROOF_MAX + 1];
	ScHash		path[SC_PROOF_MAX + 1];
	ScHash		leaf = leaf_hash[index];
	ScHash		root = range_hash[0][size];
	ScProofPlan plan;
	uint64_t	i = (uint64_t) index;
	uint64_t	n = (uint64_t) size;
	int			npath = naive_path(naive, index, 0, size);

	REQUIRE(sc_tree_plan_inclusion(&plan, i, n) == SC_OK);
	plan_to_path(path, &plan);
	REQUIRE(same_paths(path, plan.npath, naive, npath));
	REQUIRE(sc_proof_verify_inclusion(&leaf, i, n, path, npath, &root) == SC_OK);

	for (int bit = 0; bit < npath * 256; bit++)
	{
		path[bit / 256].bytes[bit / 8 % 32] ^= (uint8_t) (1 << bit % 8);
		REQUIRE(sc_proof_verify_inclusion(&leaf, i, n, path, npath, &root) == SC_MISMATCH);
		path[bit / 256].bytes[bit / 8 % 32] ^= (uint8_t) (1 << bit % 8);
	}
	for (int bit = 0; bit < 256; bit++)
	{
		leaf.bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		REQUIRE(sc_proof_verify_inclusion(&leaf, i, n, path, npath, &root) == SC_MISMATCH);
		leaf.bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		root.bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		REQUIRE(sc_proof_verify_inclusion(&leaf, i, n, path, npath, &root) == SC_MISMATCH);
		root.bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	for (uint64_t other = 0; other <= n; other++)
	{
		if (other != i)
			REQUIRE(sc_proof_verify_inclusion(&leaf, other, n, path, npath, &root) != SC_OK);
	}
	path[npath] = root;
	REQUIRE(sc_proof_verify_inclusion(&leaf, i, n, path, npath + 1, &root) == SC_MALFORMED);
	if (npath > 0)
	{
		REQUIRE(sc_proof_verify_inclusion(&leaf, i, n, path, npath - 1, &root) == SC_MALFORMED);
		REQUIRE(sc_proof_verify_inclusion(&leaf, i, n, path + 1, npath - 1, &root) == SC_MALFORMED);
	}
}

static void
test_inclusion(void)
{
	ScProofPlan plan;
	ScHash		root = range_hash[0][LEAVES];

	for (int size = 1; size <= LEAVES; size++)
	{
		int			before = test_failed;

		for (int index = 0; index < size; index++)
			try_inclusion(index, size);
		CHECK_NO_NEW_FAILURE(before);
		CHECK_STATUS(sc_tree_plan_inclusion(&plan, (uint64_t) size, (uint64_t) size), SC_RANGE);
		CHECK_STATUS(sc_proof_verify_inclusion(&leaf_hash[0], (uint64_t) size, (uint64_t) size, NULL, 0, &root), SC_RANGE);
	}
	CHECK_STATUS(sc_proof_subproof_roots(&root, &root, 0, 5, &root, 1), SC_RANGE);
	CHECK_STATUS(sc_proof_subproof_roots(&root, &root, 5, 5, &root, 1), SC_RANGE);
	root = range_hash[0][LEAVES];
	CHECK_STATUS(sc_tree_plan_inclusion(&plan, 0, 0), SC_RANGE);
	CHECK_STATUS(sc_proof_verify_inclusion(&leaf_hash[0], 0, 0, NULL, 0, &root), SC_RANGE);
	CHECK_STATUS(sc_proof_verify_inclusion(&leaf_hash[0], UINT64_MAX, UINT64_MAX, NULL, 0, &root), SC_RANGE);
}

/* one consistency proof, and everything near it that must fail */
static void
try_consistency(int from, int to)
{
	ScHash		naive[SC_PROOF_MAX + 1];
	ScHash		path[SC_PROOF_MAX + 1];
	ScHash		old = range_hash[0][from];
	ScHash		new = range_hash[0][to];
	ScProofPlan plan;
	uint64_t	m = (uint64_t) from;
	uint64_t	n = (uint64_t) to;
	int			npath = from == 0 || from == to ? 0 : naive_subproof(naive, from, 0, to, true);

	REQUIRE(sc_tree_plan_consistency(&plan, m, n) == SC_OK);
	plan_to_path(path, &plan);
	REQUIRE(same_paths(path, plan.npath, naive, npath));
	REQUIRE(sc_proof_verify_consistency(m, &old, n, &new, path, npath) == SC_OK);

	for (int bit = 0; bit < npath * 256; bit++)
	{
		path[bit / 256].bytes[bit / 8 % 32] ^= (uint8_t) (1 << bit % 8);
		REQUIRE(sc_proof_verify_consistency(m, &old, n, &new, path, npath) == SC_MISMATCH);
		path[bit / 256].bytes[bit / 8 % 32] ^= (uint8_t) (1 << bit % 8);
	}
	for (int bit = 0; bit < 256; bit++)
	{
		old.bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		REQUIRE(sc_proof_verify_consistency(m, &old, n, &new, path, npath) == SC_MISMATCH);
		old.bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		if (from == 0 && to > 0)
			continue;			/* anything extends nothing */
		new.bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
		REQUIRE(sc_proof_verify_consistency(m, &old, n, &new, path, npath) == SC_MISMATCH);
		new.bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	path[npath] = new;
	REQUIRE(sc_proof_verify_consistency(m, &old, n, &new, path, npath + 1) != SC_OK);
	if (npath > 0)
	{
		REQUIRE(sc_proof_verify_consistency(m, &old, n, &new, path, npath - 1) != SC_OK);
		REQUIRE(sc_proof_verify_consistency(m, &old, n, &new, path + 1, npath - 1) != SC_OK);
		REQUIRE(sc_proof_verify_consistency(m, &old, n, &new, path, 0) == SC_MALFORMED);
	}
	if (from > 0 && from < to)
	{
		ScHash		found_old;
		ScHash		found_new;
		int			nsub = naive_subproof(naive, from, 0, to, false);

		REQUIRE(sc_proof_subproof_roots(&found_old, &found_new, m, n, naive, nsub) == SC_OK);
		REQUIRE(test_same_hash(&found_old, &old) && test_same_hash(&found_new, &new));
		REQUIRE(sc_proof_subproof_roots(&found_old, &found_new, m, n, naive, nsub - 1) == SC_MALFORMED);
		REQUIRE(sc_proof_subproof_roots(&found_old, &found_new, m, n, naive, 0) == SC_MALFORMED);
		for (int i = 0; i < nsub; i++)
		{
			naive[i].bytes[0] ^= 1;
			REQUIRE(sc_proof_subproof_roots(&found_old, &found_new, m, n, naive, nsub) == SC_OK);
			REQUIRE(!test_same_hash(&found_new, &new));
			naive[i].bytes[0] ^= 1;
		}
	}
	if (from != to)
	{
		REQUIRE(sc_proof_verify_consistency(n, &new, m, &old, path, npath) == SC_RANGE);
		REQUIRE(sc_tree_plan_consistency(&plan, n, m) == SC_RANGE);
	}
}

static void
test_consistency(void)
{
	for (int to = 0; to <= LEAVES; to++)
	{
		int			before = test_failed;

		for (int from = 0; from <= to; from++)
			try_consistency(from, to);
		CHECK_NO_NEW_FAILURE(before);
	}
}

/* what the frontier reports, compared with the ranges */
typedef struct Seen
{
	uint64_t	index;			/* of the leaf being added */
	int			calls;
} Seen;

static void
note_node(void *arg, int level, uint64_t index, const ScHash *hash)
{
	Seen	   *seen = arg;

	REQUIRE(level == seen->calls);
	REQUIRE((index + 1) << level == seen->index + 1);
	REQUIRE(test_same_hash(hash, &range_hash[index << level][(index + 1) << level]));
	seen->calls++;
}

static void
test_frontier(void)
{
	ScFrontier	frontier = {0};
	ScHash		root;

	sc_frontier_root(&root, &frontier);
	CHECK(test_same_hash(&root, &range_hash[0][0]));
	for (int i = 0; i < LEAVES; i++)
	{
		ScNodeId	ids[SC_TREE_MAX_LEVELS];
		ScHash		hashes[SC_TREE_MAX_LEVELS];
		Seen		seen = {(uint64_t) i, 0};
		int			before = test_failed;
		int			n;

		sc_frontier_append(&frontier, &leaf_hash[i], note_node, &seen);
		REQUIRE(seen.calls == 1 + __builtin_ctz((unsigned int) i + 1));
		REQUIRE(frontier.size == (uint64_t) i + 1);
		sc_frontier_root(&root, &frontier);
		REQUIRE(test_same_hash(&root, &range_hash[0][i + 1]));

		n = sc_tree_root_nodes(ids, frontier.size);
		REQUIRE(n == frontier.nnodes);
		for (int j = 0; j < n; j++)
		{
			hashes[j] = range_hash[ids[j].index << ids[j].level][(ids[j].index + 1) << ids[j].level];
			REQUIRE(test_same_hash(&hashes[j], &frontier.nodes[j]));
		}
		sc_tree_fold(&root, hashes, n);
		REQUIRE(test_same_hash(&root, &range_hash[0][i + 1]));
		CHECK_NO_NEW_FAILURE(before);
	}
}

static void
test_perfect_root(void)
{
	for (int height = 0; 1 << height <= LEAVES; height++)
	{
		ScHash		copy[LEAVES];
		ScHash		root;

		memcpy(copy, leaf_hash, sizeof(copy));
		sc_tree_perfect_root(&root, copy, height);
		CHECK(test_same_hash(&root, &range_hash[0][1 << height]));
	}
}

/* trees whose leaves are all equal: a perfect subtree's hash depends on its level only */
static ScHash equal_hash[SC_TREE_MAX_LEVELS];

static void
equal_root(ScHash *root, uint64_t size)
{
	ScNodeId	ids[SC_TREE_MAX_LEVELS];
	ScHash		hashes[SC_TREE_MAX_LEVELS];
	int			n = sc_tree_root_nodes(ids, size);

	for (int i = 0; i < n; i++)
		hashes[i] = equal_hash[ids[i].level];
	sc_tree_fold(root, hashes, n);
}

static void
equal_path(ScHash *path, const ScProofPlan *plan)
{
	ScHash		hashes[SC_PLAN_MAX];

	REQUIRE(plan->nids <= SC_PLAN_MAX && plan->npath <= SC_PROOF_MAX);
	for (int i = 0; i < plan->nids; i++)
		hashes[i] = equal_hash[plan->ids[i].level];
	sc_tree_plan_path(path, plan, hashes);
}

static void
try_equal(uint64_t index, uint64_t from, uint64_t size)
{
	ScHash		path[SC_PROOF_MAX];
	ScHash		root;
	ScHash		old;
	ScProofPlan plan;

	equal_root(&root, size);
	REQUIRE(sc_tree_plan_inclusion(&plan, index, size) == SC_OK);
	equal_path(path, &plan);
	REQUIRE(sc_proof_verify_inclusion(&equal_hash[0], index, size, path, plan.npath, &root) == SC_OK);
	if (plan.npath > 0)
	{
		path[plan.npath / 2].bytes[3] ^= 1;
		REQUIRE(sc_proof_verify_inclusion(&equal_hash[0], index, size, path, plan.npath, &root) == SC_MISMATCH);
		REQUIRE(sc_proof_verify_inclusion(&equal_hash[0], index, size, path, plan.npath - 1, &root) == SC_MALFORMED);
	}
	equal_root(&old, from);
	REQUIRE(sc_tree_plan_consistency(&plan, from, size) == SC_OK);
	equal_path(path, &plan);
	REQUIRE(sc_proof_verify_consistency(from, &old, size, &root, path, plan.npath) == SC_OK);
	if (plan.npath > 0)
	{
		path[plan.npath / 2].bytes[3] ^= 1;
		REQUIRE(sc_proof_verify_consistency(from, &old, size, &root, path, plan.npath) == SC_MISMATCH);
	}
}

/* the frontier of a tree of equal leaves, one leaf further */
static void
try_equal_append(uint64_t size)
{
	ScNodeId	ids[SC_TREE_MAX_LEVELS];
	ScFrontier	frontier = {.size = size};
	ScHash		expected;
	ScHash		root;

	frontier.nnodes = sc_tree_root_nodes(ids, size);
	for (int i = 0; i < frontier.nnodes; i++)
		frontier.nodes[i] = equal_hash[ids[i].level];
	sc_frontier_append(&frontier, &equal_hash[0], NULL, NULL);
	sc_frontier_root(&root, &frontier);
	equal_root(&expected, size + 1);
	REQUIRE(test_same_hash(&root, &expected));
}

static void
test_big_trees(void)
{
	static const int bits[] = {7, 8, 16, 32, 40, 48, 62, 63};

	sc_hash_leaf(&equal_hash[0], "x", 1);
	for (int level = 1; level < SC_TREE_MAX_LEVELS; level++)
		sc_hash_node(&equal_hash[level], &equal_hash[level - 1], &equal_hash[level - 1]);
	for (size_t b = 0; b < sizeof(bits) / sizeof(bits[0]); b++)
	{
		uint64_t	top = bits[b] == 63 ? INT64_MAX : UINT64_C(1) << bits[b];
		int			before = test_failed;

		for (int i = 0; i < 300; i++)
		{
			uint64_t	size = i == 0 ? top : i == 1 ? top - 1 : 1 + test_random() % top;
			uint64_t	index = i % 3 == 0 ? size - 1 : i % 3 == 1 ? 0 : test_random() % size;
			uint64_t	from = i % 4 == 0 ? size : i % 4 == 1 ? size - size / 2 : 1 + test_random() % size;

			try_equal(index, from, size);
			try_equal_append(size);
		}
		CHECK_NO_NEW_FAILURE(before);
	}
}

/* the published inclusion or consistency cases; one marked valid has roots of 12 bytes */
static void
test_published(const char *name, bool consistency)
{
	FILE	   *f = test_open(name);
	char	   *fields[TEST_FIELDS];
	int			cases = 0;

	while (test_read(f, fields) == 7)
	{
		ScHash		path[SC_PROOF_MAX];
		ScHash		a;
		ScHash		b;
		uint64_t	x = strtoull(fields[1], NULL, 10);
		uint64_t	y = strtoull(fields[2], NULL, 10);
		bool		formed = test_unhash(&a, fields[3]) && test_unhash(&b, fields[4]);
		bool		valid = fields[5][0] == '1';
		bool		found = false;
		int			npath = 0;

		for (char *p = strcmp(fields[6], "-") == 0 ? NULL : strtok(fields[6], ","); p; p = strtok(NULL, ","))
			formed = npath < SC_PROOF_MAX && test_unhash(&path[npath++], p) && formed;
		if (formed)
			found = (consistency ? sc_proof_verify_consistency(x, &a, y, &b, path, npath)
					 : sc_proof_verify_inclusion(&a, x, y, path, npath, &b)) == SC_OK;
		if (strcmp(fields[0], "consistency/additional/sizes-are-equal-one-and-proof-is-empty") == 0)
			valid = false;
		CHECK_CASE(found == valid, fields[0]);
		cases++;
	}
	CHECK(cases == 98);
	fclose(f);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	make_ranges();
	test_inclusion();
	test_consistency();
	test_frontier();
	test_perfect_root();
	test_big_trees();
	test_published("inclusion", false);
	test_published("consistency", true);
	return test_end("tree");
}
