/*
 * test_payload.c
 *	  What is signed of a row: the signed columns, wherever they stand in the leaf, and nothing else.
 */
#include "harness.h"

#include "core/payload.h"
#include "core/text.h"

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char row[] =
"{\"chain\":\"seoul.go.kr/inspector/main\",\"columns\":{\"car\":\"KMHEM42APXA000001\",\"km\":\"48210\",\"nonce\":\"4f1c\",\"remark\":\"브레이크 \\\"B\\\"\\n\"},"
"\"digests\":{\"photo\":{\"bytes\":\"5000\",\"sha256\":\"" HASH "\"},\"scan\":{\"bytes\":\"6000\",\"sha256\":\"" HASH "\"}},"
"\"private\":{\"owner\":\"abc\",\"phone\":\"def\"},\"seq\":\"7\",\"table\":\"usedcar.inspection\",\"time\":\"2026-01-01 00:00:00+00\"}";

static void
expect(const char *leaf_text, const char *const *columns, int ncolumns, const char *expected)
{
	ScLeaf		leaf;
	ScBuf		buf = SC_BUF_INIT;
	ScJson	   *again;

	CHECK_STATUS(sc_leaf_parse(&leaf, leaf_text, strlen(leaf_text)), SC_OK);
	CHECK_STATUS(sc_payload_format(&buf, &leaf, columns, ncolumns), SC_OK);
	CHECK_CASE(sc_text_is(buf.data, buf.len, expected), sc_buf_cstr(&buf));

	/* canonical */
	CHECK_STATUS(sc_json_parse(&again, buf.data, buf.len), SC_OK);
	sc_json_free(again);
	sc_leaf_free(&leaf);
	sc_buf_free(&buf);
}

int
main(int argc, char **argv)
{
	static const char *const some[] = {"nonce", "car", "nothing"};
	static const char *const all_groups[] = {"phone", "scan", "remark"};
	static const char *const one_private[] = {"owner"};
	static const char event[] = "{\"chain\":\"a/b/c\",\"event\":{\"type\":\"x\"},\"seq\":\"1\"}";
	ScLeaf		leaf;
	ScBuf		buf = SC_BUF_INIT;

	test_begin(argc, argv);
	expect(row, some, 3, "{\"chain\":\"seoul.go.kr/inspector/main\",\"columns\":{\"car\":\"KMHEM42APXA000001\",\"nonce\":\"4f1c\"},\"table\":\"usedcar.inspection\"}");
	expect(row, all_groups, 3, "{\"chain\":\"seoul.go.kr/inspector/main\",\"columns\":{\"remark\":\"브레이크 \\\"B\\\"\\n\"},"
		   "\"digests\":{\"scan\":{\"bytes\":\"6000\",\"sha256\":\"" HASH "\"}},\"private\":{\"phone\":\"def\"},\"table\":\"usedcar.inspection\"}");
	expect(row, one_private, 1, "{\"chain\":\"seoul.go.kr/inspector/main\",\"columns\":{},\"private\":{\"owner\":\"abc\"},\"table\":\"usedcar.inspection\"}");
	expect(row, NULL, 0, "{\"chain\":\"seoul.go.kr/inspector/main\",\"columns\":{},\"table\":\"usedcar.inspection\"}");
	CHECK(sc_payload_covers("car", 3, some, 3) && !sc_payload_covers("ca", 2, some, 3) && !sc_payload_covers("cars", 4, some, 3));
	CHECK_STATUS(sc_leaf_parse(&leaf, event, strlen(event)), SC_OK);
	CHECK_STATUS(sc_payload_format(&buf, &leaf, some, 3), SC_MALFORMED);
	sc_leaf_free(&leaf);
	sc_buf_free(&buf);
	return test_end("payload");
}
