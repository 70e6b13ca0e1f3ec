/*
 * evidence.c
 *	  A directory of evidence about one signed row: from files to an answer.
 *
 * Invariant: nothing is said of the row, its signer or a key but what stands
 * in leaves that were proven under one checkpoint.  What was not shown, a
 * revocation above all, is not known, and the report says so.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bin/evidence.h"

bool
sc_evidence_fail(ScEvidence *evidence, ScVerdict verdict, const ScPiece *piece, const char *why)
{
	if (!evidence->failed)
	{
		evidence->failed = true;
		evidence->failure = verdict;
		evidence->failed_piece = piece;
		evidence->why = why;
	}
	return false;
}

/* the answer as an exit code */
static ScVerdict
verdict_of(const ScEvidence *evidence)
{
	static const ScVerdict verdicts[] = {
		[SC_ANSWER_VALID] = SC_VERIFIED,
		[SC_ANSWER_DOUBTFUL] = SC_DOUBTED,
		[SC_ANSWER_UNDECIDED] = SC_OPEN,
		[SC_ANSWER_INVALID] = SC_REFUTED
	};
	ScVerdict	verdict = verdicts[evidence->ruling.answer];

	return verdict == SC_REFUTED || evidence->trusted == SC_VERIFIED ? verdict : evidence->trusted;
}

ScVerdict
sc_evidence_judge(ScEvidence *evidence)
{
	ScCertificateState certificate;
	bool		good = false;

	if (!sc_evidence_prove(evidence) || !sc_evidence_take(evidence) || !sc_evidence_take_key(evidence) ||
		!sc_evidence_seen(evidence) || !sc_evidence_certificate(evidence, &certificate) ||
		!sc_evidence_rule(evidence, certificate) || !sc_evidence_check_signature(evidence, &good))
		return evidence->failure;
	return verdict_of(evidence);
}

void
sc_evidence_free(ScEvidence *evidence)
{
	for (int i = 0; i < evidence->npieces; i++)
	{
		if (evidence->pieces[i].has_leaf)
			sc_leaf_free(&evidence->pieces[i].leaf);
		sc_verify_free(&evidence->pieces[i].file);
	}
	free(evidence->pieces);
	sc_buf_free(&evidence->certificate);
}

ScVerdict
sc_verify_evidence(const char *path, const ScTrust *trust, const ScStamp *stamp)
{
	static ScEvidence evidence;
	ScVerdict	verdict;

	memset(&evidence, 0, sizeof(evidence));
	evidence.path = path;
	evidence.trust = trust;
	evidence.stamp = stamp;
	verdict = sc_evidence_read(&evidence) ? sc_evidence_judge(&evidence) : evidence.failure;
	sc_evidence_print(&evidence, verdict);
	sc_evidence_free(&evidence);
	return verdict;
}
