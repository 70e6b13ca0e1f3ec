/*
 * jws_sql.c
 *	  verify_signature and verify_jws: signatures judged by a key that the caller brings.
 *
 * Invariant: nothing of this database is asked, neither members nor the
 * profile; what an auditor gets here is what sign/ says of the bytes given.
 * A key that nobody could register raises an error and is no answer.
 *
 * Effects: none.
 * Source: RFC 7515, RFC 7518, RFC 8037; docs/sign.md.
 */
#include "postgres.h"

#include "compat.h"
#include "fmgr.h"
#include "sign/jws.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(sc_verify_signature);
PG_FUNCTION_INFO_V1(sc_verify_jws);

/* a verifier of the key in any usual form; the caller closes it and raises nothing before */
static ScVerifier *
open_verifier(const bytea *data)
{
	ScMemberKey key;
	ScVerifier *verifier;
	ScPubkeyReason reason = sc_pubkey_parse(&key, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));

	if (reason != SC_PUBKEY_OK)
		ereport(ERROR,
				(errcode(reason == SC_PUBKEY_NO_MEMORY ? ERRCODE_OUT_OF_MEMORY : ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no key to verify with"),
				 errdetail("It is %s.", sc_pubkey_reason_text(reason)),
				 errhint("Give 32 raw bytes (Ed25519), or PEM or DER of a public key or certificate.")));
	switch (sc_verifier_open(&verifier, key.spki, key.spkilen))
	{
		case SC_OK:
			return verifier;
		case SC_NO_MEMORY:
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		default:
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("a cryptographic library failed")));
	}
	return NULL;
}

/*
 * seoulchain.verify_signature(key bytea, message bytea, signature bytea) returns boolean
 */
Datum
sc_verify_signature(PG_FUNCTION_ARGS)
{
	bytea	   *key = PG_GETARG_BYTEA_PP(0);
	bytea	   *message = PG_GETARG_BYTEA_PP(1);
	bytea	   *signature = PG_GETARG_BYTEA_PP(2);
	ScVerifier *verifier = open_verifier(key);
	ScStatus	status = sc_verifier_check(verifier, VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message),
										   (const uint8_t *) VARDATA_ANY(signature), VARSIZE_ANY_EXHDR(signature));

	sc_verifier_close(verifier);
	if (status == SC_INTERNAL || status == SC_NO_MEMORY)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("a cryptographic library failed")));
	PG_RETURN_BOOL(status == SC_OK);
}

/*
 * seoulchain.verify_jws(jws text, key bytea, payload bytea, typ text) returns text
 *
 * Not STRICT: NULL is the answer for a good signature, and must be none for a
 * missing one.
 */
Datum
sc_verify_jws(PG_FUNCTION_ARGS)
{
	ScJws	   *jws = palloc(sizeof(ScJws));
	ScVerifier *verifier;
	ScJwsReason reason;
	text	   *given;
	bytea	   *payload;
	char	   *typ = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("signature, key and payload must not be NULL")));
	given = PG_GETARG_TEXT_PP(0);
	payload = PG_GETARG_BYTEA_PP(2);
	verifier = open_verifier(PG_GETARG_BYTEA_PP(1));
	reason = sc_jws_parse(jws, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));
	if (reason == SC_JWS_OK)
		reason = sc_jws_verify(jws, verifier, typ, VARDATA_ANY(payload), VARSIZE_ANY_EXHDR(payload));
	sc_verifier_close(verifier);
	if (reason == SC_JWS_NO_MEMORY)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (reason == SC_JWS_OK)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(sc_jws_reason_text(reason)));
}
