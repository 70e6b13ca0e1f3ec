/*
 * check_authority.c
 *	  Whether an authority's certificate or revocation list may be put on record.
 *
 * Invariant: a list on record was made by an authority that was registered
 * then, and is no older than the list before it.
 * Effects: none.
 */
#include "postgres.h"

#include "member/authority.h"
#include "member/check.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* bytes of a list; a leaf holds its digest, every session that checks certificates the whole */
#define CRL_MAX (16 * 1024 * 1024)

/* what is on record about the authority, or NULL; also that time has not gone back */
static ScAuthorityRow *
on_record(const ScCheck *check, const char *authority)
{
	ScAuthorityRow *found = NULL;
	ListCell   *cell;

	foreach(cell, sc_authority_rows(check->tables, DT_NOEND, check->snapshot))
	{
		ScAuthorityRow *row = lfirst(cell);

		sc_check_clock(check, row->time, row->authority);
		if (strcmp(row->authority, authority) == 0)
			found = row;
	}
	return found;
}

static bool
is_registered(const ScAuthorityRow *row)
{
	return row && row->certificate;
}

/* the certificate of an authority */
static void
check_certificate(const ScCheck *check, const char *authority)
{
	bytea	   *certificate;
	ScCertReason reason;
	ScBuf		der = SC_BUF_INIT;
	ScCertInfo	info;
	char	   *whose = psprintf("of authority \"%s\"", authority);
	bool		same;

	if (check->row->nulls[SC_A_CERTIFICATE])
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("authority \"%s\" has no certificate", authority),
				 errhint("Give the certificate that it signs with, in PEM or DER.")));
	certificate = DatumGetByteaP(check->row->values[SC_A_CERTIFICATE]);
	if (VARSIZE(certificate) - VARHDRSZ > SC_PUBKEY_INPUT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the certificate %s is too large", whose),
				 errdetail("It has %d bytes; a certificate may have %d.", (int) (VARSIZE(certificate) - VARHDRSZ), SC_PUBKEY_INPUT_MAX),
				 errhint("Give one X.509 certificate in PEM or DER.")));
	reason = sc_cert_describe(&info, &der, VARDATA(certificate), VARSIZE(certificate) - VARHDRSZ);
	same = reason == SC_CERT_OK && der.len == VARSIZE(certificate) - VARHDRSZ &&
		memcmp(der.data, VARDATA(certificate), der.len) == 0;
	sc_buf_free(&der);
	if (reason != SC_CERT_OK)
		sc_check_refuse_certificate(whose, reason);
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the certificate %s is not in the form in which certificates are kept", whose),
				 errhint("The table's trigger makes it DER: ALTER TABLE ... ENABLE ALWAYS TRIGGER seoulchain_member;")));
	reason = sc_cert_judge_authority(VARDATA(certificate), VARSIZE(certificate) - VARHDRSZ);
	if (reason == SC_CERT_WRONG_USAGE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the certificate %s is not an authority's", whose),
				 errdetail("It may not issue certificates (basic constraints)."),
				 errhint("A member's own certificate is given to seoulchain.add_key().")));
	if (reason != SC_CERT_OK)
		sc_check_refuse_certificate(whose, reason);
}

void
sc_check_authority(const ScCheck *check)
{
	char	   *authority = sc_check_name(check, SC_MT_AUTHORITY, SC_A_AUTHORITY);
	char	   *action = sc_check_text(check, SC_A_ACTION);
	ScAuthorityRow *before = on_record(check, authority);
	bool		distrust = action && strcmp(action, "distrust") == 0;

	if (action == NULL || (!distrust && strcmp(action, "trust") != 0 && strcmp(action, "intermediate") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is nothing that can be done with an authority", action ? action : ""),
				 errhint("Actions are trust, intermediate and distrust.")));
	if (distrust)
	{
		if (!is_registered(before))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("authority \"%s\" is not registered", authority),
					 errhint("There is nothing to distrust.")));
		if (!check->row->nulls[SC_A_CERTIFICATE])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("an authority is distrusted by its name"),
					 errhint("Leave the certificate out.")));
		return;
	}
	if (is_registered(before))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("authority \"%s\" is registered already", authority),
				 errdetail("Since %s.", timestamptz_to_str(before->time)),
				 errhint("Register another certificate under a name of its own.")));
	check_certificate(check, authority);
}

/* the list must be no older than the one that it replaces */
static void
check_newer(const ScCheck *check, const char *authority, const ScAuthorityRow *issuer, const ScCrlFacts *facts)
{
	ListCell   *cell;

	foreach(cell, sc_crl_rows(check->tables, DT_NOEND, check->snapshot))
	{
		const ScCrlRow *row = lfirst(cell);
		ScCrlFacts	before;

		sc_check_clock(check, row->time, row->authority);
		if (strcmp(row->authority, authority) != 0 ||
			sc_crl_judge_issuer(&before, VARDATA(row->crl), VARSIZE(row->crl) - VARHDRSZ,
								VARDATA(issuer->certificate), VARSIZE(issuer->certificate) - VARHDRSZ) != SC_CERT_OK ||
			memcmp(&before.scope, &facts->scope, sizeof(ScHash)) != 0 || before.issued_at <= facts->issued_at)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the revocation list of authority \"%s\" is older than the one on record", authority),
				 errdetail("The newer one was put on record at %s.", timestamptz_to_str(row->time)),
				 errhint("Give the authority's newest list.")));
	}
}

void
sc_check_crl(const ScCheck *check)
{
	char	   *authority = sc_check_name(check, SC_MT_CRL, SC_C_AUTHORITY);
	ScAuthorityRow *issuer = on_record(check, authority);
	bytea	   *crl;
	ScCrlFacts	facts;
	ScCertReason reason;

	if (!is_registered(issuer))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("authority \"%s\" is not registered", authority),
				 errhint("SELECT seoulchain.trust_authority(name, certificate) registers an authority.")));
	if (check->row->nulls[SC_C_CRL])
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("the revocation list of authority \"%s\" is missing", authority),
				 errhint("Give one revocation list in PEM or DER.")));
	crl = DatumGetByteaP(check->row->values[SC_C_CRL]);
	if (VARSIZE(crl) - VARHDRSZ > CRL_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the revocation list of authority \"%s\" is too large", authority),
				 errdetail("It has %d bytes; a list may have %d.", (int) (VARSIZE(crl) - VARHDRSZ), CRL_MAX),
				 errhint("Ask the authority for partitioned lists.")));
	reason = sc_crl_judge_issuer(&facts, VARDATA(crl), VARSIZE(crl) - VARHDRSZ,
								 VARDATA(issuer->certificate), VARSIZE(issuer->certificate) - VARHDRSZ);
	if (reason == SC_CERT_UNKNOWN_AUTHORITY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the revocation list is not of authority \"%s\"", authority),
				 errdetail("It names another issuer."),
				 errhint("Give it under the name of the authority that made it.")));
	if (reason != SC_CERT_OK)
		sc_check_refuse_crl(authority, reason);
	check_newer(check, authority, issuer, &facts);
}
