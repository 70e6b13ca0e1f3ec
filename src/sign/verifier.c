/*
 * verifier.c
 *	  Public keys made ready: many signatures checked without decoding the key again.
 *
 * Decoding a key costs libcrypto a third of a verification, so it is done
 * once; each check is then a hash and the bare verification.
 *
 * Effects: none; libcrypto's error queue is left as it was.
 * Source: RFC 7518 sections 3.4 (ES256) and 3.5 (PS256), RFC 8037 (EdDSA).
 */
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "sign/pubkey_internal.h"
#include "sign/signature.h"

#define P256_SIGNATURE_LEN 64
#define P256_DER_MAX 72

struct ScVerifier
{
	ScKeyKind	kind;
	uint8_t		raw[SC_ED25519_RAW_LEN];
	EVP_PKEY   *pkey;			/* not for Ed25519 */
	EVP_PKEY_CTX *ctx;			/* set up to verify SHA-256 hashes */
	size_t		siglen;
};

/* sets up libcrypto's context */
static ScStatus
prepare(ScVerifier *verifier)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(verifier->pkey, NULL);

	verifier->ctx = ctx;
	if (ctx == NULL)
		return SC_NO_MEMORY;
	if (EVP_PKEY_verify_init(ctx) != 1 || EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1)
		return SC_INTERNAL;
	if (verifier->kind == SC_KIND_RSA &&
		(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) != 1 ||
		 EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) != 1 ||
		 EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) != 1))
		return SC_INTERNAL;
	return SC_OK;
}

/* fills a verifier of an RSA or P-256 key */
static ScStatus
open_libcrypto(ScVerifier *verifier, const ScMemberKey *key)
{
	const uint8_t *p = key->spki;
	ScStatus	status;

	ERR_set_mark();
	verifier->pkey = d2i_PUBKEY(NULL, &p, (long) key->spkilen);
	status = verifier->pkey == NULL ? SC_NO_MEMORY : prepare(verifier);
	ERR_pop_to_mark();
	verifier->siglen = key->kind == SC_KIND_RSA ? ((size_t) key->bits + 7) / 8 : P256_SIGNATURE_LEN;
	return status;
}

ScStatus
sc_verifier_open(ScVerifier **out, const uint8_t *spki, size_t len)
{
	ScMemberKey key;
	ScVerifier *verifier;
	ScStatus	status = SC_OK;
	ScPubkeyReason reason = sc_pubkey_parse(&key, spki, len);

	*out = NULL;
	if (reason == SC_PUBKEY_NO_MEMORY)
		return SC_NO_MEMORY;
	/* raw bytes, PEM and certificates are not what a register holds */
	if (reason != SC_PUBKEY_OK || key.spkilen != len || memcmp(key.spki, spki, len) != 0)
		return SC_MALFORMED;
	verifier = calloc(1, sizeof(*verifier));
	if (verifier == NULL)
		return SC_NO_MEMORY;
	verifier->kind = key.kind;
	if (key.kind == SC_KIND_ED25519)
	{
		memcpy(verifier->raw, key.spki + SC_ED25519_PREFIX_LEN, SC_ED25519_RAW_LEN);
		verifier->siglen = SC_ED25519_SIGNATURE_LEN;
	}
	else
		status = open_libcrypto(verifier, &key);
	if (status == SC_OK)
		*out = verifier;
	else
		sc_verifier_close(verifier);
	return status;
}

void
sc_verifier_close(ScVerifier *verifier)
{
	if (verifier == NULL)
		return;
	EVP_PKEY_CTX_free(verifier->ctx);
	EVP_PKEY_free(verifier->pkey);
	free(verifier);
}

ScKeyKind
sc_verifier_kind(const ScVerifier *verifier)
{
	return verifier->kind;
}

/* a DER INTEGER of 32 big-endian bytes; how long it is */
static size_t
put_integer(uint8_t *out, const uint8_t *in)
{
	size_t		skip = 0;
	size_t		n = 2;

	while (skip < 31 && in[skip] == 0)
		skip++;
	if (in[skip] & 0x80)
		out[n++] = 0;
	memcpy(out + n, in + skip, 32 - skip);
	n += 32 - skip;
	out[0] = 0x02;
	out[1] = (uint8_t) (n - 2);
	return n;
}

/* r||s as the DER that libcrypto takes; zero and too large numbers are its to refuse */
static size_t
ecdsa_der(uint8_t out[P256_DER_MAX], const uint8_t raw[P256_SIGNATURE_LEN])
{
	size_t		n = 2;

	n += put_integer(out + n, raw);
	n += put_integer(out + n, raw + 32);
	out[0] = 0x30;
	out[1] = (uint8_t) (n - 2);
	return n;
}

/* one verification by libcrypto */
static ScStatus
check_libcrypto(ScVerifier *verifier, const void *message, size_t len, const uint8_t *signature, size_t siglen)
{
	uint8_t		der[P256_DER_MAX];
	ScHash		hash;
	int			rc;

	sc_hash_bytes(&hash, message, len);
	if (verifier->kind == SC_KIND_P256)
	{
		siglen = ecdsa_der(der, signature);
		signature = der;
	}
	ERR_set_mark();
	rc = EVP_PKEY_verify(verifier->ctx, signature, siglen, hash.bytes, SC_HASH_LEN);
	ERR_pop_to_mark();
	return rc == 1 ? SC_OK : SC_BAD_SIGNATURE;
}

ScStatus
sc_verifier_check(ScVerifier *verifier, const void *message, size_t len, const uint8_t *signature, size_t siglen)
{
	if (siglen != verifier->siglen)
		return SC_RANGE;
	if (verifier->kind == SC_KIND_ED25519)
		return sc_signature_verify_ed25519(verifier->raw, SC_ED25519_RAW_LEN, message, len, signature, siglen);
	return check_libcrypto(verifier, message, len, signature, siglen);
}
