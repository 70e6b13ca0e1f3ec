/*
 * signature.c
 *	  Verifying Ed25519 (libsodium) and ECDSA P-256 (libcrypto) signatures.
 *
 * libsodium verifies Ed25519 twice as fast as OpenSSL 3.0 and refuses keys of
 * small order and non-canonical encodings; docs/decisions/001-libraries.md.
 *
 * Effects: none; libcrypto's error queue is left as it was, because the
 * server's own TLS code reads it.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "sign/signature.h"

ScStatus
sc_signature_verify_ed25519(const uint8_t *key, size_t keylen, const void *message, size_t len,
							const uint8_t *signature, size_t siglen)
{
	if (keylen != SC_ED25519_KEY_LEN || siglen != SC_ED25519_SIGNATURE_LEN)
		return SC_BAD_SIGNATURE;
	if (crypto_sign_verify_detached(signature, message, len, key) != 0)
		return SC_BAD_SIGNATURE;
	return SC_OK;
}

/* whether a key is on the one curve that we accept */
static bool
is_p256(const EVP_PKEY *pkey)
{
	char		group[32];
	size_t		n;

	return EVP_PKEY_is_a(pkey, "EC") &&
		EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), &n) == 1 &&
		strcmp(group, "prime256v1") == 0;
}

/* the verification itself, its key decoded */
static ScStatus
verify_with(EVP_PKEY *pkey, const void *message, size_t len, const uint8_t *signature, size_t siglen)
{
	EVP_MD_CTX *ctx;
	ScStatus	status;

	if (!is_p256(pkey))
		return SC_MALFORMED;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		return SC_NO_MEMORY;
	if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) != 1)
		status = SC_INTERNAL;
	else
		status = EVP_DigestVerify(ctx, signature, siglen, message, len) == 1 ? SC_OK : SC_BAD_SIGNATURE;
	EVP_MD_CTX_free(ctx);
	return status;
}

ScStatus
sc_signature_verify_ecdsa(const uint8_t *key, size_t keylen, const void *message, size_t len,
						  const uint8_t *signature, size_t siglen)
{
	const uint8_t *p = key;
	EVP_PKEY   *pkey;
	ScStatus	status = SC_MALFORMED;

	ERR_set_mark();
	pkey = d2i_PUBKEY(NULL, &p, (long) keylen);
	if (pkey != NULL && p == key + keylen)
		status = verify_with(pkey, message, len, signature, siglen);
	EVP_PKEY_free(pkey);
	ERR_pop_to_mark();
	return status;
}
