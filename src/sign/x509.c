/*
 * x509.c
 *	  Certificate chains up to registered authorities, at the time of the signature.
 *
 * Invariant: a certificate is good only by a chain to an authority that the
 * caller registered, with every certificate valid at the time asked about,
 * keys and hashes of at least 112 bits of security (no SHA-1, no RSA below
 * 2,048 bits), and a usage that permits signing.
 *
 * Effects: none; libcrypto's error queue is left as it was.
 * Source: RFC 5280.  It does not fetch anything: no OCSP, no CRL download, no
 * issuer download.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/text.h"
#include "sign/pubkey_internal.h"
#include "sign/x509_internal.h"

#define SECURITY_LEVEL 2		/* libcrypto's name for 112 bits */

const char *
sc_cert_reason_text(ScCertReason reason)
{
	switch (reason)
	{
		case SC_CERT_OK:
			return "no error";
		case SC_CERT_MALFORMED:
			return "not one certificate or revocation list in PEM or DER";
		case SC_CERT_UNKNOWN_AUTHORITY:
			return "no registered authority stands behind it";
		case SC_CERT_NOT_YET_VALID:
			return "not yet valid at that time";
		case SC_CERT_EXPIRED:
			return "expired at that time";
		case SC_CERT_REVOKED:
			return "revoked at that time";
		case SC_CERT_WRONG_USAGE:
			return "its key usage does not permit this signature";
		case SC_CERT_BAD_SIGNATURE:
			return "a signature in its chain does not verify";
		case SC_CERT_BAD_CHAIN:
			return "an issuer in its chain may not issue it";
		case SC_CERT_WEAK:
			return "a key or hash in its chain is too weak";
		case SC_CERT_UNSUPPORTED:
			return "it depends on an extension that is not supported";
		case SC_CERT_KEY:
			return "its key is of a kind that members may not have";
		case SC_CERT_NO_MEMORY:
			return "out of memory";
	}
	return "unknown reason";
}

ScAuthorities *
sc_authorities_new(void)
{
	ScAuthorities *authorities = calloc(1, sizeof(*authorities));
	X509_VERIFY_PARAM *param;

	if (authorities == NULL)
		return NULL;
	authorities->store = X509_STORE_new();
	authorities->others = sk_X509_new_null();
	authorities->crls = sk_X509_CRL_new_null();
	if (!authorities->store || !authorities->others || !authorities->crls)
	{
		sc_authorities_free(authorities);
		return NULL;
	}
	param = X509_STORE_get0_param(authorities->store);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);

	/* an authority may be registered that another one signed */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	return authorities;
}

void
sc_authorities_free(ScAuthorities *authorities)
{
	if (authorities == NULL)
		return;
	X509_STORE_free(authorities->store);
	sk_X509_pop_free(authorities->others, X509_free);
	sk_X509_CRL_pop_free(authorities->crls, X509_CRL_free);
	free(authorities);
}

/* the block of a PEM text that holds nothing else */
static ScCertReason
pem_bytes(uint8_t **der, size_t *derlen, const char *name, const void *data, size_t len)
{
	BIO		   *bio = BIO_new_mem_buf(data, (int) len);
	char	   *found = NULL;
	char	   *header = NULL;
	long		n;
	char		c;
	ScCertReason reason = SC_CERT_OK;

	if (bio == NULL)
		return SC_CERT_NO_MEMORY;
	if (PEM_read_bio(bio, &found, &header, der, &n) != 1)
	{
		BIO_free(bio);
		return SC_CERT_MALFORMED;
	}
	*derlen = (size_t) n;
	if (strcmp(found, name) != 0 || header[0] != '\0')
		reason = SC_CERT_MALFORMED;
	while (reason == SC_CERT_OK && BIO_read(bio, &c, 1) == 1)
	{
		if (c != '\n' && c != '\r' && c != ' ' && c != '\t')
			reason = SC_CERT_MALFORMED;
	}
	OPENSSL_free(found);
	OPENSSL_free(header);
	BIO_free(bio);
	if (reason != SC_CERT_OK)
	{
		OPENSSL_free(*der);
		*der = NULL;
	}
	return reason;
}

ScCertReason
sc_cert_bytes(uint8_t **der, size_t *derlen, const char *name, const void *data, size_t len)
{
	static const char pem[] = "-----BEGIN ";

	*der = NULL;
	if (len == 0 || len > SC_CRL_MAX)
		return SC_CERT_MALFORMED;
	if (len > sizeof(pem) && memcmp(data, pem, sizeof(pem) - 1) == 0)
		return pem_bytes(der, derlen, name, data, len);
	*der = OPENSSL_memdup(data, len);
	*derlen = len;
	return *der ? SC_CERT_OK : SC_CERT_NO_MEMORY;
}

ScCertReason
sc_cert_read(X509 **out, const void *data, size_t len)
{
	uint8_t    *der;
	size_t		derlen;
	ScCertReason reason = sc_cert_bytes(&der, &derlen, PEM_STRING_X509, data, len);
	const uint8_t *p = der;
	int64_t		time;

	*out = NULL;
	if (reason != SC_CERT_OK)
		return reason;
	*out = d2i_X509(NULL, &p, (long) derlen);
	/* one whose times cannot be read was never and is never good */
	if (*out && (p != der + derlen || !sc_cert_time(&time, X509_get0_notBefore(*out)) ||
				 !sc_cert_time(&time, X509_get0_notAfter(*out))))
	{
		X509_free(*out);
		*out = NULL;
	}
	OPENSSL_free(der);
	return *out ? SC_CERT_OK : SC_CERT_MALFORMED;
}

/* keeps a certificate, trusted or not */
static ScCertReason
keep_certificate(ScAuthorities *authorities, X509 *cert, bool trusted)
{
	if (trusted)
		return X509_STORE_add_cert(authorities->store, cert) == 1 ? SC_CERT_OK : SC_CERT_NO_MEMORY;
	if (X509_up_ref(cert) != 1)
		return SC_CERT_NO_MEMORY;
	if (sk_X509_push(authorities->others, cert) <= 0)
	{
		X509_free(cert);
		return SC_CERT_NO_MEMORY;
	}
	return SC_CERT_OK;
}

/* reads one certificate and keeps it */
static ScCertReason
add_certificate(ScAuthorities *authorities, const void *data, size_t len, bool trusted)
{
	X509	   *cert;
	ScCertReason reason;

	ERR_set_mark();
	reason = sc_cert_read(&cert, data, len);
	if (reason == SC_CERT_OK)
		reason = keep_certificate(authorities, cert, trusted);
	X509_free(cert);
	ERR_pop_to_mark();
	return reason;
}

ScCertReason
sc_authorities_add_anchor(ScAuthorities *authorities, const void *data, size_t len)
{
	return add_certificate(authorities, data, len, true);
}

ScCertReason
sc_authorities_add_intermediate(ScAuthorities *authorities, const void *data, size_t len)
{
	return add_certificate(authorities, data, len, false);
}

ScCertReason
sc_authorities_add_bundle(ScAuthorities *authorities, const void *data, size_t len)
{
	BIO		   *bio;
	X509	   *cert;
	int			count = 0;
	ScCertReason reason = SC_CERT_OK;

	if (len == 0 || len > SC_CRL_MAX)
		return SC_CERT_MALFORMED;
	ERR_set_mark();
	bio = BIO_new_mem_buf(data, (int) len);
	if (bio == NULL)
		reason = SC_CERT_NO_MEMORY;
	while (reason == SC_CERT_OK && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
	{
		reason = keep_certificate(authorities, cert, X509_self_signed(cert, 1) == 1);
		X509_free(cert);
		count++;
	}
	/* it must have stopped because there was no further block */
	if (reason == SC_CERT_OK && (count == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		reason = SC_CERT_MALFORMED;
	BIO_free(bio);
	ERR_pop_to_mark();
	return reason;
}

bool
sc_cert_time(int64_t *out, const ASN1_TIME *time)
{
	struct tm	tm;

	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*out = (int64_t) timegm(&tm);
	return true;
}

void
sc_cert_print_name(char out[SC_CERT_NAME_MAX], const X509_NAME *name)
{
	BIO		   *bio = BIO_new(BIO_s_mem());
	char	   *text;
	long		len;
	size_t		n = 0;

	out[0] = '\0';
	if (bio == NULL)
		return;
	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
	len = BIO_get_mem_data(bio, &text);
	while (len > 0 && n < (size_t) len)
	{
		uint32_t	cp;
		size_t		clen = sc_text_utf8_char(&cp, text + n, (size_t) len - n);

		if (clen == 0 || n + clen >= SC_CERT_NAME_MAX)
			break;
		memcpy(out + n, text + n, clen);
		n += clen;
	}
	out[n] = '\0';
	BIO_free(bio);
}

/* what libcrypto found, in our words */
static ScCertReason
reason_of(int error)
{
	switch (error)
	{
		case X509_V_OK:
			return SC_CERT_OK;
		case X509_V_ERR_OUT_OF_MEM:
			return SC_CERT_NO_MEMORY;
		case X509_V_ERR_CERT_NOT_YET_VALID:
			return SC_CERT_NOT_YET_VALID;
		case X509_V_ERR_CERT_HAS_EXPIRED:
			return SC_CERT_EXPIRED;
		case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
		case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
		case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		case X509_V_ERR_CERT_UNTRUSTED:
			return SC_CERT_UNKNOWN_AUTHORITY;
		case X509_V_ERR_INVALID_PURPOSE:
			return SC_CERT_WRONG_USAGE;
		case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
			return SC_CERT_BAD_SIGNATURE;
		case X509_V_ERR_EE_KEY_TOO_SMALL:
		case X509_V_ERR_CA_KEY_TOO_SMALL:
		case X509_V_ERR_CA_MD_TOO_WEAK:
			return SC_CERT_WEAK;
		case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
			return SC_CERT_UNSUPPORTED;
		default:
			return SC_CERT_BAD_CHAIN;
	}
}

/* whether a certificate may sign rows: for signatures or nonrepudiation, and nobody's authority */
static bool
may_sign_rows(X509 *cert)
{
	return X509_check_ca(cert) != 1 &&
		(X509_get_key_usage(cert) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
}

/* hash of the registered certificate at the chain's end */
static void
note_authority(ScCertJudgement *out, STACK_OF(X509) *chain)
{
	unsigned int n;
	X509	   *anchor = sk_X509_value(chain, sk_X509_num(chain) - 1);

	out->has_authority = X509_digest(anchor, EVP_sha256(), out->authority.bytes, &n) == 1;
}

/* when every certificate of the chain is valid */
static void
note_validity(ScCertJudgement *out, STACK_OF(X509) *chain)
{
	out->chain_from = out->not_before;
	out->chain_until = out->not_after;
	for (int i = 1; i < sk_X509_num(chain); i++)
	{
		int64_t		from;
		int64_t		until;

		if (sc_cert_time(&from, X509_get0_notBefore(sk_X509_value(chain, i))) && from > out->chain_from)
			out->chain_from = from;
		if (sc_cert_time(&until, X509_get0_notAfter(sk_X509_value(chain, i))) && until < out->chain_until)
			out->chain_until = until;
	}
}

/* builds and checks the chain */
static void
judge_chain(ScCertJudgement *out, const ScAuthorities *authorities, X509 *cert, STACK_OF(X509) *more,
			ScCertUse use, int64_t at)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *helpful = sk_X509_dup(authorities->others);

	out->reason = SC_CERT_NO_MEMORY;
	for (int i = 0; helpful && more && i < sk_X509_num(more); i++)
		sk_X509_push(helpful, sk_X509_value(more, i));
	if (ctx && helpful && X509_STORE_CTX_init(ctx, authorities->store, cert, helpful) == 1)
	{
		X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t) at);
		if (use == SC_CERT_USE_TIMESTAMPS)
			X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_TIMESTAMP_SIGN);
		if (X509_verify_cert(ctx) == 1)
		{
			out->reason = SC_CERT_OK;
			note_authority(out, X509_STORE_CTX_get0_chain(ctx));
			note_validity(out, X509_STORE_CTX_get0_chain(ctx));
			sc_crl_judge(out, authorities, X509_STORE_CTX_get0_chain(ctx), at);
		}
		else
		{
			out->reason = reason_of(X509_STORE_CTX_get_error(ctx));
			if (out->reason == SC_CERT_OK)
				out->reason = SC_CERT_BAD_CHAIN;
			out->depth = X509_STORE_CTX_get_error_depth(ctx);
		}
	}
	X509_STORE_CTX_free(ctx);
	sk_X509_free(helpful);
}

/* the key, and the hash that x5t#S256 names the certificate by */
static void
note_key(ScCertJudgement *out, X509 *cert)
{
	EVP_PKEY   *pkey = X509_get0_pubkey(cert);
	unsigned int n;

	out->key_reason = pkey ? sc_pubkey_from_pkey(&out->key, pkey) : sc_pubkey_unreadable(X509_get_X509_PUBKEY(cert));
	if (out->key_reason == SC_PUBKEY_OK)
		out->key.from_certificate = X509_digest(cert, EVP_sha256(), out->key.certificate_hash.bytes, &n) == 1;
}

void
sc_cert_judge_decoded(ScCertJudgement *out, const ScAuthorities *authorities, X509 *cert,
					  STACK_OF(X509) *more, ScCertUse use, int64_t at)
{
	memset(out, 0, sizeof(*out));
	out->revocation_reason = -1;
	sc_cert_print_name(out->subject, X509_get_subject_name(cert));
	sc_cert_print_name(out->issuer, X509_get_issuer_name(cert));
	note_key(out, cert);
	if (!sc_cert_time(&out->not_before, X509_get0_notBefore(cert)) ||
		!sc_cert_time(&out->not_after, X509_get0_notAfter(cert)))
	{
		out->reason = SC_CERT_MALFORMED;
		return;
	}
	judge_chain(out, authorities, cert, more, use, at);
	if (out->reason != SC_CERT_OK || use != SC_CERT_USE_ROWS)
		return;
	if (!may_sign_rows(cert))
		out->reason = SC_CERT_WRONG_USAGE;
	else if (out->key_reason != SC_PUBKEY_OK)
		out->reason = SC_CERT_KEY;
}

void
sc_cert_judge(ScCertJudgement *out, const ScAuthorities *authorities, const void *data, size_t len, int64_t at)
{
	X509	   *cert;
	ScCertReason reason;

	ERR_set_mark();
	reason = sc_cert_read(&cert, data, len);
	if (reason == SC_CERT_OK)
		sc_cert_judge_decoded(out, authorities, cert, NULL, SC_CERT_USE_ROWS, at);
	else
	{
		memset(out, 0, sizeof(*out));
		out->reason = reason;
		out->revocation_reason = -1;
	}
	X509_free(cert);
	ERR_pop_to_mark();
}

ScCertReason
sc_cert_describe(ScCertInfo *out, ScBuf *der, const void *data, size_t len)
{
	X509	   *cert;
	uint8_t    *bytes = NULL;
	ScCertReason reason;

	ERR_set_mark();
	reason = sc_cert_read(&cert, data, len);
	if (reason == SC_CERT_OK)
	{
		int			n = i2d_X509(cert, &bytes);

		sc_cert_print_name(out->name, X509_get_subject_name(cert));
		if (n <= 0)
			reason = SC_CERT_NO_MEMORY;
		else if (!sc_cert_time(&out->since, X509_get0_notBefore(cert)) ||
				 !sc_cert_time(&out->until, X509_get0_notAfter(cert)))
			reason = SC_CERT_MALFORMED;
		else
			sc_buf_append(der, bytes, (size_t) n);
		OPENSSL_free(bytes);
	}
	X509_free(cert);
	ERR_pop_to_mark();
	return reason;
}
