/*
 * evidence_cert.c
 *	  How the key's certificate was at the row's acceptance time, by authorities and lists that the ledger holds.
 *
 * What was recorded before the row, by order and by time, is what an honest
 * origin judged by.  Lists that came later cannot make the row invalid, but
 * what they say of that time makes it doubtful.  A list counts until a newer one
 * of its authority for the same certificates takes its place.  An authority that was not
 * shown leaves the question open: its absence accuses nobody.
 */
#include "bin/evidence.h"
#include "core/text.h"

#define SECOND INT64_C(1000000)

static const char no_file[] = "The ledger recorded it by its digest, and there is no .der file of that number.";

typedef enum Which
{
	RECORDED_BEFORE,			/* lists that the origin had */
	ALL							/* and those that came later */
} Which;

static bool
is_action(const ScPiece *piece, const char *action)
{
	const ScJson *said = sc_leaf_column(&piece->leaf, "action");

	return said && sc_text_is(said->string, said->len, action);
}

static bool
is_before(const ScPiece *piece, const ScMoment *row)
{
	ScMoment	moment = sc_piece_moment(piece);

	return moment.leaf < row->leaf && moment.has_time && moment.time <= row->time;
}

/* whether the ledger said something newer of the same authority before the row: the last word counts */
static bool
superseded(const ScEvidence *evidence, const ScPiece *authority, const ScMoment *row)
{
	for (int i = 0; i < evidence->npieces; i++)
	{
		const ScPiece *piece = &evidence->pieces[i];

		if (piece->role == SC_ROLE_AUTHORITY && is_before(piece, row) &&
			piece->file.receipt.index > authority->file.receipt.index &&
			sc_json_same(sc_leaf_column(&piece->leaf, "authority"), sc_leaf_column(&authority->leaf, "authority")))
			return true;
	}
	return false;
}

/* the hash of what a list is for, by the certificate of its authority that is shown; false when that did not make it */
static bool
list_scope(ScEvidence *evidence, const ScPiece *list, ScHash *scope)
{
	ScBuf		crl = SC_BUF_INIT;
	ScCrlFacts	facts;
	bool		found = false;

	for (int i = 0; i < evidence->npieces && !found; i++)
	{
		const ScPiece *piece = &evidence->pieces[i];
		ScBuf		certificate = SC_BUF_INIT;

		if (piece->role != SC_ROLE_AUTHORITY ||
			!sc_json_same(sc_leaf_column(&piece->leaf, "authority"), sc_leaf_column(&list->leaf, "authority")))
			continue;
		sc_buf_reset(&crl);
		found = sc_evidence_bytes(evidence, list, "crl", SC_ROLE_CRL_FILE, no_file, &crl) &&
			sc_evidence_bytes(evidence, piece, "certificate", SC_ROLE_AUTHORITY_FILE, no_file, &certificate) &&
			sc_crl_judge_issuer(&facts, crl.data, crl.len, certificate.data, certificate.len) == SC_CERT_OK;
		sc_buf_free(&certificate);
	}
	sc_buf_free(&crl);
	if (found)
		*scope = facts.scope;
	return found;
}

/* whether a newer list of the same authority for the same certificates takes its place, up to the row or ever */
static bool
replaced(ScEvidence *evidence, const ScPiece *list, const ScMoment *row, Which which)
{
	ScHash		scope;
	ScHash		other;

	for (int i = 0; i < evidence->npieces; i++)
	{
		const ScPiece *piece = &evidence->pieces[i];

		if (piece->role == SC_ROLE_CRL && piece->file.receipt.index > list->file.receipt.index &&
			(which == ALL || is_before(piece, row)) &&
			sc_json_same(sc_leaf_column(&piece->leaf, "authority"), sc_leaf_column(&list->leaf, "authority")) &&
			list_scope(evidence, list, &scope) && list_scope(evidence, piece, &other) &&
			memcmp(&scope, &other, sizeof(scope)) == 0)
			return true;
	}
	return false;
}

/* gives a certificate or list to the authorities */
static bool
add(ScEvidence *evidence, ScAuthorities *authorities, const ScPiece *piece)
{
	bool		crl = piece->role == SC_ROLE_CRL;
	ScBuf		der = SC_BUF_INIT;
	ScCertReason reason;
	bool		ok;

	ok = sc_evidence_bytes(evidence, piece, crl ? "crl" : "certificate", crl ? SC_ROLE_CRL_FILE : SC_ROLE_AUTHORITY_FILE,
						   no_file, &der);
	if (ok)
	{
		reason = crl ? sc_authorities_add_crl(authorities, der.data, der.len) :
			is_action(piece, "trust") ? sc_authorities_add_anchor(authorities, der.data, der.len) :
			sc_authorities_add_intermediate(authorities, der.data, der.len);
		ok = reason == SC_CERT_OK || sc_evidence_fail(evidence, reason == SC_CERT_NO_MEMORY ? SC_UNUSABLE : SC_REFUTED,
													  piece, "What it holds can be no authority's certificate or list.");
	}
	sc_buf_free(&der);
	return ok;
}

static bool
add_all(ScEvidence *evidence, ScAuthorities *authorities, const ScMoment *row, Which which)
{
	for (int i = 0; i < evidence->npieces; i++)
	{
		const ScPiece *piece = &evidence->pieces[i];
		bool		wanted = false;

		if (piece->role == SC_ROLE_AUTHORITY)
			wanted = (is_action(piece, "trust") || is_action(piece, "intermediate")) && is_before(piece, row) &&
				!superseded(evidence, piece, row);
		else if (piece->role == SC_ROLE_CRL)
			wanted = (which == ALL || is_before(piece, row)) && !replaced(evidence, piece, row, which);
		if (wanted && !add(evidence, authorities, piece))
			return false;
	}
	return true;
}

static bool
judge(ScEvidence *evidence, const ScMoment *row, Which which, ScCertJudgement *out)
{
	ScAuthorities *authorities = sc_authorities_new();
	int64_t		seconds = row->time / SECOND - (row->time % SECOND < 0);
	bool		ok = authorities ? add_all(evidence, authorities, row, which) :
		sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "There is not enough memory.");

	if (ok)
		sc_cert_judge(out, authorities, evidence->certificate.data, evidence->certificate.len, seconds);
	sc_authorities_free(authorities);
	return ok && (out->reason != SC_CERT_NO_MEMORY || sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "There is not enough memory."));
}

/* a list says that the key may have been somebody else's at the row's time */
static bool
speaks_against(const ScCertJudgement *judgement, const ScMoment *row)
{
	return judgement->reason == SC_CERT_REVOKED ||
		(judgement->revoked && judgement->has_invalid_since && judgement->invalid_since <= row->time / SECOND);
}

bool
sc_evidence_certificate(ScEvidence *evidence, ScCertificateState *state)
{
	static ScCertJudgement before;
	static ScCertJudgement all;
	ScMoment	row = sc_piece_moment(evidence->row);

	*state = evidence->certificate.len > 0 ? SC_CERTIFICATE_GOOD : SC_CERTIFICATE_NONE;
	if (*state == SC_CERTIFICATE_NONE || !row.has_time)
		return true;
	if (!judge(evidence, &row, RECORDED_BEFORE, &before) || !judge(evidence, &row, ALL, &all))
		return false;
	evidence->certificate_reason = before.reason;
	if (before.reason == SC_CERT_UNKNOWN_AUTHORITY)
		*state = SC_CERTIFICATE_NOT_SHOWN;
	else if (before.reason != SC_CERT_OK)
		*state = SC_CERTIFICATE_BAD;
	else if (speaks_against(&all, &row))
		*state = SC_CERTIFICATE_LATE;
	return true;
}
