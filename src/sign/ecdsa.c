/*
 * ecdsa.c
 *	  Making and using ECDSA P-256 private keys with libcrypto.
 *
 * The nonce of a signature is libcrypto's: random, mixed with the private key
 * and the message, so that a weak random generator alone does not reveal the
 * key.  Copies of the secret are cleared when they are freed.
 *
 * Effects: none; libcrypto's error queue is left as it was.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <string.h>

#include "sign/ecdsa.h"
#include "sign/pubkey_internal.h"

#define POINT_LEN 65

ScStatus
sc_ecdsa_generate(uint8_t secret[SC_ECDSA_SECRET_LEN])
{
	EVP_PKEY   *pkey;
	BIGNUM	   *number = NULL;
	ScStatus	status = SC_INTERNAL;

	ERR_set_mark();
	pkey = EVP_EC_gen("P-256");
	if (pkey != NULL && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
		BN_bn2binpad(number, secret, SC_ECDSA_SECRET_LEN) == SC_ECDSA_SECRET_LEN)
		status = SC_OK;
	BN_clear_free(number);
	EVP_PKEY_free(pkey);
	ERR_pop_to_mark();
	return status;
}

/* number times the generator, uncompressed; SC_MALFORMED outside 1 .. order - 1 */
static ScStatus
multiply(uint8_t out[POINT_LEN], const EC_GROUP *group, const BIGNUM *number)
{
	EC_POINT   *point;
	ScStatus	status = SC_INTERNAL;

	if (BN_is_zero(number) || BN_cmp(number, EC_GROUP_get0_order(group)) >= 0)
		return SC_MALFORMED;
	point = EC_POINT_new(group);
	if (point == NULL)
		return SC_NO_MEMORY;
	if (EC_POINT_mul(group, point, number, NULL, NULL, NULL) == 1 &&
		EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out, POINT_LEN, NULL) == POINT_LEN)
		status = SC_OK;
	EC_POINT_free(point);
	return status;
}

ScStatus
sc_ecdsa_public(uint8_t spki[SC_ECDSA_SPKI_LEN], const uint8_t secret[SC_ECDSA_SECRET_LEN])
{
	EC_GROUP   *group;
	BIGNUM	   *number;
	ScStatus	status = SC_NO_MEMORY;

	ERR_set_mark();
	group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	number = BN_secure_new();
	if (group != NULL && number != NULL && BN_bin2bn(secret, SC_ECDSA_SECRET_LEN, number) != NULL)
	{
		BN_set_flags(number, BN_FLG_CONSTTIME);

		/* the prefix ends with the 0x04 that starts an uncompressed point */
		memcpy(spki, sc_p256_prefix, SC_P256_PREFIX_LEN);
		status = multiply(spki + SC_P256_PREFIX_LEN - 1, group, number);
	}
	BN_clear_free(number);
	EC_GROUP_free(group);
	ERR_pop_to_mark();
	return status;
}

/* libcrypto's form of a key pair, or NULL */
static EVP_PKEY *
make_pkey(const BIGNUM *number, const uint8_t *spki)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY   *pkey = NULL;

	if (build && ctx &&
		OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, spki + SC_P256_PREFIX_LEN - 1, POINT_LEN) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1 &&
		(params = OSSL_PARAM_BLD_to_param(build)) != NULL &&
		EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

ScStatus
sc_ecdsa_sign(uint8_t signature[SC_ECDSA_SIGNATURE_MAX], size_t *siglen, const uint8_t secret[SC_ECDSA_SECRET_LEN],
			  const uint8_t spki[SC_ECDSA_SPKI_LEN], const void *message, size_t len)
{
	BIGNUM	   *number;
	EVP_PKEY   *pkey = NULL;
	EVP_MD_CTX *ctx;
	ScStatus	status = SC_INTERNAL;

	ERR_set_mark();

	/* secure: OSSL_PARAM_BLD then keeps its copy in memory that is cleared when freed */
	number = BN_secure_new();
	ctx = EVP_MD_CTX_new();
	if (number != NULL && BN_bin2bn(secret, SC_ECDSA_SECRET_LEN, number) != NULL)
		pkey = make_pkey(number, spki);
	*siglen = SC_ECDSA_SIGNATURE_MAX;
	if (pkey != NULL && ctx != NULL &&
		EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
		EVP_DigestSign(ctx, signature, siglen, message, len) == 1)
		status = SC_OK;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	BN_clear_free(number);
	ERR_pop_to_mark();
	return status;
}
