/*
 * fuzz_memory.c
 *	  Signing memory: what is written is found again, and no other origin is disturbed.
 */
#include "fuzz.h"

#include "sign/memory.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ScSigned	entry = {.last = {.origin = "seoul.go.kr/a/main", .size = size}, .timeline = 1};
	ScSigned	other_before;
	ScSigned	other_after;
	ScSigned	out;
	ScBuf		buf = SC_BUF_INIT;
	bool		found;
	bool		other_found;
	const char *text = (const char *) data;

	if (sc_memory_merge(&buf, text, size, &entry) == SC_OK)
	{
		INVARIANT(sc_memory_find(&out, &found, buf.data, buf.len, entry.last.origin) == SC_OK && found);
		INVARIANT(out.last.size == size && out.timeline == 1);
		if (sc_memory_find(&other_before, &other_found, text, size, "b") == SC_OK)
		{
			INVARIANT(sc_memory_find(&other_after, &found, buf.data, buf.len, "b") == SC_OK);
			INVARIANT(found == other_found);
			INVARIANT(!found || other_before.last.size == other_after.last.size);
		}
	}
	sc_buf_reset(&buf);
	if (sc_memory_parse_line(&out, text, size) == SC_OK)
	{
		sc_memory_format_line(&buf, &out);
		INVARIANT(buf.len == size + 1 && memcmp(buf.data, data, size) == 0);
	}
	sc_buf_free(&buf);
	return 0;
}
