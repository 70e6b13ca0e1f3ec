/*
 * fuzz_checkpoint.c
 *	  A checkpoint that parses is written again byte for byte.
 */
#include "fuzz.h"

#include "core/note.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ScCheckpoint checkpoint;
	ScBuf		buf = SC_BUF_INIT;

	if (sc_checkpoint_parse(&checkpoint, (const char *) data, size) != SC_OK)
		return 0;
	INVARIANT(checkpoint.size <= INT64_MAX && sc_note_name_ok(checkpoint.origin, strlen(checkpoint.origin)));
	sc_checkpoint_format(&buf, &checkpoint);
	INVARIANT(fuzz_same(&buf, data, size));
	sc_buf_free(&buf);
	return 0;
}
