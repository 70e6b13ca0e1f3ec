/*
 * x509_internal.h
 *	  What timestamps need of certificates; nobody outside this room includes it.
 */
#ifndef SC_SIGN_X509_INTERNAL_H
#define SC_SIGN_X509_INTERNAL_H

#include <openssl/x509.h>

#include "sign/x509.h"

struct ScAuthorities
{
	X509_STORE *store;			/* the trusted ones */
	STACK_OF(X509) *others;		/* the helpful ones */
	STACK_OF(X509_CRL) *crls;
};

/* what a certificate must be good for */
typedef enum ScCertUse
{
	SC_CERT_USE_ROWS,
	SC_CERT_USE_TIMESTAMPS
} ScCertUse;

/* judges a decoded certificate; `more` (or NULL) may help to complete the chain */
extern void sc_cert_judge_decoded(ScCertJudgement *out, const ScAuthorities *authorities, X509 *cert,
								  STACK_OF(X509) *more, ScCertUse use, int64_t at);

/* POSIX seconds of a time in a certificate, CRL or token; false when it is none */
extern bool sc_cert_time(int64_t *out, const ASN1_TIME *time);

/* a name as people read it; cut between characters when it is too long */
extern void sc_cert_print_name(char out[SC_CERT_NAME_MAX], const X509_NAME *name);

/* one PEM block or DER, the whole input; free *der with OPENSSL_free; `name` is the PEM block's */
extern ScCertReason sc_cert_bytes(uint8_t **der, size_t *derlen, const char *name, const void *data, size_t len);

/* decode one certificate or list that fills the bytes, PEM or DER; *out is NULL (certificate) or to be freed all the same */
extern ScCertReason sc_cert_read(X509 **out, const void *data, size_t len);
extern ScCertReason sc_crl_read(X509_CRL **out, const void *data, size_t len);

/* SC_CERT_OK, WRONG_USAGE when it may not sign lists, BAD_SIGNATURE; names are not compared */
extern ScCertReason sc_crl_signed_by(X509_CRL *crl, X509 *issuer);

/* whether the CRLs at hand list one of the chain's certificates (crl.c) */
extern void sc_crl_judge(ScCertJudgement *out, const ScAuthorities *authorities, STACK_OF(X509) *chain, int64_t at);

#endif							/* SC_SIGN_X509_INTERNAL_H */
