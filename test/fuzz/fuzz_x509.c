/*
 * fuzz_x509.c
 *	  Public keys, certificates and CRLs: a key has one form, and nobody trusts a stranger's certificate.
 */
#include "fuzz.h"

#include "sign/x509.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ScMemberKey key;
	ScMemberKey again;
	ScVerifier *verifier;
	ScAuthorities *authorities = sc_authorities_new();
	ScCertJudgement judgement;
	ScCertInfo	info;
	ScCrlFacts	facts;
	ScBuf		der = SC_BUF_INIT;
	bool		certificate;

	INVARIANT(authorities != NULL);
	if (sc_pubkey_parse(&key, data, size) == SC_PUBKEY_OK)
	{
		INVARIANT(key.spkilen > 0 && key.spkilen <= SC_SPKI_MAX);
		INVARIANT(sc_pubkey_parse(&again, key.spki, key.spkilen) == SC_PUBKEY_OK);
		INVARIANT(again.kind == key.kind && memcmp(&again.thumbprint, &key.thumbprint, SC_HASH_LEN) == 0);
		INVARIANT(memcmp(&again.jwk_thumbprint, &key.jwk_thumbprint, SC_HASH_LEN) == 0);
		INVARIANT(sc_verifier_open(&verifier, key.spki, key.spkilen) == SC_OK);
		INVARIANT(sc_verifier_check(verifier, "x", 1, data, size) != SC_OK);
		INVARIANT(sc_verifier_check(verifier, "x", 1, key.spki, 64) != SC_OK);
		sc_verifier_close(verifier);
	}
	sc_cert_judge(&judgement, authorities, data, size, 1750000000);
	INVARIANT(judgement.reason != SC_CERT_OK && !judgement.has_authority);
	certificate = judgement.reason != SC_CERT_MALFORMED;
	if (sc_authorities_add_crl(authorities, data, size) == SC_CERT_OK)
		INVARIANT(!certificate);
	if (sc_authorities_add_anchor(authorities, data, size) == SC_CERT_OK)
	{
		/* judged with itself as authority: whatever comes out, it must not crash or leak */
		sc_cert_judge(&judgement, authorities, data, size, 1750000000);
		INVARIANT(judgement.reason != SC_CERT_OK || judgement.key.spkilen > 0);
	}
	if (sc_cert_describe(&info, &der, data, size) == SC_CERT_OK)
		INVARIANT(der.len > 0 && strlen(info.name) < sizeof(info.name));
	if (sc_crl_describe(&info, &der, data, size) == SC_CERT_OK)
		INVARIANT(der.len > 0 && strlen(info.name) < sizeof(info.name));
	sc_buf_free(&der);
	if (sc_cert_judge_authority(data, size) == SC_CERT_OK)
		INVARIANT(certificate);
	INVARIANT(sc_crl_judge_issuer(&facts, data, size, data, size) != SC_CERT_OK);
	if (sc_authorities_add_bundle(authorities, data, size) == SC_CERT_OK)
		INVARIANT(size > 54);
	sc_authorities_free(authorities);
	return 0;
}
