/*
 * test_hash.c
 *	  SHA-256 and RFC 6962 hashes against known answers and plain concatenation.
 */
#include "harness.h"

#include "core/tree.h"

/* leaf, node and block hashes are SHA-256 of what the definition says, at every length */
static void
test_against_concatenation(void)
{
	uint8_t		data[300];
	uint8_t		message[400];
	ScHash		a;
	ScHash		b;
	int			before = test_failed;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t) test_random();
	for (size_t len = 0; len < sizeof(data); len++)
	{
		ScHash		root;

		sc_hash_leaf(&a, data, len);
		message[0] = 0;
		memcpy(message + 1, data, len);
		sc_hash_bytes(&b, message, len + 1);
		REQUIRE(test_same_hash(&a, &b));

		for (size_t shared = 0; shared <= len; shared += 1 + len / 7)
		{
			ScLeafPrefix prefix;

			sc_hash_leaf_prefix(&prefix, data, shared);
			REQUIRE(prefix.len <= shared && shared - prefix.len < 64);
			sc_hash_leaf_after(&b, &prefix, data, len);
			REQUIRE(test_same_hash(&a, &b));
		}

		memcpy(root.bytes, data + 100, SC_HASH_LEN);
		sc_hash_block(&a, data, len, &root);
		memcpy(message, data, len);
		memcpy(message + len, root.bytes, SC_HASH_LEN);
		sc_hash_bytes(&b, message, len + SC_HASH_LEN);
		REQUIRE(test_same_hash(&a, &b));
	}
	for (int i = 0; i < 1000; i++)
	{
		ScHash		left;
		ScHash		right;

		for (int j = 0; j < SC_HASH_LEN; j++)
		{
			left.bytes[j] = (uint8_t) test_random();
			right.bytes[j] = (uint8_t) test_random();
		}
		message[0] = 1;
		memcpy(message + 1, left.bytes, SC_HASH_LEN);
		memcpy(message + 1 + SC_HASH_LEN, right.bytes, SC_HASH_LEN);
		sc_hash_bytes(&b, message, 1 + 2 * SC_HASH_LEN);
		sc_hash_node(&a, &left, &right);
		REQUIRE(test_same_hash(&a, &b));
		a = left;
		sc_hash_node(&a, &a, &right);
		REQUIRE(test_same_hash(&a, &b));
		a = right;
		sc_hash_node(&a, &left, &a);
		REQUIRE(test_same_hash(&a, &b));
	}
	CHECK_NO_NEW_FAILURE(before);
}

static void
test_known_answers(void)
{
	ScHash		expected;
	ScHash		hash;

	CHECK(test_unhash(&expected, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
	sc_hash_empty(&hash);
	CHECK(test_same_hash(&hash, &expected));
	CHECK(test_unhash(&expected, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	sc_hash_bytes(&hash, "abc", 3);
	CHECK(test_same_hash(&hash, &expected));
	CHECK(test_unhash(&expected, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"));
	sc_hash_leaf(&hash, "", 0);
	CHECK(test_same_hash(&hash, &expected));
}

/* leaves, every root and every node of the published tree of eight leaves */
static void
test_reference_tree(void)
{
	FILE	   *f = test_open("rfc6962");
	char	   *fields[TEST_FIELDS];
	ScHash		leaves[8];
	ScHash		expected;
	ScHash		hash;
	ScFrontier	frontier = {0};
	int			nleaves = 0;
	int			nroots = 0;
	int			nnodes[4] = {0};

	while (test_read(f, fields) == 2)
	{
		if (strcmp(fields[0], "leaf") == 0)
		{
			size_t		len;
			uint8_t    *data = test_unhex(&len, fields[1]);

			sc_hash_leaf(&leaves[nleaves++], data, len);
			free(data);
			continue;
		}
		CHECK(test_unhash(&expected, fields[1]));
		if (strcmp(fields[0], "root") == 0)
		{
			if (nroots > 0)
				sc_frontier_append(&frontier, &leaves[nroots - 1], NULL, NULL);
			nroots++;
			sc_frontier_root(&hash, &frontier);
		}
		else
		{
			int			level = fields[0][4] - '0';
			ScHash		range[8];

			memcpy(range, leaves + (nnodes[level]++ << level), sizeof(ScHash) << level);
			sc_tree_perfect_root(&hash, range, level);
		}
		CHECK_CASE(test_same_hash(&hash, &expected), fields[0]);
	}
	CHECK(nleaves == 8 && nroots == 9 && nnodes[0] == 8 && nnodes[3] >= 0);
	fclose(f);
}

/* each status has words of its own */
static void
test_status_texts(void)
{
	for (int i = 0; i <= SC_INTERNAL; i++)
	{
		for (int j = 0; j < i; j++)
			CHECK(strcmp(sc_status_text((ScStatus) i), sc_status_text((ScStatus) j)) != 0);
	}
	CHECK(sc_status_text((ScStatus) 999) != NULL);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_known_answers();
	test_against_concatenation();
	test_reference_tree();
	test_status_texts();
	return test_end("hash");
}
