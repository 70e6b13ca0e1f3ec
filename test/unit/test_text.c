/*
 * test_text.c
 *	  The growing buffer, and the strict readers of decimals, hex, base64 and UTF-8.
 */
#include "harness.h"

#include "core/buf.h"
#include "core/text.h"

static void
test_decimals(void)
{
	static const uint64_t values[] = {0, 1, 9, 10, 11, 99, 100, 101, 110, 999, 1000, 1010, 9999, 10000, 12345, 99999, 100000, 1234567, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
	static const char *const refused[] = {"", "-1", "+1", "00", "01", " 1", "1 ", "1a",
		"18446744073709551616", "99999999999999999999", "111111111111111111111", "\xEF\xBC\x91"};
	ScBuf		buf = SC_BUF_INIT;
	uint64_t	n;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		char		expected[32];

		snprintf(expected, sizeof(expected), "%llu", (unsigned long long) values[i]);
		sc_buf_reset(&buf);
		sc_buf_uint64(&buf, values[i]);
		CHECK(sc_text_is(buf.data, buf.len, expected));
		CHECK(sc_text_uint64(&n, buf.data, buf.len) && n == values[i]);
		snprintf(expected, sizeof(expected), "%lld", (long long) values[i]);
		sc_buf_reset(&buf);
		sc_buf_int64(&buf, (int64_t) values[i]);
		CHECK(sc_text_is(buf.data, buf.len, expected));
	}
	sc_buf_reset(&buf);
	sc_buf_int64(&buf, INT64_MIN);
	CHECK(sc_text_is(buf.data, buf.len, "-9223372036854775808"));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CHECK_CASE(!sc_text_uint64(&n, refused[i], strlen(refused[i])), refused[i]);
	sc_buf_free(&buf);
}

static void
test_hex(void)
{
	uint8_t		out[4];

	CHECK(sc_text_hex(out, 4, "00ff10ab", 8) && out[1] == 0xFF && out[3] == 0xAB);
	CHECK(!sc_text_hex(out, 4, "00FF10ab", 8));
	CHECK(!sc_text_hex(out, 4, "00ff10a", 7));
	CHECK(!sc_text_hex(out, 4, "00ff10abc", 9));
	CHECK(!sc_text_hex(out, 4, "00ff10", 6));
	CHECK(!sc_text_hex(out, 1, "g0", 2));
	CHECK(sc_text_hex(out, 0, "", 0));
}

static void
test_base64(void)
{
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
	{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xFF\xFE\xFD", "//79"}, {"\xFB\xEF\xBE", "++++"}};
	static const char *const refused[] = {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8=Zm8=", "Z===", "====", "Z g=",
		"Zm9v\n", "Zm-_", "Zg==Zg==", "=Zg="};
	ScBuf		buf = SC_BUF_INIT;
	uint8_t		out[64];
	size_t		n;
	int			before;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
	{
		sc_buf_reset(&buf);
		sc_buf_base64(&buf, pairs[i][0], strlen(pairs[i][0]));
		CHECK(sc_text_is(buf.data, buf.len, pairs[i][1]));
		CHECK(sc_text_base64(out, sizeof(out), &n, pairs[i][1], strlen(pairs[i][1])) &&
			  n == strlen(pairs[i][0]) && memcmp(out, pairs[i][0], n) == 0);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CHECK_CASE(!sc_text_base64(out, sizeof(out), &n, refused[i], strlen(refused[i])), refused[i]);
	CHECK(sc_text_base64(out, 2, &n, "Zm9vYmFy", 8) && n == 6);
	CHECK(!sc_text_base64_hash((ScHash *) out, "Zm9vYmFy", 8));

	before = test_failed;
	for (size_t len = 0; len <= sizeof(out); len++)
	{
		uint8_t		data[sizeof(out)];

		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t) test_random();
		sc_buf_reset(&buf);
		sc_buf_base64(&buf, data, len);
		REQUIRE(sc_text_base64(out, sizeof(out), &n, buf.data, buf.len) && n == len && memcmp(out, data, n) == 0);
		sc_buf_reset(&buf);
		sc_buf_base64url(&buf, data, len);
		REQUIRE(sc_text_base64url(out, sizeof(out), &n, buf.data, buf.len) && n == len && memcmp(out, data, n) == 0);
	}
	CHECK_NO_NEW_FAILURE(before);
	sc_buf_free(&buf);
}

static void
test_base64url(void)
{
	static const char *const pairs[][2] = {
		{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"\xff\xef\xfe", "_-_-"}
	};
	/* padding, bits left over, a lonely character, the other alphabet, white space */
	static const char *const refused[] = {"Zg==", "Zh", "Zm9", "Z", "Zm9vY", "/+/+", "Zg\n", " Zg", "Zm 9", "Zg\xc3\xa9"};
	ScBuf		buf = SC_BUF_INIT;
	uint8_t		out[16];
	size_t		n;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
	{
		sc_buf_reset(&buf);
		sc_buf_base64url(&buf, pairs[i][0], strlen(pairs[i][0]));
		CHECK_CASE(sc_text_is(buf.data, buf.len, pairs[i][1]), pairs[i][1]);
		CHECK(sc_text_base64url(out, sizeof(out), &n, pairs[i][1], strlen(pairs[i][1])) &&
			  n == strlen(pairs[i][0]) && memcmp(out, pairs[i][0], n) == 0);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CHECK_CASE(!sc_text_base64url(out, sizeof(out), &n, refused[i], strlen(refused[i])), refused[i]);
	CHECK(sc_text_base64url(out, 2, &n, "Zm9vYg", 6) && n == 4);
	sc_buf_free(&buf);
}

/* UTF-8 by the table of RFC 3629 section 4 */
static size_t
naive_utf8(const uint8_t *p)
{
#define TAIL(c) ((c) >= 0x80 && (c) <= 0xBF)
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xC2 && p[0] <= 0xDF && TAIL(p[1]))
		return 2;
	if (((p[0] == 0xE0 && p[1] >= 0xA0 && p[1] <= 0xBF) ||
		 (p[0] >= 0xE1 && p[0] <= 0xEC && TAIL(p[1])) ||
		 (p[0] == 0xED && p[1] >= 0x80 && p[1] <= 0x9F) ||
		 (p[0] >= 0xEE && p[0] <= 0xEF && TAIL(p[1]))) && TAIL(p[2]))
		return 3;
	if (((p[0] == 0xF0 && p[1] >= 0x90 && p[1] <= 0xBF) ||
		 (p[0] >= 0xF1 && p[0] <= 0xF3 && TAIL(p[1])) ||
		 (p[0] == 0xF4 && p[1] >= 0x80 && p[1] <= 0x8F)) && TAIL(p[2]) && TAIL(p[3]))
		return 4;
	return 0;
}

static void
test_utf8(void)
{
	static const uint8_t tails[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
	int			before = test_failed;
	uint32_t	cp;

	for (int lead = 0; lead < 256; lead++)
	{
		for (int second = 0; second < 256; second++)
		{
			for (int t = 0; t < 100; t++)
			{
				uint8_t		s[4] = {(uint8_t) lead, (uint8_t) second, tails[t / 10], tails[t % 10]};

				REQUIRE(sc_text_utf8_char(&cp, (char *) s, 4) == naive_utf8(s));
			}
		}
	}
	CHECK_NO_NEW_FAILURE(before);
	CHECK(sc_text_utf8_char(&cp, "\xEC\x9E\x90", 3) == 3 && cp == 0xC790);
	CHECK(sc_text_utf8_char(&cp, "\xEC\x9E\x90", 2) == 0);
	CHECK(sc_text_utf8_char(&cp, "", 0) == 0);
	CHECK(sc_text_utf8_ok("", 0));
}

static void
test_lines(void)
{
	const char *text = "one\n\ntwo";
	size_t		len = strlen(text);
	const char *line;
	size_t		n;

	CHECK(sc_text_line(&line, &n, &text, &len) && sc_text_is(line, n, "one"));
	CHECK(sc_text_skip(&line, &n, "on") && sc_text_is(line, n, "e") && !sc_text_skip(&line, &n, "ee"));
	CHECK(sc_text_line(&line, &n, &text, &len) && n == 0);
	CHECK(!sc_text_line(&line, &n, &text, &len) && len == 3);
}

/* a buffer that could not grow keeps what it has and takes no more */
static void
test_failed_buffer(void)
{
	ScBuf		buf = SC_BUF_INIT;

	CHECK(sc_buf_cstr(&buf) != NULL && buf.data[0] == '\0');
	sc_buf_string(&buf, "kept");
	CHECK(!sc_buf_reserve(&buf, SIZE_MAX / 2));
	CHECK(buf.failed && buf.len == 4);
	sc_buf_string(&buf, "x");
	sc_buf_hex(&buf, "x", 1);
	sc_buf_base64(&buf, "x", 1);
	sc_buf_uint64(&buf, 1);
	CHECK(buf.failed && buf.len == 4 && sc_buf_cstr(&buf) == NULL);
	sc_buf_reset(&buf);
	sc_buf_string(&buf, "again");
	CHECK(!buf.failed && strcmp(sc_buf_cstr(&buf), "again") == 0);
	sc_buf_free(&buf);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_decimals();
	test_hex();
	test_base64();
	test_base64url();
	test_utf8();
	test_lines();
	test_failed_buffer();
	return test_end("text");
}
