/*
 * pubkey.c
 *	  Reading public keys in every form that people have them in, into one form.
 *
 * Invariant: a key that was accepted encodes to the SubjectPublicKeyInfo that
 * was read, byte for byte, so that one key has one thumbprint.
 *
 * Effects: none; libcrypto's error queue is left as it was.
 * Source: RFC 5280, RFC 8410 (Ed25519), RFC 5480 (P-256), RFC 3279 (RSA),
 * RFC 7468 (PEM), RFC 7638 (thumbprints).
 * It does not judge certificates: x509.c does.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

#include "core/buf.h"
#include "sign/pubkey.h"
#include "sign/pubkey_internal.h"

#define P256_COORD_LEN 32

const char *
sc_pubkey_reason_text(ScPubkeyReason reason)
{
	switch (reason)
	{
		case SC_PUBKEY_OK:
			return "no error";
		case SC_PUBKEY_NOT_A_KEY:
			return "neither 32 raw bytes nor a public key or certificate in PEM or DER";
		case SC_PUBKEY_TRAILING:
			return "more than one key or certificate, or something around it";
		case SC_PUBKEY_PRIVATE:
			return "a private key, which nobody but its holder may have";
		case SC_PUBKEY_ALGORITHM:
			return "an algorithm or curve other than Ed25519, P-256 and RSA";
		case SC_PUBKEY_FORM:
			return "not the usual DER form (named curve, uncompressed point)";
		case SC_PUBKEY_POINT:
			return "a point that cannot be a public key of its curve";
		case SC_PUBKEY_WEAK:
			return "an RSA key of less than 2048 bits or with an exponent that is even or below 65537";
		case SC_PUBKEY_TOO_LARGE:
			return "a key that is too large";
		case SC_PUBKEY_NO_MEMORY:
			return "out of memory";
	}
	return "unknown reason";
}

const char *
sc_key_kind_name(ScKeyKind kind)
{
	switch (kind)
	{
		case SC_KIND_ED25519:
			return "Ed25519";
		case SC_KIND_P256:
			return "P-256";
		case SC_KIND_RSA:
			return "RSA";
	}
	return "unknown";
}

/* RFC 7638: the required members in order, no white space */
static bool
hash_jwk(ScHash *out, const char *before, const uint8_t *first, size_t firstlen,
		 const char *between, const uint8_t *second, size_t secondlen, const char *after)
{
	ScBuf		jwk = SC_BUF_INIT;
	bool		ok;

	sc_buf_string(&jwk, before);
	sc_buf_base64url(&jwk, first, firstlen);
	sc_buf_string(&jwk, between);
	sc_buf_base64url(&jwk, second, secondlen);
	sc_buf_string(&jwk, after);
	ok = !jwk.failed;
	if (ok)
		sc_hash_bytes(out, jwk.data, jwk.len);
	sc_buf_free(&jwk);
	return ok;
}

/* stores the encoding and what is computed from it */
static void
keep_spki(ScMemberKey *out, ScKeyKind kind, int bits, const uint8_t *spki, size_t len)
{
	out->kind = kind;
	out->bits = bits;
	memcpy(out->spki, spki, len);
	out->spkilen = len;
	sc_hash_bytes(&out->thumbprint, spki, len);
}

ScPubkeyReason
sc_pubkey_from_ed25519(ScMemberKey *out, const uint8_t raw[SC_ED25519_RAW_LEN])
{
	uint8_t		spki[SC_ED25519_SPKI_LEN];

	if (sodium_init() < 0)
		return SC_PUBKEY_NO_MEMORY;
	if (!crypto_core_ed25519_is_valid_point(raw))
		return SC_PUBKEY_POINT;
	memcpy(spki, sc_ed25519_prefix, SC_ED25519_PREFIX_LEN);
	memcpy(spki + SC_ED25519_PREFIX_LEN, raw, SC_ED25519_RAW_LEN);
	keep_spki(out, SC_KIND_ED25519, 256, spki, sizeof(spki));
	if (!hash_jwk(&out->jwk_thumbprint, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"", raw, SC_ED25519_RAW_LEN, "\"}", NULL, 0, ""))
		return SC_PUBKEY_NO_MEMORY;
	return SC_PUBKEY_OK;
}

/* P-256 with a named curve and an uncompressed point, which libcrypto has found to be on it */
static ScPubkeyReason
from_p256(ScMemberKey *out, const uint8_t *spki, size_t len)
{
	const uint8_t *point = spki + SC_P256_PREFIX_LEN;

	if (len != SC_P256_SPKI_LEN || memcmp(spki, sc_p256_prefix, SC_P256_PREFIX_LEN) != 0)
		return SC_PUBKEY_FORM;
	keep_spki(out, SC_KIND_P256, 256, spki, len);
	if (!hash_jwk(&out->jwk_thumbprint, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"", point, P256_COORD_LEN,
				  "\",\"y\":\"", point + P256_COORD_LEN, P256_COORD_LEN, "\"}"))
		return SC_PUBKEY_NO_MEMORY;
	return SC_PUBKEY_OK;
}

/* whether modulus and exponent are ones that we take */
static ScPubkeyReason
judge_rsa(const BIGNUM *n, const BIGNUM *e)
{
	if (BN_num_bits(n) < SC_RSA_BITS_MIN || !BN_is_odd(n))
		return SC_PUBKEY_WEAK;
	if (BN_num_bits(n) > SC_RSA_BITS_MAX || BN_num_bits(e) > 64)
		return SC_PUBKEY_TOO_LARGE;
	if (!BN_is_odd(e) || BN_num_bits(e) < 17)
		return SC_PUBKEY_WEAK;
	return SC_PUBKEY_OK;
}

/* thumbprint of a JWK of this modulus and exponent */
static bool
hash_rsa_jwk(ScHash *out, const BIGNUM *n, const BIGNUM *e)
{
	uint8_t		modulus[SC_RSA_BITS_MAX / 8];
	uint8_t		exponent[8];
	int			nlen = BN_bn2bin(n, modulus);
	int			elen = BN_bn2bin(e, exponent);

	return hash_jwk(out, "{\"e\":\"", exponent, (size_t) elen, "\",\"kty\":\"RSA\",\"n\":\"", modulus, (size_t) nlen, "\"}");
}

static ScPubkeyReason
from_rsa(ScMemberKey *out, const EVP_PKEY *pkey, const uint8_t *spki, size_t len)
{
	BIGNUM	   *n = NULL;
	BIGNUM	   *e = NULL;
	ScPubkeyReason reason;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		reason = SC_PUBKEY_NO_MEMORY;
	else
		reason = judge_rsa(n, e);
	if (reason == SC_PUBKEY_OK && len > SC_SPKI_MAX)
		reason = SC_PUBKEY_TOO_LARGE;
	if (reason == SC_PUBKEY_OK)
	{
		keep_spki(out, SC_KIND_RSA, BN_num_bits(n), spki, len);
		if (!hash_rsa_jwk(&out->jwk_thumbprint, n, e))
			reason = SC_PUBKEY_NO_MEMORY;
	}
	BN_free(n);
	BN_free(e);
	return reason;
}

bool
sc_pubkey_is_p256(const EVP_PKEY *pkey)
{
	char		group[32];
	size_t		n;

	return EVP_PKEY_is_a(pkey, "EC") &&
		EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), &n) == 1 &&
		strcmp(group, "prime256v1") == 0;
}

/* a decoded key, and its encoding again */
static ScPubkeyReason
from_pkey(ScMemberKey *out, const EVP_PKEY *pkey, const uint8_t *spki, size_t len)
{
	if (EVP_PKEY_is_a(pkey, "ED25519"))
	{
		if (len != SC_ED25519_SPKI_LEN)
			return SC_PUBKEY_FORM;
		return sc_pubkey_from_ed25519(out, spki + SC_ED25519_PREFIX_LEN);
	}
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return from_rsa(out, pkey, spki, len);
	if (sc_pubkey_is_p256(pkey))
		return from_p256(out, spki, len);
	return SC_PUBKEY_ALGORITHM;
}

ScPubkeyReason
sc_pubkey_from_pkey(ScMemberKey *out, const EVP_PKEY *pkey)
{
	uint8_t    *spki = NULL;
	int			len = i2d_PUBKEY(pkey, &spki);
	ScPubkeyReason reason;

	memset(out, 0, sizeof(*out));
	reason = len <= 0 ? SC_PUBKEY_ALGORITHM : from_pkey(out, pkey, spki, (size_t) len);
	OPENSSL_free(spki);
	return reason;
}

/* a SubjectPublicKeyInfo that fills the bytes; SC_PUBKEY_NOT_A_KEY when it is none at all */
static ScPubkeyReason
parse_spki(ScMemberKey *out, const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	X509_PUBKEY *info;
	EVP_PKEY   *pkey;
	ScPubkeyReason reason;

	/* libcrypto's decoder takes four times as long as the point's check, and says nothing else of these */
	if (len == SC_ED25519_SPKI_LEN && memcmp(der, sc_ed25519_prefix, SC_ED25519_PREFIX_LEN) == 0)
		return sc_pubkey_from_ed25519(out, der + SC_ED25519_PREFIX_LEN);
	info = d2i_X509_PUBKEY(NULL, &p, (long) len);
	if (info == NULL)
		return SC_PUBKEY_NOT_A_KEY;
	pkey = X509_PUBKEY_get0(info);
	if (p != der + len)
		reason = SC_PUBKEY_TRAILING;
	else if (pkey == NULL)
		reason = sc_pubkey_unreadable(info);
	else
	{
		reason = sc_pubkey_from_pkey(out, pkey);

		/* only one encoding: BER, or parameters that DER would leave out, are another text of the same key */
		if (reason == SC_PUBKEY_OK && (out->spkilen != len || memcmp(out->spki, der, len) != 0))
			reason = SC_PUBKEY_FORM;
	}
	X509_PUBKEY_free(info);
	return reason;
}

ScPubkeyReason
sc_pubkey_unreadable(X509_PUBKEY *info)
{
	ASN1_OBJECT *oid = NULL;
	int			nid;

	if (X509_PUBKEY_get0_param(&oid, NULL, NULL, NULL, info) != 1)
		return SC_PUBKEY_NOT_A_KEY;
	nid = OBJ_obj2nid(oid);
	if (nid == NID_X9_62_id_ecPublicKey || nid == NID_ED25519 || nid == NID_rsaEncryption)
		return SC_PUBKEY_POINT;
	return SC_PUBKEY_ALGORITHM;
}

/* whether the bytes are what libcrypto would write: a hash names one certificate */
static bool
is_der(const X509 *cert, const uint8_t *der, size_t len)
{
	uint8_t    *again = NULL;
	int			n = i2d_X509(cert, &again);
	bool		same = n >= 0 && (size_t) n == len && memcmp(again, der, len) == 0;

	OPENSSL_free(again);
	return same;
}

/* a certificate that fills the bytes */
static ScPubkeyReason
parse_certificate(ScMemberKey *out, const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	X509	   *cert = d2i_X509(NULL, &p, (long) len);
	EVP_PKEY   *pkey;
	ScPubkeyReason reason;

	if (cert == NULL)
		return SC_PUBKEY_NOT_A_KEY;
	pkey = X509_get0_pubkey(cert);
	if (p != der + len)
		reason = SC_PUBKEY_TRAILING;
	else if (!is_der(cert, der, len))
		reason = SC_PUBKEY_FORM;
	else if (pkey == NULL)
		reason = sc_pubkey_unreadable(X509_get_X509_PUBKEY(cert));
	else
		reason = sc_pubkey_from_pkey(out, pkey);
	if (reason == SC_PUBKEY_OK)
	{
		out->from_certificate = true;
		sc_hash_bytes(&out->certificate_hash, der, len);
	}
	X509_free(cert);
	return reason;
}

static ScPubkeyReason
parse_der(ScMemberKey *out, const uint8_t *der, size_t len)
{
	ScPubkeyReason reason = parse_spki(out, der, len);

	return reason == SC_PUBKEY_NOT_A_KEY ? parse_certificate(out, der, len) : reason;
}

/* what a PEM block says that it is */
static ScPubkeyReason
parse_block(ScMemberKey *out, const char *name, const uint8_t *der, size_t len)
{
	if (strcmp(name, PEM_STRING_PUBLIC) == 0)
		return parse_spki(out, der, len);
	if (strcmp(name, PEM_STRING_X509) == 0)
		return parse_certificate(out, der, len);
	if (strstr(name, "PRIVATE KEY") != NULL)
		return SC_PUBKEY_PRIVATE;
	return SC_PUBKEY_NOT_A_KEY;
}

/* whether only white space is left to read */
static bool
at_end(BIO *bio)
{
	char		c;

	while (BIO_read(bio, &c, 1) == 1)
	{
		if (c != '\n' && c != '\r' && c != ' ' && c != '\t')
			return false;
	}
	return true;
}

static ScPubkeyReason
parse_pem(ScMemberKey *out, const void *data, size_t len)
{
	BIO		   *bio = BIO_new_mem_buf(data, (int) len);
	char	   *name = NULL;
	char	   *header = NULL;
	uint8_t    *der = NULL;
	long		derlen;
	ScPubkeyReason reason;

	if (bio == NULL)
		return SC_PUBKEY_NO_MEMORY;
	if (PEM_read_bio(bio, &name, &header, &der, &derlen) != 1)
		reason = SC_PUBKEY_NOT_A_KEY;
	else
	{
		reason = parse_block(out, name, der, (size_t) derlen);
		if (reason == SC_PUBKEY_OK && (header[0] != '\0' || !at_end(bio)))
			reason = SC_PUBKEY_TRAILING;
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_cleanse(der, (size_t) derlen);
		OPENSSL_free(der);
	}
	BIO_free(bio);
	return reason;
}

ScPubkeyReason
sc_pubkey_parse(ScMemberKey *out, const void *data, size_t len)
{
	static const char pem[] = "-----BEGIN ";
	ScPubkeyReason reason;

	memset(out, 0, sizeof(*out));
	if (len == SC_ED25519_RAW_LEN)
		return sc_pubkey_from_ed25519(out, data);
	if (len > SC_PUBKEY_INPUT_MAX)
		return SC_PUBKEY_TOO_LARGE;
	ERR_set_mark();
	if (len > sizeof(pem) - 1 && memcmp(data, pem, sizeof(pem) - 1) == 0)
		reason = parse_pem(out, data, len);
	else
		reason = parse_der(out, data, len);
	ERR_pop_to_mark();
	return reason;
}
