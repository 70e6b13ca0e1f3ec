/*
 * test_value.c
 *	  bytea and text[] as leaves write them.
 */
#include "harness.h"

#include "core/value.h"

static void
test_bytea(void)
{
	static const char *const bad[] = {"", "\\", "\\x0", "\\xFF", "x00", "\\x0g", "00", "\\x00 ", "\\000"};
	ScBuf		buf = SC_BUF_INIT;

	CHECK_STATUS(sc_value_bytea(&buf, "\\x00ff7f", 8), SC_OK);
	CHECK(buf.len == 3 && memcmp(buf.data, "\x00\xFF\x7F", 3) == 0);
	sc_buf_reset(&buf);
	CHECK_STATUS(sc_value_bytea(&buf, "\\x", 2), SC_OK);
	CHECK(buf.len == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_STATUS(sc_value_bytea(&buf, bad[i], strlen(bad[i])), SC_MALFORMED);
	sc_buf_reset(&buf);
	sc_value_bytea_text(&buf, "\x01\xAB", 2);
	CHECK(strcmp(sc_buf_cstr(&buf), "\\x01ab") == 0);
	sc_buf_free(&buf);
}

static bool
has(const char *array, const char *element)
{
	bool		found = false;

	CHECK_STATUS(sc_value_array_has(&found, array, strlen(array), element, strlen(element)), SC_OK);
	return found;
}

static void
test_array(void)
{
	static const char *const bad[] = {
		"", "a", "{", "{a", "{a,}", "{,a}", "{a}b", "{{a}}", "[0:0]={a}", "{\"a}", "{\"a\\b\"}", "{a b}", "{a\\}", "{\"\\\"}", "{\"a\"b}", "{} ",
	};
	bool		found;

	CHECK(!has("{}", "a") && !has("{}", ""));
	CHECK(has("{a.b}", "a.b") && !has("{a.b}", "a") && !has("{a.b}", "a.bc"));
	CHECK(has("{a.b,c.d}", "c.d") && has("{\"x y\",c.d}", "x y") && has("{\"a,b\"}", "a,b"));
	CHECK(has("{\"a\\\"b\\\\\"}", "a\"b\\") && has("{\"\"}", ""));
	CHECK(!has("{NULL}", "NULL") && has("{\"NULL\"}", "NULL"));
	CHECK(has("{members.key#2}", "members.key#2") && !has("{members.key#2}", "members.key"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(sc_value_array_has(&found, bad[i], strlen(bad[i]), "a", 1) == SC_MALFORMED, bad[i]);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_bytea();
	test_array();
	return test_end("value");
}
