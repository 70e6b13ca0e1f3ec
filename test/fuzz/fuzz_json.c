/*
 * fuzz_json.c
 *	  A text that parses as canonical JSON is written again byte for byte; any bytes can be a string.
 */
#include "fuzz.h"

#include "core/json.h"

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
			INVARIANT(sc_json_member(json, child->key) != NULL || strlen(child->key) != child->keylen);
		}
		write_json(buf, child);
	}
	sc_buf_char(buf, json->kind == SC_JSON_OBJECT ? '}' : ']');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ScBuf		buf = SC_BUF_INIT;
	ScJson	   *json;

	if (sc_json_parse(&json, (const char *) data, size) == SC_OK)
	{
		write_json(&buf, json);
		INVARIANT(fuzz_same(&buf, data, size));
		sc_json_free(json);
	}

	/* as a string: what is written reads back as the same bytes, if they are UTF-8 */
	sc_buf_reset(&buf);
	sc_json_string(&buf, (const char *) data, size);
	if (sc_json_parse(&json, buf.data, buf.len) == SC_OK)
	{
		INVARIANT(json->kind == SC_JSON_STRING && json->len == size && memcmp(json->string, data, size) == 0);
		sc_json_free(json);
	}
	sc_buf_free(&buf);
	return 0;
}
