/*
 * test_prooffile.c
 *	  Proof files and leaves: what parses, what does not, and round trips.
 */
#include "harness.h"

#include "core/leaf.h"
#include "core/prooffile.h"
#include "core/text.h"

#define START "c2sp.org/tlog-proof@v1\n"
#define HASH64 "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

static ScProofFile file;

static ScStatus
parse(const char *text)
{
	ScStatus	status = sc_prooffile_parse(&file, text, strlen(text));

	sc_prooffile_free(&file);
	return status;
}

static void
test_round_trips(void)
{
	ScHash		path[SC_PROOF_MAX];
	uint8_t		extra[200];
	ScBuf		buf = SC_BUF_INIT;

	memset(path, 7, sizeof(path));
	memset(extra, 8, sizeof(extra));
	for (size_t extralen = 0; extralen < sizeof(extra); extralen += 13)
	{
		for (int npath = 0; npath <= SC_PROOF_MAX; npath += 16)
		{
			sc_buf_reset(&buf);
			sc_prooffile_format(&buf, extra, extralen, UINT64_MAX - extralen, path, npath, "checkpoint\nx", 12);
			CHECK_STATUS(sc_prooffile_parse(&file, buf.data, buf.len), SC_OK);
			CHECK(file.has_extra == (extralen > 0) && file.extralen == extralen);
			CHECK(extralen == 0 || memcmp(file.extra, extra, extralen) == 0);
			CHECK(file.index == UINT64_MAX - extralen && file.npath == npath);
			CHECK(memcmp(file.path, path, sizeof(ScHash) * (size_t) npath) == 0);
			CHECK(file.checkpointlen == 12 && memcmp(file.checkpoint, "checkpoint\nx", 12) == 0);
			sc_prooffile_free(&file);
		}
	}
	sc_buf_free(&buf);
}

static void
test_refused(void)
{
	static const char *const bad[] = {
		"", "\n", START, START "index 0\n", START "index 0\n\n", START "index 0\n" HASH64 "\n", START "index 0\n" HASH64 "\n\n",
		START "index 0\n" HASH64, START "index \n\nx", START "index 00\n\nx", START "index -1\n\nx", START "index 0 \n\nx",
		START "index0\n\nx", START "Index 0\n\nx", START "index 18446744073709551616\n\nx", START "\nindex 0\n\nx",
		START "extra \nindex 0\n\nx", START "extra\nindex 0\n\nx", START "extra Zg\nindex 0\n\nx", START "extra Zh==\nindex 0\n\nx",
		START "extra Zg==\nextra Zg==\nindex 0\n\nx", START "index 0\nextra Zg==\n\nx", START "extra Zg==\n", START "extra Zg==",
		START "index 0\nZg==\n\nx", START "index 0\n" HASH64 " \n\nx", START "index 0\n \n\nx",
		"c2sp.org/tlog-proof@v2\nindex 0\n\nx", " " START "index 0\n\nx", "c2sp.org/tlog-proof@v1\r\nindex 0\n\nx",
	};
	ScBuf		buf = SC_BUF_INIT;

	CHECK_STATUS(parse(START "index 0\n\nx"), SC_OK);
	CHECK_STATUS(parse(START "extra Zg==\nindex 0\n" HASH64 "\n\nx"), SC_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(parse(bad[i]) == SC_MALFORMED, bad[i]);

	sc_buf_literal(&buf, START "index 0\n");
	for (int i = 0; i <= SC_PROOF_MAX; i++)
		sc_buf_literal(&buf, HASH64 "\n");
	sc_buf_literal(&buf, "\nx");
	CHECK(sc_buf_cstr(&buf) != NULL);
	CHECK_STATUS(parse(buf.data), SC_TOO_LARGE);
	sc_buf_free(&buf);
}

static ScStatus
leaf_status(const char *text)
{
	ScLeaf		leaf;
	ScStatus	status = sc_leaf_parse(&leaf, text, strlen(text));

	if (status == SC_OK)
		sc_leaf_free(&leaf);
	return status;
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define BLOCK(members) "{\"block\":{" members "},\"chain\":\"c\"}"

static void
test_leaves(void)
{
	static const char *const good[] = {
		"{\"chain\":\"c\",\"columns\":{},\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{\"a\":\"\"},\"digests\":{\"b\":{\"bytes\":\"9\",\"sha256\":\"" ZEROS "\"}},"
		"\"private\":{\"c\":\"x\"},\"seq\":\"9223372036854775807\",\"table\":\"t\",\"time\":\"now\"}",
		"{\"chain\":\"c\",\"event\":{\"type\":\"genesis\"},\"seq\":\"1\"}",
		"{\"chain\":\"c\",\"event\":{\"columns\":[{\"name\":\"a\"}],\"type\":\"join\"},\"seq\":\"1\",\"table\":\"t\"}",
		BLOCK("\"first_leaf\":\"0\",\"height\":\"0\",\"members\":\"{[1,4)}\",\"prev_block\":\"" ZEROS "\",\"prev_root\":\"" ZEROS "\",\"sealed_at\":\"x\""),
	};
	static const char *const bad[] = {
		"", "{}", "[]", "\"c\"", "{\"chain\":\"c\"}", "{\"chain\":\"c d\",\"columns\":{},\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":[],\"columns\":{},\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{},\"seq\":\"1\"}", "{\"chain\":\"c\",\"columns\":{},\"table\":\"t\"}",
		"{\"chain\":\"c\",\"seq\":\"1\",\"table\":\"t\"}", "{\"columns\":{},\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{},\"seq\":\"01\",\"table\":\"t\"}", "{\"chain\":\"c\",\"columns\":{},\"seq\":\"-1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{},\"seq\":\"9223372036854775808\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{\"a\":[]},\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":[],\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{},\"extra\":\"\",\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{\"a\":\"\"},\"private\":{\"a\":\"\"},\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{\"a\":\"\"},\"digests\":{\"a\":{\"bytes\":\"9\",\"sha256\":\"" ZEROS "\"}},\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{},\"digests\":{\"a\":\"\"},\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{},\"digests\":{\"a\":{\"bytes\":\"9\"}},\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{},\"digests\":{\"a\":{\"bytes\":\"9\",\"sha256\":\"00\"}},\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"columns\":{},\"event\":{\"type\":\"x\"},\"seq\":\"1\",\"table\":\"t\"}",
		"{\"chain\":\"c\",\"event\":{\"type\":\"x\"}}", "{\"chain\":\"c\",\"event\":{},\"seq\":\"1\"}", "{\"chain\":\"c\",\"event\":\"x\",\"seq\":\"1\"}",
		"{\"chain\":\"c\",\"event\":{\"type\":\"x\"},\"seq\":\"1\",\"time\":\"x\"}",
		BLOCK("\"first_leaf\":\"0\",\"height\":\"0\",\"members\":\"{}\",\"prev_block\":\"\",\"prev_root\":\"" ZEROS "\",\"sealed_at\":\"x\""),
		BLOCK("\"first_leaf\":\"0\",\"height\":\"0\",\"members\":\"{}\",\"prev_root\":\"" ZEROS "\",\"sealed_at\":\"x\""),
		"{\"block\":{},\"chain\":\"c\",\"seq\":\"1\"}", "{\"block\":\"\",\"chain\":\"c\"}",
		"{\"chain\":\"c\",\"columns\":{},\"seq\":\"1\",\"table\":\"t\"} ",
	};
	static const char tail[] = "\"},\"seq\":\"1\",\"table\":\"t\"}";
	char	   *big = malloc(SC_LEAF_MAX + 2);

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK_CASE(leaf_status(good[i]) == SC_OK, good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(leaf_status(bad[i]) == SC_MALFORMED, bad[i]);

	/* 65,535 bytes is a leaf, one more is none */
	for (size_t len = SC_LEAF_MAX; len <= SC_LEAF_MAX + 1; len++)
	{
		size_t		n = (size_t) sprintf(big, "{\"chain\":\"c\",\"columns\":{\"a\":\"");

		memset(big + n, 'x', len - n);
		strcpy(big + len - strlen(tail), tail);
		CHECK_STATUS(leaf_status(big), len == SC_LEAF_MAX ? SC_OK : SC_TOO_LARGE);
	}
	free(big);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_round_trips();
	test_refused();
	test_leaves();
	return test_end("prooffile");
}
