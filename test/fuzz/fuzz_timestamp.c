/*
 * fuzz_timestamp.c
 *	  Timestamp responses and tokens: none proves a time for a text that no authority saw.
 */
#include "fuzz.h"

#include "sign/timestamp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ScAuthorities *nobody;
	ScTimestamp stamp;
	ScTimeImprint imprint;
	ScBuf		token = SC_BUF_INIT;
	ScBuf		again = SC_BUF_INIT;

	if (nobody == NULL)
		INVARIANT((nobody = sc_authorities_new()) != NULL);

	/* the text of the published tokens, so that all checks are reached */
	INVARIANT(sc_timestamp_verify(&stamp, nobody, data, size, "hello", 5, NULL, 0) != SC_TIME_OK);
	INVARIANT(stamp.noncelen <= SC_NONCE_MAX && strlen(stamp.serial) < sizeof(stamp.serial));
	if (sc_timestamp_token(&token, data, size) == SC_TIME_OK)
		INVARIANT(sc_timestamp_token(&again, token.data, token.len) == SC_TIME_OK);
	if (sc_timestamp_imprint(&imprint, data, size) == SC_TIME_OK)
	{
		INVARIANT(imprint.len <= sizeof(imprint.digest) && imprint.noncelen <= SC_NONCE_MAX);
		INVARIANT(!sc_timestamp_imprint_is_of(&imprint, "", 0));
	}
	sc_buf_reset(&again);
	sc_timestamp_refusal(&again, data, size);
	INVARIANT(again.len <= size + 256);
	sc_buf_free(&token);
	sc_buf_free(&again);
	return 0;
}
