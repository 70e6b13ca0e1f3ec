/*
 * evidence_key.c
 *	  The registered key, as the ledger has it, and whether it made the row's signature.
 *
 * Invariant: key and certificate are the bytes that the proven registration
 * holds, in clear or by digest; the payload is made from the proven row.
 */
#include "bin/evidence.h"
#include "core/payload.h"
#include "core/text.h"
#include "core/value.h"

bool
sc_evidence_bytes(ScEvidence *evidence, const ScPiece *piece, const char *column, ScRole role, const char *missing, ScBuf *out)
{
	const ScJson *clear = sc_leaf_column(&piece->leaf, column);
	const ScPiece *beside;
	ScBuf		text = SC_BUF_INIT;
	bool		same;

	if (clear)
		return sc_value_bytea(out, clear->string, clear->len) == SC_OK ||
			sc_evidence_fail(evidence, SC_REFUTED, piece, "What it holds is not in the form that it should have.");
	if (!sc_leaf_has_digest(&piece->leaf, column))
		return true;
	beside = sc_evidence_numbered(evidence, role, piece->number);
	if (beside == NULL)
		return sc_evidence_fail(evidence, SC_UNUSABLE, piece, missing);
	sc_value_bytea_text(&text, beside->file.text.data, beside->file.text.len);
	same = !text.failed && sc_leaf_column_is(&piece->leaf, column, text.data, text.len);
	sc_buf_free(&text);
	if (!same)
		return sc_evidence_fail(evidence, SC_REFUTED, beside, "It is not what the ledger recorded.");
	sc_buf_append(out, beside->file.text.data, beside->file.text.len);
	return !out->failed || sc_evidence_fail(evidence, SC_UNUSABLE, beside, "There is not enough memory for it.");
}

bool
sc_evidence_take_key(ScEvidence *evidence)
{
	const ScPiece *piece = sc_evidence_find(evidence, SC_ROLE_KEY);
	ScBuf		spki = SC_BUF_INIT;
	bool		ok;

	if (piece == NULL)
		return sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "There is no file key.receipt.");
	evidence->key = piece;
	evidence->owner = sc_leaf_column(&piece->leaf, "member");
	if (evidence->owner == NULL || sc_leaf_column(&piece->leaf, "key") == NULL)
		return sc_evidence_fail(evidence, SC_REFUTED, piece, "It names no member and key.");
	ok = sc_evidence_bytes(evidence, piece, "public_key", SC_ROLE_SPKI,
					  "The ledger recorded the key by its digest, and there is no file key.spki.", &spki) &&
		sc_evidence_bytes(evidence, piece, "certificate", SC_ROLE_CERTIFICATE,
					 "The ledger recorded the certificate by its digest, and there is no file key.der.", &evidence->certificate);

	/* the certificate, where there is one, has the key and a hash of its own that headers may name */
	if (ok && sc_pubkey_parse(&evidence->member_key, spki.data, spki.len) != SC_PUBKEY_OK)
		ok = sc_evidence_fail(evidence, SC_REFUTED, piece, "It holds no key that members may have.");
	if (ok && evidence->certificate.len > 0)
	{
		ScMemberKey certified;

		if (sc_pubkey_parse(&certified, evidence->certificate.data, evidence->certificate.len) != SC_PUBKEY_OK ||
			!certified.from_certificate || memcmp(&certified.thumbprint, &evidence->member_key.thumbprint, sizeof(ScHash)) != 0)
			ok = sc_evidence_fail(evidence, SC_REFUTED, piece, "Its certificate is not of its key.");
		else
			evidence->member_key = certified;
	}
	sc_buf_free(&spki);
	return ok;
}

/* the JWS: from the row, or from row.jws if the row has its digest only */
static bool
signature_text(ScEvidence *evidence, const char **text, size_t *len)
{
	const char *column = evidence->rule.signature->string;
	const ScJson *clear = sc_leaf_column(&evidence->row->leaf, column);
	const ScPiece *beside = sc_evidence_find(evidence, SC_ROLE_JWS);

	if (beside)
	{
		*text = beside->file.text.data;
		*len = beside->file.text.len;
		/* psql and editors end a file with a newline; the signature does not know it */
		while (*len > 0 && (*text)[*len - 1] == '\n')
			(*len)--;
		return sc_leaf_column_is(&evidence->row->leaf, column, *text, *len) ||
			sc_evidence_fail(evidence, SC_REFUTED, beside, "It is not the signature that the row holds.");
	}
	if (clear == NULL)
		return sc_leaf_has_digest(&evidence->row->leaf, column) ?
			sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "The ledger recorded the signature by its digest, and there is no file row.jws.") :
			sc_evidence_fail(evidence, SC_REFUTED, evidence->row, "It holds no signature.");
	*text = clear->string;
	*len = clear->len;
	return true;
}

/* the signature by the key over the row's payload */
static ScJwsReason
verify(const ScEvidence *evidence, const char *text, size_t len)
{
	static ScJws jws;
	const ScJson *name = sc_leaf_column(&evidence->key->leaf, "key");
	const ScMemberKey *key = &evidence->member_key;
	ScBuf		payload = SC_BUF_INIT;
	ScVerifier *verifier = NULL;
	ScJwsReason reason = sc_jws_parse(&jws, text, len);

	if (reason != SC_JWS_OK)
		return reason;
	/* a header that means another key was not made for this one */
	if (!sc_jws_names_key(&jws, key, name->string))
		return SC_JWS_BAD_SIGNATURE;
	if (sc_payload_format(&payload, &evidence->row->leaf, evidence->rule.columns, evidence->rule.ncolumns) != SC_OK ||
		sc_verifier_open(&verifier, key->spki, key->spkilen) != SC_OK)
		reason = SC_JWS_NO_MEMORY;
	else
		reason = sc_jws_verify(&jws, verifier, SC_JWS_TYP_ROW, payload.data, payload.len);
	sc_verifier_close(verifier);
	sc_buf_free(&payload);
	return reason;
}

bool
sc_evidence_check_signature(ScEvidence *evidence, bool *good)
{
	const char *text = NULL;
	size_t		len = 0;
	ScJwsReason reason;

	if (!signature_text(evidence, &text, &len))
		return false;
	if (!sc_profile_allows(evidence->trust->profile, evidence->member_key.kind))
		return sc_evidence_fail(evidence, SC_UNUSABLE, evidence->key,
								"The profile does not allow the algorithm of the member's key.");
	reason = verify(evidence, text, len);
	if (reason == SC_JWS_NO_MEMORY || reason == SC_JWS_INTERNAL)
		return sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "The signature could not be checked for lack of memory.");
	*good = reason == SC_JWS_OK;
	/* a rule that came after the row did not ask for a signature: a bad one proves nothing */
	if (!*good && evidence->ruling.reason != SC_REASON_BEFORE_RULE)
	{
		evidence->ruling = sc_verdict_for(SC_REASON_BAD_SIGNATURE);
		evidence->detail = sc_jws_reason_text(reason);
		evidence->cause = evidence->key;
	}
	return true;
}
