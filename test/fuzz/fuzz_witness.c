/*
 * fuzz_witness.c
 *	  Requests, answers and tile paths: what is read can be written again byte for byte.
 */
#include "fuzz.h"

#include "core/tile.h"
#include "core/witness.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ScWitnessRequest request;
	const char *text = (const char *) data;
	ScBuf		again = SC_BUF_INIT;
	ScTilePath	tile;
	uint64_t	n;

	if (sc_witness_parse_request(&request, text, size) == SC_OK)
	{
		INVARIANT(sc_witness_format_request(&again, request.old_size, request.path, request.npath,
											request.note, request.notelen) == SC_OK);
		INVARIANT(fuzz_same(&again, data, size));
	}
	sc_buf_reset(&again);
	if (sc_witness_parse_lines(&again, text, size) == SC_OK)
		INVARIANT(fuzz_same(&again, data, size));
	sc_buf_reset(&again);
	if (sc_witness_parse_size(&n, text, size) == SC_OK)
	{
		sc_buf_uint64(&again, n);
		sc_buf_char(&again, '\n');
		INVARIANT(fuzz_same(&again, data, size));
	}
	sc_buf_reset(&again);
	if (sc_tile_path_parse(&tile, text, size))
	{
		sc_tile_path_format(&again, &tile);
		INVARIANT(fuzz_same(&again, data, size));
	}
	sc_buf_free(&again);
	return 0;
}
