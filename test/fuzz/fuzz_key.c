/*
 * fuzz_key.c
 *	  Verifier keys and key files: what parses is written again byte for byte, and what signs verifies.
 */
#include "fuzz.h"

#include "core/text.h"
#include "sign/key.h"
#include "sign/signature.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ScVerifierKey key;
	ScSigningKey secret;
	ScBuf		buf = SC_BUF_INIT;

	if (sc_note_parse_key(&key, (const char *) data, size) == SC_OK)
	{
		sc_note_format_key(&buf, &key);
		INVARIANT(fuzz_same(&buf, data, size));
		INVARIANT(sc_signature_verify_ecdsa(key.key, key.keylen, "x", 1, data, size) != SC_OK);
		sc_buf_reset(&buf);
	}
	if (sc_key_parse_secret(&secret, (const char *) data, size) == SC_OK)
	{
		static ScNote note;
		bool		good;

		sc_key_format_secret(&buf, &secret);
		INVARIANT(fuzz_same(&buf, data, size));
		sc_buf_reset(&buf);
		if (secret.uri[0] != '\0')
		{
			/* a key in hardware signs only when somebody has opened it */
			INVARIANT(sc_key_sign_note(&buf, &secret, "text\n", 5, size) == SC_INTERNAL);
			sc_buf_free(&buf);
			return 0;
		}
		sc_buf_literal(&buf, "text\n\n");
		INVARIANT(sc_key_sign_note(&buf, &secret, "text\n", 5, size) == SC_OK);
		INVARIANT(sc_note_parse(&note, buf.data, buf.len, false) == SC_OK);
		INVARIANT(sc_key_verify_note(&note, &secret.public, 1, &good, NULL) == SC_OK && good);
	}
	INVARIANT(sc_signature_verify_ecdsa(data, size, "x", 1, data, size) != SC_OK);
	sc_buf_free(&buf);
	return 0;
}
