/*
 * evidence_time.c
 *	  The earliest time at which somebody outside, whom the user believes, saw a tree that holds the row.
 *
 * A checkpoint that a consistency proof connects with the row's needs no
 * signature of the log: it is a beginning of the same history.  Cosignatures
 * count by the cosigners whom the user named, tokens by the authorities.
 */
#include "bin/evidence.h"
#include "sign/key.h"

#define SECOND INT64_C(1000000)

/* a time that is not in this millennium's reach is no time of a clock */
#define CLOCK_MAX (INT64_C(1) << 40)

static void
note_time(ScEvidence *evidence, int64_t by, const ScPiece *piece)
{
	if (evidence->seen.found && evidence->seen.by <= by)
		return;
	evidence->seen = (ScSeen) {true, by, piece};
}

/* cosignatures of a checkpoint; false when one by a named key is wrong */
static bool
take_cosignatures(ScEvidence *evidence, const ScPiece *piece)
{
	static bool good[SC_POLICY_KEYS_MAX];
	static uint64_t times[SC_POLICY_KEYS_MAX];
	const ScPolicy *policy = &evidence->trust->policy;
	uint64_t	seconds;

	if (policy->nkeys == 0 || piece->file.note.nsigs == 0)
		return true;
	if (sc_trust_verify_note(evidence->trust, &piece->file.note, &piece->file.checkpoint, good, times) == SC_BAD_SIGNATURE)
		return sc_evidence_fail(evidence, SC_REFUTED, piece, "A signature of its checkpoint by a key that you trust is wrong.");
	/* the line says whole seconds: the tree was there before the next one */
	if (sc_trust_seen_by(evidence->trust, good, times, &seconds) && seconds < CLOCK_MAX)
		note_time(evidence, ((int64_t) seconds + 1) * SECOND, piece);
	return true;
}

/* the checkpoint of that size: one of its own, or the one that a receipt ends with */
static const ScFile *
checkpoint_of_size(const ScEvidence *evidence, uint64_t size)
{
	const ScPiece *piece = sc_evidence_numbered(evidence, SC_ROLE_CHECKPOINT, size);

	if (piece)
		return &piece->file;
	return evidence->row->file.checkpoint.size == size ? &evidence->row->file : NULL;
}

/* a token: a good one of an authority whom the user named counts, a stranger's says nothing, a false one stops */
static bool
take_token(ScEvidence *evidence, ScPiece *piece)
{
	static ScTimestamp found;
	const ScFile *file = checkpoint_of_size(evidence, piece->number);
	const ScBuf *token = &piece->file.text;
	ScTimeReason reason;

	piece->idle = true;
	if (file == NULL)
		return sc_evidence_fail(evidence, SC_UNUSABLE, piece, "There is no checkpoint of the size that its name says.");
	if (!evidence->stamp->has_authority || file->checkpoint.size <= evidence->row->file.receipt.index)
		return true;
	reason = sc_timestamp_verify(&found, evidence->stamp->authorities, token->data, token->len,
								 file->note.text, file->note.textlen, NULL, 0);
	if (reason == SC_TIME_AUTHORITY && found.authority.reason == SC_CERT_UNKNOWN_AUTHORITY)
		return true;
	if (reason != SC_TIME_OK)
		return sc_evidence_fail(evidence, reason == SC_TIME_NO_MEMORY ? SC_UNUSABLE : SC_REFUTED, piece,
								"This timestamp is not right for its checkpoint, or its authority's certificate was not good.");
	if (found.seconds < 0 || found.seconds > CLOCK_MAX || found.accuracy > CLOCK_MAX)
		return true;
	piece->idle = false;
	/* a token that does not say how exact it is, is taken for exact to the second */
	note_time(evidence, found.seconds * SECOND + found.micros + (found.accuracy < 0 ? SECOND : found.accuracy), piece);
	return true;
}

bool
sc_evidence_seen(ScEvidence *evidence)
{
	for (int i = 0; i < evidence->npieces; i++)
	{
		ScPiece    *piece = &evidence->pieces[i];
		bool		checkpoint = piece->role == SC_ROLE_CHECKPOINT || piece->role == SC_ROLE_ROW;

		if (checkpoint && piece->file.checkpoint.size > evidence->row->file.receipt.index && !take_cosignatures(evidence, piece))
			return false;
		if (piece->role == SC_ROLE_TIMESTAMP && !take_token(evidence, piece))
			return false;
	}
	return true;
}
