/*
 * fuzz_jws.c
 *	  Detached JWS: what parses is its own text again, and no key verifies what nobody signed.
 */
#include "fuzz.h"

#include "sign/jws.h"

/* the key of RFC 8037 appendix A */
static const uint8_t raw[32] = {
	0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
	0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ScVerifier *key;
	static ScMemberKey member;
	static ScJws jws;
	ScBuf		again = SC_BUF_INIT;

	if (key == NULL)
		INVARIANT(sc_pubkey_parse(&member, raw, sizeof(raw)) == SC_PUBKEY_OK &&
				  sc_verifier_open(&key, member.spki, member.spkilen) == SC_OK);
	if (sc_jws_parse(&jws, (const char *) data, size) != SC_JWS_OK)
		return 0;

	/* one text for each value */
	sc_buf_append(&again, jws.header64, jws.header64len);
	sc_buf_literal(&again, "..");
	sc_buf_base64url(&again, jws.signature, jws.siglen);
	INVARIANT(fuzz_same(&again, data, size));
	INVARIANT(jws.refused == NULL);
	INVARIANT(strcmp(jws.alg, "none") != 0);
	if (sc_jws_names_key(&jws, &member, "clerk"))
		INVARIANT(!jws.has_x5t);
	INVARIANT(sc_jws_verify(&jws, key, NULL, "payload", 7) != SC_JWS_OK);
	sc_buf_free(&again);
	return 0;
}
