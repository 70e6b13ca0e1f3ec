/*
 * test_format.c
 *	  The worked example of docs/format.md is what this code makes and accepts.
 */
#include "harness.h"

#include "core/leaf.h"
#include "core/proof.h"
#include "core/prooffile.h"
#include "core/text.h"
#include "sign/key.h"

#define NLEAVES 4

/* a whole block of the page */
static void
read_block(ScBuf *buf, const char *name)
{
	FILE	   *f = test_open(name);
	char		chunk[4096];
	size_t		n;

	sc_buf_reset(buf);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		sc_buf_append(buf, chunk, n);
	fclose(f);
}

/* the block's lines, which must be `expected` many */
static void
read_lines(ScBuf *lines, int expected, const char *name)
{
	ScBuf		buf = SC_BUF_INIT;
	const char *text;
	const char *line;
	size_t		len;
	size_t		n;
	int			count = 0;

	read_block(&buf, name);
	text = buf.data;
	len = buf.len;
	while (sc_text_line(&line, &n, &text, &len) && count < expected)
	{
		sc_buf_reset(&lines[count]);
		sc_buf_append(&lines[count++], line, n);
	}
	CHECK_CASE(count == expected && len == 0, name);
	sc_buf_free(&buf);
}

static void
read_hashes(ScHash *hashes, int expected, const char *name)
{
	ScBuf		lines[8] = {SC_BUF_INIT};

	read_lines(lines, expected, name);
	for (int i = 0; i < expected; i++)
	{
		CHECK(sc_text_hex(hashes[i].bytes, SC_HASH_LEN, lines[i].data, lines[i].len));
		sc_buf_free(&lines[i]);
	}
}

static bool
same(const ScBuf *a, const ScBuf *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

int
main(int argc, char **argv)
{
	ScBuf		secrets[2] = {SC_BUF_INIT, SC_BUF_INIT};
	ScBuf		keys[2] = {SC_BUF_INIT, SC_BUF_INIT};
	ScBuf		leaves[NLEAVES] = {SC_BUF_INIT};
	ScBuf		expected = SC_BUF_INIT;
	ScBuf		text = SC_BUF_INIT;
	ScBuf		note = SC_BUF_INIT;
	ScBuf		receipt = SC_BUF_INIT;
	ScHash		hashes[NLEAVES];
	ScHash		roots[NLEAVES];
	ScHash		path[3];
	ScHash		hash;
	ScFrontier	frontier = {0};
	ScSigningKey signing[2];
	ScVerifierKey key;
	ScCheckpoint checkpoint = {.origin = "seoul.go.kr/inspector/main", .size = NLEAVES};

	test_begin(argc, argv);
	read_lines(secrets, 2, "format_secrets");
	read_lines(keys, 2, "format_keys");
	read_lines(leaves, NLEAVES, "format_leaves");
	read_hashes(hashes, NLEAVES, "format_leaf_hashes");
	read_hashes(roots, NLEAVES, "format_roots");

	for (int i = 0; i < 2; i++)
	{
		CHECK_STATUS(sc_key_parse_secret(&signing[i], secrets[i].data, secrets[i].len), SC_OK);
		for (int j = 0; j < 32; j++)
			REQUIRE(signing[i].secret[j] == 64 * i + j);
		sc_note_format_key(&text, &signing[i].public);
		CHECK(same(&text, &keys[i]));
		CHECK_STATUS(sc_note_parse_key(&key, keys[i].data, keys[i].len), SC_OK);
		sc_buf_reset(&text);
	}
	for (int i = 0; i < NLEAVES; i++)
	{
		static const ScLeafKind kinds[NLEAVES] = {SC_LEAF_EVENT, SC_LEAF_EVENT, SC_LEAF_ROW, SC_LEAF_BLOCK};
		ScLeaf		leaf;

		CHECK_STATUS(sc_leaf_parse(&leaf, leaves[i].data, leaves[i].len), SC_OK);
		CHECK(leaf.kind == kinds[i]);
		sc_leaf_free(&leaf);
		sc_hash_leaf(&hash, leaves[i].data, leaves[i].len);
		CHECK(test_same_hash(&hash, &hashes[i]));
		sc_frontier_append(&frontier, &hash, NULL, NULL);
		sc_frontier_root(&hash, &frontier);
		CHECK(test_same_hash(&hash, &roots[i]));
	}
	sc_hash_block(&hash, leaves[3].data, leaves[3].len, &roots[3]);
	read_hashes(path, 1, "format_block_hash");
	CHECK(test_same_hash(&hash, &path[0]));

	checkpoint.root = roots[3];
	sc_checkpoint_format(&text, &checkpoint);
	sc_buf_append(&note, text.data, text.len);
	sc_buf_char(&note, '\n');
	CHECK_STATUS(sc_key_sign_note(&note, &signing[0], text.data, text.len, 0), SC_OK);
	CHECK_STATUS(sc_key_sign_note(&note, &signing[1], text.data, text.len, 1767225602), SC_OK);
	read_block(&expected, "format_checkpoint");
	CHECK(same(&note, &expected));

	path[0] = hashes[3];
	path[1] = roots[1];
	sc_prooffile_format(&receipt, leaves[2].data, leaves[2].len, 2, path, 2, note.data, note.len);
	read_block(&expected, "format_receipt");
	CHECK(same(&receipt, &expected));
	CHECK_STATUS(sc_proof_verify_inclusion(&hashes[2], 2, NLEAVES, path, 2, &roots[3]), SC_OK);

	read_hashes(path, 3, "format_consistency_3_4");
	CHECK_STATUS(sc_proof_verify_consistency(3, &roots[2], 4, &roots[3], path, 3), SC_OK);

	for (int i = 0; i < 2; i++)
	{
		sc_buf_free(&secrets[i]);
		sc_buf_free(&keys[i]);
	}
	for (int i = 0; i < NLEAVES; i++)
		sc_buf_free(&leaves[i]);
	sc_buf_free(&expected);
	sc_buf_free(&text);
	sc_buf_free(&note);
	sc_buf_free(&receipt);
	return test_end("format");
}
