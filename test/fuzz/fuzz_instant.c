/*
 * fuzz_instant.c
 *	  The reader of times takes one text for each moment, and later texts of one form are later moments.
 */
#include "fuzz.h"

#include <time.h>

#include "core/instant.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t		micros;
	char		text[64];
	struct tm	tm;
	time_t		seconds;
	size_t		len;
	int64_t		rest;

	if (!sc_instant_read_leaf(&micros, (const char *) data, size) || micros == SC_INSTANT_END || micros == SC_INSTANT_BEGIN ||
		micros < INT64_C(-62135596800000000))
		return 0;

	/* the C library comes to the same text */
	rest = ((micros % 1000000) + 1000000) % 1000000;
	seconds = (time_t) ((micros - rest) / 1000000);
	INVARIANT(gmtime_r(&seconds, &tm) != NULL);
	len = (size_t) snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
							tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (rest > 0)
	{
		len += (size_t) snprintf(text + len, sizeof(text) - len, ".%06d", (int) rest);
		while (text[len - 1] == '0')
			len--;
	}
	memcpy(text + len, "+00", 3);
	INVARIANT(len + 3 == size && memcmp(text, data, size) == 0);
	return 0;
}
