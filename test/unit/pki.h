/*
 * pki.h
 *	  A small certificate authority for tests: certificates and CRLs with any times and extensions.
 */
#ifndef TEST_PKI_H
#define TEST_PKI_H

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PKI_DAY 86400
#define PKI_EPOCH INT64_C(1750000000)	/* June 2025: the tests' "today" */

/* bytes of something encoded */
typedef struct PkiDer
{
	uint8_t    *data;
	size_t		len;
} PkiDer;

/* a certificate, its key, and who issued it */
typedef struct PkiCert
{
	EVP_PKEY   *pkey;
	X509	   *cert;
	PkiDer		der;
} PkiCert;

static long pki_serial = 1000;

static inline void
pki_must(int ok)
{
	if (!ok)
		abort();
}

static inline void
pki_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX	ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	pki_must(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

/*
 * Issues a certificate for `pkey` (taken over).  `issuer` NULL: self-signed.
 * `usage` and `extended` are values of the extensions, NULL for none.
 */
static inline PkiCert
pki_issue(EVP_PKEY *pkey, const char *name, const PkiCert *issuer, int64_t from, int64_t until,
		  const char *basic, const char *usage, const char *extended, const EVP_MD *md)
{
	PkiCert		out = {pkey, X509_new(), {NULL, 0}};
	X509	   *by = issuer ? issuer->cert : out.cert;
	X509_NAME  *subject = X509_NAME_new();

	pki_must(pkey && out.cert && subject);
	pki_must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *) name, -1, -1, 0));
	pki_must(X509_set_version(out.cert, 2) && X509_set_subject_name(out.cert, subject));
	pki_must(X509_set_issuer_name(out.cert, X509_get_subject_name(by)));
	pki_must(ASN1_INTEGER_set(X509_get_serialNumber(out.cert), ++pki_serial));
	pki_must(ASN1_TIME_set(X509_getm_notBefore(out.cert), (time_t) from) != NULL);
	pki_must(ASN1_TIME_set(X509_getm_notAfter(out.cert), (time_t) until) != NULL);
	pki_must(X509_set_pubkey(out.cert, pkey));
	if (basic)
		pki_extension(out.cert, by, NID_basic_constraints, basic);
	if (usage)
		pki_extension(out.cert, by, NID_key_usage, usage);
	if (extended)
		pki_extension(out.cert, by, NID_ext_key_usage, extended);
	pki_must(X509_sign(out.cert, issuer ? issuer->pkey : pkey, md) > 0);
	out.der.len = (size_t) i2d_X509(out.cert, &out.der.data);
	X509_NAME_free(subject);
	return out;
}

static inline PkiCert
pki_authority(const char *name, const PkiCert *issuer)
{
	return pki_issue(EVP_EC_gen("P-256"), name, issuer, PKI_EPOCH - 1000 * PKI_DAY, PKI_EPOCH + 1000 * PKI_DAY,
					 "critical,CA:TRUE", "critical,keyCertSign,cRLSign", NULL, EVP_sha256());
}

static inline void
pki_free(PkiCert *cert)
{
	EVP_PKEY_free(cert->pkey);
	X509_free(cert->cert);
	OPENSSL_free(cert->der.data);
}

/* a list of one certificate (or none); reason -1 leaves the reason out */
static inline PkiDer
pki_crl(const PkiCert *issuer, const PkiCert *revoked, int64_t when, int reason, int64_t invalid_since,
		int64_t from, int64_t until)
{
	X509_CRL   *crl = X509_CRL_new();
	ASN1_TIME  *time = ASN1_TIME_new();
	PkiDer		out = {NULL, 0};

	pki_must(crl && time && X509_CRL_set_version(crl, 1));
	pki_must(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert)));
	pki_must(ASN1_TIME_set(time, (time_t) from) && X509_CRL_set1_lastUpdate(crl, time));
	pki_must(ASN1_TIME_set(time, (time_t) until) && X509_CRL_set1_nextUpdate(crl, time));
	if (revoked)
	{
		X509_REVOKED *entry = X509_REVOKED_new();

		pki_must(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->cert)));
		pki_must(ASN1_TIME_set(time, (time_t) when) && X509_REVOKED_set_revocationDate(entry, time));
		if (reason >= 0)
		{
			ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();

			pki_must(ASN1_ENUMERATED_set(value, reason) && X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, 0));
			ASN1_ENUMERATED_free(value);
		}
		if (invalid_since != 0)
		{
			ASN1_GENERALIZEDTIME *since = ASN1_GENERALIZEDTIME_set(NULL, (time_t) invalid_since);

			pki_must(X509_REVOKED_add1_ext_i2d(entry, NID_invalidity_date, since, 0, 0));
			ASN1_GENERALIZEDTIME_free(since);
		}
		pki_must(X509_CRL_add0_revoked(crl, entry));
	}
	pki_must(X509_CRL_sort(crl) && X509_CRL_sign(crl, issuer->pkey, EVP_sha256()) > 0);
	out.len = (size_t) i2d_X509_CRL(crl, &out.data);
	X509_CRL_free(crl);
	ASN1_TIME_free(time);
	return out;
}

#endif							/* TEST_PKI_H */
