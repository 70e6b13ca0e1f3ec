/*
 * evidence_prove.c
 *	  Every receipt of the evidence leads to its checkpoint, and all checkpoints are of one history.
 *
 * Invariant: after success each receipt's leaf stands in one and the same
 * history, that of the row's checkpoint, which alone is weighed by whom the
 * user trusts.  Another checkpoint belongs to it when size and root are the
 * same, or when a file consistency-<its size> connects the two.
 */
#include "bin/evidence.h"

/* the two checkpoints contradict each other: says so at length */
static bool
report_fork(ScEvidence *evidence, const ScPiece *piece)
{
	ScFile		pair[2] = {evidence->row->file, piece->file};
	const char *reason;

	for (int i = 0; i < 2; i++)
		(void) sc_trust_judge(evidence->trust, &pair[i], &reason);
	(void) sc_verify_forks(pair, 2, evidence->trust);
	return sc_evidence_fail(evidence, SC_REFUTED, piece, "Its checkpoint has another root hash than the row's at the same size.");
}

static bool
same_history(ScEvidence *evidence, const ScPiece *piece)
{
	const ScCheckpoint *main = &evidence->row->file.checkpoint;
	const ScCheckpoint *other = &piece->file.checkpoint;
	const ScPiece *proof;

	if (strcmp(main->origin, other->origin) != 0)
		return sc_evidence_fail(evidence, SC_REFUTED, piece, "It is of another chain than the row.");
	if (main->size == other->size)
		return memcmp(&main->root, &other->root, sizeof(ScHash)) == 0 || report_fork(evidence, piece);
	proof = sc_evidence_numbered(evidence, SC_ROLE_CONSISTENCY, other->size);
	if (proof == NULL)
		return sc_evidence_fail(evidence, SC_UNUSABLE, piece,
								"Its checkpoint has another size than the row's, and no consistency proof connects the two.");
	return sc_checkpoints_connected(main, other, proof->file.text.data, proof->file.text.len) ||
		sc_evidence_fail(evidence, SC_REFUTED, proof, "This proof does not connect the checkpoints.");
}

static bool
prove_piece(ScEvidence *evidence, ScPiece *piece)
{
	bool		receipt = SC_ROLE_IS_RECEIPT(piece->role);
	const char *why;

	if (!receipt && piece->role != SC_ROLE_CHECKPOINT)
		return true;
	why = sc_file_parse(&piece->file, receipt);
	if (why == NULL && receipt)
	{
		why = sc_receipt_prove(&piece->file, &piece->leaf);
		piece->has_leaf = why == NULL;
	}
	if (why == NULL && !receipt && piece->file.checkpoint.size != piece->number)
		why = "Its name says another size than the checkpoint.";
	return why == NULL || sc_evidence_fail(evidence, SC_REFUTED, piece, why);
}

bool
sc_evidence_prove(ScEvidence *evidence)
{
	/* the row's receipt is the first, by its role */
	for (int i = 0; i < evidence->npieces; i++)
	{
		ScPiece    *piece = &evidence->pieces[i];

		if (!prove_piece(evidence, piece))
			return false;
		if (piece->role == SC_ROLE_ROW)
			evidence->row = piece;
		if (evidence->row == NULL)
			return sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "There is no file row.receipt.");
		if (piece->file.has_checkpoint && !same_history(evidence, piece))
			return false;
	}
	if (evidence->row == NULL)
		return sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "There is no file row.receipt.");
	evidence->trusted = sc_trust_judge(evidence->trust, &evidence->row->file, &evidence->trust_reason);
	return evidence->trusted == SC_VERIFIED || evidence->trusted == SC_UNVOUCHED ||
		sc_evidence_fail(evidence, evidence->trusted, evidence->row, "A signature of its checkpoint by a key that you trust is wrong.");
}
