/*
 * fuzz_jws_header.c
 *	  The JSON reader of JWS headers: what it accepts is UTF-8, and white space around changes nothing.
 */
#include "fuzz.h"

#include "core/text.h"
#include "sign/jws_header.h"

/* counts members and adds up what was read of them */
typedef struct Seen
{
	int			members;
	uint64_t	sum;
} Seen;

static bool
see(void *state, const ScHeaderMember *member)
{
	Seen	   *seen = state;

	INVARIANT(strlen(member->name) <= SC_JWS_TEXT_MAX);
	seen->members++;
	for (const char *p = member->name; *p; p++)
		seen->sum = seen->sum * 31 + (uint8_t) *p;
	if (member->is_string && !member->too_long)
	{
		INVARIANT(strlen(member->text) == member->textlen && sc_text_utf8_ok(member->text, member->textlen));
		for (const char *p = member->text; *p; p++)
			seen->sum = seen->sum * 31 + (uint8_t) *p;
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Seen		first = {0, 0};
	Seen		second = {0, 0};
	ScBuf		spaced = SC_BUF_INIT;

	if (sc_jws_header_read((const char *) data, size, see, &first) != SC_HEADER_OK)
		return 0;
	INVARIANT(size >= 2 && size <= SC_JWS_HEADER_MAX && sc_text_utf8_ok((const char *) data, size));
	INVARIANT(first.members <= SC_JWS_NAMES_MAX);
	if (size + 2 <= SC_JWS_HEADER_MAX)
	{
		sc_buf_char(&spaced, '\n');
		sc_buf_append(&spaced, data, size);
		sc_buf_char(&spaced, ' ');
		INVARIANT(sc_jws_header_read(spaced.data, spaced.len, see, &second) == SC_HEADER_OK);
		INVARIANT(first.members == second.members && first.sum == second.sum);
		spaced.data[spaced.len - 1] = 'x';
		INVARIANT(sc_jws_header_read(spaced.data, spaced.len, see, &second) == SC_HEADER_NOT_JSON);
	}
	sc_buf_free(&spaced);
	return 0;
}
