/*
 * x509_register.c
 *	  What a register of authorities has to know: who may issue, and whose list it is.
 *
 * Effects: none; libcrypto's error queue is left as it was.
 * Source: RFC 5280 sections 4.2.1.9 (who is an authority) and 5 (lists).
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "sign/x509_internal.h"

/* the least bits of security of a hash, and of a key, that we build on */
#define SECURITY_BITS 112

/* strong enough to stand behind others? */
static bool
is_strong(X509 *cert)
{
	EVP_PKEY   *pkey = X509_get0_pubkey(cert);
	int			bits = 0;

	if (pkey == NULL || EVP_PKEY_get_security_bits(pkey) < SECURITY_BITS)
		return false;

	/* its own signature counts only when another authority made it: chains are built on its key */
	return X509_self_signed(cert, 0) == 1 ||
		(X509_get_signature_info(cert, NULL, NULL, &bits, NULL) == 1 && bits >= SECURITY_BITS);
}

ScCertReason
sc_cert_judge_authority(const void *data, size_t len)
{
	X509	   *cert;
	ScCertReason reason;

	ERR_set_mark();
	reason = sc_cert_read(&cert, data, len);
	if (reason == SC_CERT_OK && X509_check_ca(cert) != 1)
		reason = SC_CERT_WRONG_USAGE;
	if (reason == SC_CERT_OK && !is_strong(cert))
		reason = SC_CERT_WEAK;
	X509_free(cert);
	ERR_pop_to_mark();
	return reason;
}

/* hash of the extension that says for which certificates the list is; of nothing for a full list */
static void
hash_scope(ScHash *out, const X509_CRL *crl)
{
	int			at = X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1);
	const ASN1_OCTET_STRING *value = at >= 0 ? X509_EXTENSION_get_data(X509_CRL_get_ext(crl, at)) : NULL;

	sc_hash_bytes(out, value ? ASN1_STRING_get0_data(value) : (const void *) "",
				  value ? (size_t) ASN1_STRING_length(value) : 0);
}

ScCertReason
sc_crl_judge_issuer(ScCrlFacts *out, const void *data, size_t len, const void *certdata, size_t certlen)
{
	X509_CRL   *crl = NULL;
	X509	   *cert = NULL;
	ScCertReason reason;

	memset(out, 0, sizeof(*out));
	ERR_set_mark();
	reason = sc_crl_read(&crl, data, len);
	if (reason == SC_CERT_OK)
		reason = sc_cert_read(&cert, certdata, certlen);
	if (reason == SC_CERT_OK && X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(cert)) != 0)
		reason = SC_CERT_UNKNOWN_AUTHORITY;
	if (reason == SC_CERT_OK)
		reason = sc_crl_signed_by(crl, cert);
	if (reason == SC_CERT_OK)
	{
		hash_scope(&out->scope, crl);
		(void) sc_cert_time(&out->issued_at, X509_CRL_get0_lastUpdate(crl));
	}
	X509_CRL_free(crl);
	X509_free(cert);
	ERR_pop_to_mark();
	return reason;
}
