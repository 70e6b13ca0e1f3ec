/*
 * verifier.c
 *	  Public keys made ready: many signatures checked without decoding the key again.
 *
 * libcrypto's decoder takes longer than a verification, so registered keys do
 * not go through it: a P-256 point is put into a key that is there already (4
 * of a verification's 85 microseconds), an Ed25519 key is copied.  RSA keys
 * are decoded; whoever verifies many rows keeps their verifiers.
 *
 * Effects: none; libcrypto's error queue is left as it was.
 * Source: RFC 7518 sections 3.4 (ES256) and 3.5 (PS256), RFC 8037 (EdDSA).
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "sign/pubkey_internal.h"
#include "sign/signature.h"

#define P256_POINT_LEN 65
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

/* sets up libcrypto's context, or sets it up again after the key has changed */
static ScStatus
prepare(ScVerifier *verifier)
{
	EVP_PKEY_CTX *ctx = verifier->ctx;

	if (ctx == NULL)
		ctx = verifier->ctx = EVP_PKEY_CTX_new(verifier->pkey, NULL);
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

/* a key of an uncompressed point, or NULL when it is not on the curve */
static EVP_PKEY *
make_p256(const uint8_t *point)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY   *pkey = NULL;
	OSSL_PARAM	params[3];

	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *) "P-256", 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *) point, P256_POINT_LEN);
	params[2] = OSSL_PARAM_construct_end();
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* fills a verifier, new or of another P-256 key, with this one */
static ScStatus
set_p256(ScVerifier *verifier, const uint8_t *point)
{
	verifier->siglen = P256_SIGNATURE_LEN;
	if (verifier->pkey == NULL)
		verifier->pkey = make_p256(point);
	else if (EVP_PKEY_set1_encoded_public_key(verifier->pkey, point, P256_POINT_LEN) != 1)
		return SC_MALFORMED;
	return verifier->pkey ? prepare(verifier) : SC_MALFORMED;
}

/* fills a new verifier with an RSA key */
static ScStatus
set_rsa(ScVerifier *verifier, const uint8_t *spki, size_t len)
{
	ScMemberKey key;
	const uint8_t *p = spki;
	ScPubkeyReason reason = sc_pubkey_parse(&key, spki, len);

	if (reason == SC_PUBKEY_NO_MEMORY)
		return SC_NO_MEMORY;
	/* raw bytes, PEM and certificates are not what a register holds */
	if (reason != SC_PUBKEY_OK || key.kind != SC_KIND_RSA || key.from_certificate || key.spkilen != len)
		return SC_MALFORMED;
	verifier->siglen = ((size_t) key.bits + 7) / 8;
	verifier->pkey = d2i_PUBKEY(NULL, &p, (long) len);
	return verifier->pkey ? prepare(verifier) : SC_NO_MEMORY;
}

/* what kind of key a registered encoding is of, by its beginning */
static ScKeyKind
kind_of(const uint8_t *spki, size_t len)
{
	if (len == SC_ED25519_SPKI_LEN && memcmp(spki, sc_ed25519_prefix, SC_ED25519_PREFIX_LEN) == 0)
		return SC_KIND_ED25519;
	if (len == SC_P256_SPKI_LEN && memcmp(spki, sc_p256_prefix, SC_P256_PREFIX_LEN) == 0)
		return SC_KIND_P256;
	return SC_KIND_RSA;
}

/* fills the verifier */
static ScStatus
set_key(ScVerifier *verifier, const uint8_t *spki, size_t len)
{
	switch (verifier->kind)
	{
		case SC_KIND_ED25519:
			memcpy(verifier->raw, spki + SC_ED25519_PREFIX_LEN, SC_ED25519_RAW_LEN);
			verifier->siglen = SC_ED25519_SIGNATURE_LEN;
			return SC_OK;
		case SC_KIND_P256:
			return set_p256(verifier, spki + SC_P256_PREFIX_LEN - 1);
		default:
			return set_rsa(verifier, spki, len);
	}
}

ScStatus
sc_verifier_switch(ScVerifier **verifier, const uint8_t *spki, size_t len)
{
	ScKeyKind	kind = kind_of(spki, len);
	ScStatus	status;

	if (*verifier && ((*verifier)->kind != kind || kind == SC_KIND_RSA))
	{
		sc_verifier_close(*verifier);
		*verifier = NULL;
	}
	if (*verifier == NULL)
	{
		*verifier = calloc(1, sizeof(**verifier));
		if (*verifier == NULL)
			return SC_NO_MEMORY;
		(*verifier)->kind = kind;
	}
	ERR_set_mark();
	status = set_key(*verifier, spki, len);
	ERR_pop_to_mark();
	if (status != SC_OK)
	{
		sc_verifier_close(*verifier);
		*verifier = NULL;
	}
	return status;
}

ScStatus
sc_verifier_open(ScVerifier **out, const uint8_t *spki, size_t len)
{
	*out = NULL;
	return sc_verifier_switch(out, spki, len);
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
