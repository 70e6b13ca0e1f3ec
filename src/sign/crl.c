/*
 * crl.c
 *	  Certificate revocation lists: read, and asked about the certificates of a chain.
 *
 * Invariant: a list counts against a certificate only when the certificate's
 * own issuer signed it.  Being listed with a time after the one asked about is
 * no fault, but is told.  That no list is at hand is no fault either: whether
 * the lists were current is told, and the caller decides.
 *
 * Source: RFC 5280 section 5.  Delta and indirect lists are refused when they
 * are read; partitioned lists count for what they list.
 */
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "sign/x509_internal.h"

const char *
sc_cert_revocation_text(int reason)
{
	static const char *const texts[] = {
		"unspecified", "key compromise", "compromise of the authority", "affiliation changed", "superseded",
		"cessation of operation", "on hold", "unknown", "removed from the list", "privilege withdrawn",
		"compromise of the attribute authority"
	};

	if (reason < 0 || reason >= (int) (sizeof(texts) / sizeof(texts[0])))
		return "no reason given";
	return texts[reason];
}

/* whether lists of this form say all that we understand them to say */
static ScCertReason
judge_form(const X509_CRL *crl)
{
	ISSUING_DIST_POINT *point;
	int			md = NID_undef;
	bool		indirect;

	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++)
	{
		X509_EXTENSION *ext = X509_CRL_get_ext(crl, i);
		int			nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext));

		if (nid == NID_delta_crl ||
			(X509_EXTENSION_get_critical(ext) && nid != NID_issuing_distribution_point &&
			 nid != NID_authority_key_identifier && nid != NID_crl_number))
			return SC_CERT_UNSUPPORTED;
	}
	point = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
	indirect = point && point->indirectCRL > 0;
	ISSUING_DIST_POINT_free(point);
	if (indirect)
		return SC_CERT_UNSUPPORTED;
	OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &md, NULL);
	if (md == NID_sha1 || md == NID_md5 || md == NID_md4 || md == NID_md2)
		return SC_CERT_WEAK;
	return SC_CERT_OK;
}

ScCertReason
sc_crl_read(X509_CRL **out, const void *data, size_t len)
{
	uint8_t    *der;
	size_t		derlen;
	ScCertReason reason = sc_cert_bytes(&der, &derlen, PEM_STRING_X509_CRL, data, len);
	const uint8_t *p = der;
	int64_t		time;

	*out = NULL;
	if (reason != SC_CERT_OK)
		return reason;
	*out = d2i_X509_CRL(NULL, &p, (long) derlen);
	if (*out == NULL || p != der + derlen || !sc_cert_time(&time, X509_CRL_get0_lastUpdate(*out)))
		reason = SC_CERT_MALFORMED;
	else
		reason = judge_form(*out);
	OPENSSL_free(der);
	return reason;
}

ScCertReason
sc_authorities_add_crl(ScAuthorities *authorities, const void *data, size_t len)
{
	X509_CRL   *crl;
	ScCertReason reason;

	ERR_set_mark();
	reason = sc_crl_read(&crl, data, len);
	if (reason == SC_CERT_OK && sk_X509_CRL_push(authorities->crls, crl) > 0)
		crl = NULL;
	else if (reason == SC_CERT_OK)
		reason = SC_CERT_NO_MEMORY;
	X509_CRL_free(crl);
	ERR_pop_to_mark();
	return reason;
}

ScCertReason
sc_crl_describe(ScCertInfo *out, ScBuf *der, const void *data, size_t len)
{
	X509_CRL   *crl;
	uint8_t    *bytes = NULL;
	ScCertReason reason;

	ERR_set_mark();
	reason = sc_crl_read(&crl, data, len);
	if (reason == SC_CERT_OK)
	{
		int			n = i2d_X509_CRL(crl, &bytes);

		sc_cert_print_name(out->name, X509_CRL_get_issuer(crl));
		out->until = INT64_MAX;
		if (n <= 0)
			reason = SC_CERT_NO_MEMORY;
		else if (!sc_cert_time(&out->since, X509_CRL_get0_lastUpdate(crl)) ||
				 (X509_CRL_get0_nextUpdate(crl) && !sc_cert_time(&out->until, X509_CRL_get0_nextUpdate(crl))))
			reason = SC_CERT_MALFORMED;
		else
			sc_buf_append(der, bytes, (size_t) n);
		OPENSSL_free(bytes);
	}
	X509_CRL_free(crl);
	ERR_pop_to_mark();
	return reason;
}

ScCertReason
sc_crl_signed_by(X509_CRL *crl, X509 *issuer)
{
	EVP_PKEY   *pkey = X509_get0_pubkey(issuer);

	if ((X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0)
		return SC_CERT_WRONG_USAGE;
	return pkey != NULL && X509_CRL_verify(crl, pkey) == 1 ? SC_CERT_OK : SC_CERT_BAD_SIGNATURE;
}

/* whether the certificate's issuer made this list */
static bool
made_by(X509_CRL *crl, X509 *cert, X509 *issuer)
{
	return X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(cert)) == 0 &&
		sc_crl_signed_by(crl, issuer) == SC_CERT_OK;
}

/* whether what the list leaves out can be relied on at that time */
static bool
is_current(const X509_CRL *crl, int64_t at)
{
	int64_t		until;

	if (X509_CRL_get0_nextUpdate(crl) != NULL)
		return sc_cert_time(&until, X509_CRL_get0_nextUpdate(crl)) && until >= at;
	return sc_cert_time(&until, X509_CRL_get0_lastUpdate(crl)) && until >= at;
}

/* whether what was signed before a revocation for this reason stays good (RFC 3161 section 4) */
static bool
is_harmless(int reason)
{
	return reason == 0 || reason == 3 || reason == 4 || reason == 5;
}

/* the reason that an entry gives, -1 for none */
static int
reason_of_entry(X509_REVOKED *entry)
{
	ASN1_ENUMERATED *code = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
	int			reason = code ? (int) ASN1_ENUMERATED_get(code) : -1;

	ASN1_ENUMERATED_free(code);
	return reason;
}

/* keeps the earliest time from which the key may have been misused */
static void
note_misuse(ScCertJudgement *out, X509_REVOKED *entry)
{
	ASN1_GENERALIZEDTIME *since = X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, NULL, NULL);
	int64_t		time;

	if (sc_cert_time(&time, since) && (!out->has_invalid_since || time < out->invalid_since))
	{
		out->has_invalid_since = true;
		out->invalid_since = time;
	}
	ASN1_GENERALIZEDTIME_free(since);
}

/*
 * Keeps the earliest revocation of any certificate of the chain, and the worst
 * that any entry says: authorities name a graver reason, or an earlier
 * misuse, in later lists under the same time.
 */
static void
note_revocation(ScCertJudgement *out, X509_REVOKED *entry, int depth, int64_t at)
{
	int			reason = reason_of_entry(entry);
	int64_t		when;

	/* a time that cannot be read must not help the revoked */
	if (!sc_cert_time(&when, X509_REVOKED_get0_revocationDate(entry)))
		when = INT64_MIN;
	if (!out->revoked || when < out->revoked_at)
	{
		out->revoked = true;
		out->revoked_at = when;
		out->revocation_reason = reason;
		if (when <= at)
		{
			out->reason = SC_CERT_REVOKED;
			out->depth = depth;
		}
	}
	else if (when == out->revoked_at && is_harmless(out->revocation_reason) && !is_harmless(reason))
		out->revocation_reason = reason;
	out->compromised = out->compromised || !is_harmless(reason);
	note_misuse(out, entry);
}

void
sc_crl_judge(ScCertJudgement *out, const ScAuthorities *authorities, STACK_OF(X509) *chain, int64_t at)
{
	out->crls_current = true;
	for (int depth = 0; depth + 1 < sk_X509_num(chain); depth++)
	{
		X509	   *cert = sk_X509_value(chain, depth);
		bool		current = false;

		for (int i = 0; i < sk_X509_CRL_num(authorities->crls); i++)
		{
			X509_CRL   *crl = sk_X509_CRL_value(authorities->crls, i);
			X509_REVOKED *entry;

			if (!made_by(crl, cert, sk_X509_value(chain, depth + 1)))
				continue;
			current = current || is_current(crl, at);
			if (X509_CRL_get0_by_cert(crl, &entry, cert) == 1)
				note_revocation(out, entry, depth, at);
		}
		out->crls_current = out->crls_current && current;
	}
}
