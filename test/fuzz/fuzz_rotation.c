/*
 * fuzz_rotation.c
 *	  Events that change a key: what parses is written again byte for byte, and only what both keys signed is believed.
 */
#include "fuzz.h"

#include "sign/rotation.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ScRotation rotation;
	ScJson	   *json;
	ScBuf		old_key = SC_BUF_INIT;
	ScBuf		new_key = SC_BUF_INIT;
	ScBuf		buf = SC_BUF_INIT;

	if (sc_json_parse(&json, (const char *) data, size) != SC_OK)
		return 0;
	if (sc_rotation_parse(&rotation, json) == SC_OK)
	{
		sc_note_format_key(&old_key, &rotation.old);
		sc_note_format_key(&new_key, &rotation.new);
		INVARIANT(sc_buf_cstr(&old_key) && sc_buf_cstr(&new_key));
		sc_rotation_event(&buf, old_key.data, new_key.data, rotation.old_line, rotation.new_line);
		INVARIANT(fuzz_same(&buf, data, size));
		if (sc_rotation_verify(&rotation, "seoul.go.kr/city-hall/main") == SC_OK)
			INVARIANT(!sc_rotation_same_key(&rotation.old, &rotation.new) &&
					  strcmp(rotation.old.name, rotation.new.name) == 0);
	}
	sc_json_free(json);
	sc_buf_free(&old_key);
	sc_buf_free(&new_key);
	sc_buf_free(&buf);
	return 0;
}
