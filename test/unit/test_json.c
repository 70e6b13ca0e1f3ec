/*
 * test_json.c
 *	  Writing and reading canonical JSON.
 */
#include "harness.h"

#include "core/json.h"
#include "core/text.h"

/* writes a parsed value again */
static void
write_json(ScBuf *buf, const ScJson *json)
{
	if (json->kind == SC_JSON_STRING)
	{
		sc_json_string(buf, json->string, json->len);
		return;
	}
	sc_buf_char(buf, json->kind == SC_JSON_OBJECT ? '{' : '[');
	for (const ScJson *child = json->first; child; child = child->next)
	{
		if (child != json->first)
			sc_buf_char(buf, ',');
		if (json->kind == SC_JSON_OBJECT)
		{
			sc_json_string(buf, child->key, child->keylen);
			sc_buf_char(buf, ':');
		}
		write_json(buf, child);
	}
	sc_buf_char(buf, json->kind == SC_JSON_OBJECT ? '}' : ']');
}

/* parses exactly these bytes (in memory of their own, so that ASan sees a step too far) */
static ScStatus
parse(ScJson **json, const char *text, size_t len)
{
	char	   *copy = malloc(len ? len : 1);
	ScStatus	status;

	memcpy(copy, text, len);
	status = sc_json_parse(json, copy, len);
	free(copy);
	return status;
}

static bool
accepts(const char *text)
{
	ScBuf		buf = SC_BUF_INIT;
	ScJson	   *json;
	bool		same;

	if (parse(&json, text, strlen(text)) != SC_OK)
		return false;
	write_json(&buf, json);
	same = sc_text_is(buf.data, buf.len, text);
	REQUIRE_CASE(same, text);
	sc_json_free(json);
	sc_buf_free(&buf);
	return same;
}

static void
test_published(void)
{
	FILE	   *f = test_open("jcs");
	char	   *fields[TEST_FIELDS];
	int			valid = 0;

	while (test_read(f, fields) == 3)
	{
		size_t		len;
		uint8_t    *text = test_unhex(&len, fields[2]);
		bool		strings = fields[1][0] == '1';

		CHECK_CASE(accepts((char *) text) == strings, fields[0]);
		valid += strings;
		free(text);
	}
	CHECK(valid >= 3);
	fclose(f);
}

static void
test_accepted(void)
{
	static const char *const texts[] = {
		"\"\"", "\"a\"", "[]", "{}", "[\"\"]", "{\"\":\"\"}",
		"{\"a\":[],\"b\":{\"c\":\"d\"}}", "[[[[[[[[]]]]]]]]",
		"\"\\b\\t\\n\\f\\r\\\"\\\\\"", "\"\\u0000\\u0001\\u001f\"", "\"/\x7F\"",
		"\"\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\"",
		"{\"\xF0\x9F\x98\x82\":\"\",\"\xEF\xAC\xB3\":\"\"}",
		"{\"a\":\"\",\"aa\":\"\",\"b\":\"\"}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK_CASE(accepts(texts[i]), texts[i]);
}

static void
test_refused(void)
{
	static const char *const texts[] = {
		"", " ", "1", "-1", "true", "null", "a", "\"", "\"a", "[", "{", "]", "}", "[}", "{]",
		"\"a\" ", " \"a\"", "\"a\"\"b\"", "[\"a\",]", "[,]", "[\"a\" ]", "[\"a\"\"b\"]", "[1]",
		"{\"a\"}", "{\"a\":}", "{\"a\":\"b\",}", "{\"a\" :\"b\"}", "{\"a\": \"b\"}", "{a:\"b\"}", "{,}",
		"{\"b\":\"\",\"a\":\"\"}", "{\"a\":\"\",\"a\":\"\"}", "{\"aa\":\"\",\"a\":\"\"}",
		"{\"\xEF\xAC\xB3\":\"\",\"\xF0\x9F\x98\x82\":\"\"}",
		"\"\\/\"", "\"\\u0041\"", "\"\\u000a\"", "\"\\u0008\"", "\"\\u001F\"", "\"\\u00e9\"", "\"\\U0001\"",
		"\"\\u0020\"", "\"\\u001\"", "\"\\\"", "\"\\", "\"\\x\"", "\"\\u\"", "\"\\u00\"", "\"\\'\"",
		"\"\n\"", "\"\x01\"", "\"\t\"",
		"\"\x80\"", "\"\xC0\x80\"", "\"\xC3\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"", "\"\xFF\"", "\"\xE0\x80\x80\"",
		"[[[[[[[[[]]]]]]]]]", "{\"a\":[[[[[[[{}]]]]]]]}",
		"\xEF\xBB\xBF\"a\"",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK_CASE(!accepts(texts[i]), texts[i]);
}

/* every prefix, and every single-byte change, of a leaf either fails or is canonical itself */
static void
test_mutations(void)
{
	static const char leaf[] =
		"{\"chain\":\"seoul.go.kr/inspector/main\",\"columns\":{\"car\":\"KMH\\\"A\\u0001\",\"km\":\"48210\"},"
		"\"digests\":{\"note\":{\"bytes\":\"2000\",\"sha256\":\"00\"}},\"seq\":\"123\",\"table\":\"usedcar.\xEC\x9E\x90\"}";
	size_t		len = sizeof(leaf) - 1;
	char		copy[sizeof(leaf)];
	ScJson	   *json;
	int			before = test_failed;

	CHECK(accepts(leaf));
	for (size_t i = 0; i < len; i++)
		REQUIRE(parse(&json, leaf, i) == SC_MALFORMED);
	for (size_t i = 0; i < len; i++)
	{
		for (int c = 1; c < 256; c++)
		{
			memcpy(copy, leaf, sizeof(leaf));
			copy[i] = (char) c;
			(void) accepts(copy);
		}
	}
	CHECK_NO_NEW_FAILURE(before);
}

/* escapes as RFC 8785 3.2.2.2 says, one character at a time */
static void
naive_string(ScBuf *buf, const char *s, size_t len)
{
	sc_buf_char(buf, '"');
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) s[i];
		char		escape[8];

		switch (c)
		{
			case '\b':
				sc_buf_string(buf, "\\b");
				break;
			case '\t':
				sc_buf_string(buf, "\\t");
				break;
			case '\n':
				sc_buf_string(buf, "\\n");
				break;
			case '\f':
				sc_buf_string(buf, "\\f");
				break;
			case '\r':
				sc_buf_string(buf, "\\r");
				break;
			case '"':
				sc_buf_string(buf, "\\\"");
				break;
			case '\\':
				sc_buf_string(buf, "\\\\");
				break;
			default:
				if (c < 0x20)
				{
					snprintf(escape, sizeof(escape), "\\u%04x", c);
					sc_buf_string(buf, escape);
				}
				else
					sc_buf_char(buf, (char) c);
		}
	}
	sc_buf_char(buf, '"');
}

/* every length and every place for every byte, in memory of exactly that size */
static void
test_writer(void)
{
	ScBuf		a = SC_BUF_INIT;
	ScBuf		b = SC_BUF_INIT;
	int			before = test_failed;

	for (size_t len = 0; len <= 70; len++)
	{
		char	   *s = malloc(len ? len : 1);

		memset(s, 'x', len);
		for (size_t place = 0; place <= len; place++)
		{
			for (int c = 0; c < 256; c++)
			{
				if (place < len)
					s[place] = (char) c;
				sc_buf_reset(&a);
				sc_buf_reset(&b);
				sc_json_string(&a, s, len);
				naive_string(&b, s, len);
				REQUIRE(!a.failed && a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
				if (place == len)
					break;
			}
			if (place < len)
				s[place] = 'x';
		}
		for (int i = 0; i < 200; i++)
		{
			for (size_t j = 0; j < len; j++)
				s[j] = (char) (test_random() % 10 == 0 ? test_random() % 0x40 : 'a' + test_random() % 200);
			sc_buf_reset(&a);
			sc_buf_reset(&b);
			sc_json_string(&a, s, len);
			naive_string(&b, s, len);
			REQUIRE(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
		}
		free(s);
		sc_buf_free(&a);
	}
	sc_buf_free(&b);
	CHECK_NO_NEW_FAILURE(before);
}

/* UTF-16 of one character, compared as JCS does */
static int
naive_compare(uint32_t a, uint32_t b)
{
	uint32_t	ua = a < 0x10000 ? a : 0xD800 + ((a - 0x10000) >> 10);
	uint32_t	ub = b < 0x10000 ? b : 0xD800 + ((b - 0x10000) >> 10);

	if (ua != ub)
		return ua < ub ? -1 : 1;
	return a < b ? -1 : a > b ? 1 : 0;
}

static size_t
encode(char *out, uint32_t cp)
{
	if (cp < 0x80)
	{
		out[0] = (char) cp;
		return 1;
	}
	if (cp < 0x800)
	{
		out[0] = (char) (0xC0 | cp >> 6);
		out[1] = (char) (0x80 | (cp & 63));
		return 2;
	}
	if (cp < 0x10000)
	{
		out[0] = (char) (0xE0 | cp >> 12);
		out[1] = (char) (0x80 | (cp >> 6 & 63));
		out[2] = (char) (0x80 | (cp & 63));
		return 3;
	}
	out[0] = (char) (0xF0 | cp >> 18);
	out[1] = (char) (0x80 | (cp >> 12 & 63));
	out[2] = (char) (0x80 | (cp >> 6 & 63));
	out[3] = (char) (0x80 | (cp & 63));
	return 4;
}

static void
test_order(void)
{
	static const uint32_t edges[] = {0, 1, 'a', 0x7F, 0x80, 0x7FF, 0x800, 0xCFFF, 0xD7FF, 0xE000,
	0xEFFF, 0xF000, 0xFB33, 0xFFFF, 0x10000, 0x1F602, 0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFF};
	size_t		n = sizeof(edges) / sizeof(edges[0]);
	int			before = test_failed;

	for (size_t i = 0; i < n; i++)
	{
		for (size_t j = 0; j < n; j++)
		{
			char		a[16] = "same";
			char		b[16] = "same";
			size_t		alen = 4 + encode(a + 4, edges[i]);
			size_t		blen = 4 + encode(b + 4, edges[j]);
			int			order = sc_json_compare_keys(a, alen, b, blen);

			REQUIRE(order == naive_compare(edges[i], edges[j]));
			REQUIRE(sc_json_compare_keys(a, 4, b, blen) < 0);
			REQUIRE(sc_json_compare_keys(a, alen, b, 4) > 0);
		}
	}
	CHECK_NO_NEW_FAILURE(before);
}

static void
test_member(void)
{
	ScJson	   *json;

	CHECK_STATUS(parse(&json, "{\"a\":\"1\",\"b\":[\"2\"]}", 19), SC_OK);
	CHECK(sc_json_member(json, "a")->string[0] == '1');
	CHECK(sc_json_member(json, "b")->kind == SC_JSON_ARRAY);
	CHECK(sc_json_member(json, "c") == NULL);
	CHECK(sc_json_member(sc_json_member(json, "b"), "a") == NULL);
	CHECK(sc_json_member(NULL, "a") == NULL);
	sc_json_free(json);
	sc_json_free(NULL);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_published();
	test_accepted();
	test_refused();
	test_mutations();
	test_writer();
	test_order();
	test_member();
	return test_end("json");
}
