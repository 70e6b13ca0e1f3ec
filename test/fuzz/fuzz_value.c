/*
 * fuzz_value.c
 *	  A bytea's text is written again as it was read; an array that has an element holds its text.
 */
#include "fuzz.h"

#include "core/value.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ScBuf		bytes = SC_BUF_INIT;
	ScBuf		again = SC_BUF_INIT;
	const char *text = (const char *) data;
	bool		has;

	if (sc_value_bytea(&bytes, text, size) == SC_OK)
	{
		sc_value_bytea_text(&again, bytes.data, bytes.len);
		INVARIANT(fuzz_same(&again, data, size));
	}
	sc_buf_free(&bytes);
	sc_buf_free(&again);

	/* the first byte says how long the element is; the array comes behind it */
	if (size > 1 && data[0] < size - 1)
	{
		const char *element = text + 1;
		size_t		n = data[0];
		const char *array = element + n;
		size_t		len = size - 1 - n;

		if (sc_value_array_has(&has, array, len, element, n) == SC_OK)
		{
			INVARIANT(len >= 2 && array[0] == '{' && array[len - 1] == '}');
			INVARIANT(!has || len >= n + 2);
		}
	}
	return 0;
}
