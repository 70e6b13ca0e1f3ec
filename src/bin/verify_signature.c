/*
 * verify_signature.c
 *	  Whether a member's key signed the row of a receipt.
 *
 * Invariant: the payload is made from the leaf that the receipt proves, and
 * only columns that the signature covers are called signed.  Whose key it is,
 * and whether it was valid then, the key's own registration says, not this.
 */
#include <stdio.h>

#include "bin/verify.h"
#include "core/payload.h"
#include "sign/jws.h"

/* a verdict and why, in one sentence */
static ScVerdict
say(const char *path, ScVerdict verdict, const char *why, const char *detail)
{
	printf("%s: %s\n  %s%s%s.\n", path, verdict == SC_REFUTED ? "NOT TRUE" : "CANNOT TELL", why, detail ? ": " : "",
		   detail ? detail : "");
	return verdict;
}

/* columns that have a value in the leaf: the signed ones or the others */
static void
print_columns(const char *label, const ScLeaf *leaf, const ScRowSignature *signature, bool covered)
{
	const ScJson *groups[] = {leaf->columns, leaf->digests, leaf->private};
	int			n = 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
	{
		for (const ScJson *member = groups[i] ? groups[i]->first : NULL; member; member = member->next)
		{
			if (sc_payload_covers(member->key, member->keylen, signature->columns, signature->ncolumns) != covered)
				continue;
			fputs(n++ == 0 ? label : ", ", stdout);
			sc_print_text(member->key, member->keylen);
		}
	}
	if (n > 0)
		putchar('\n');
}

/* what the signature proves */
static ScVerdict
print_signature(const ScLeaf *leaf, const ScRowSignature *signature, const ScMemberKey *key)
{
	printf("%s: VERIFIED\n  The holder of this key signed these columns of the row:\n", signature->jws_path);
	printf("    kind of key    %s%s\n", sc_key_kind_name(key->kind),
		   key->from_certificate ? ", from a certificate that is not judged here" : "");
	sc_print_hash("key", &key->thumbprint);
	print_columns("    signed         ", leaf, signature, true);
	print_columns("    not signed     ", leaf, signature, false);
	return SC_VERIFIED;
}

/* the JWS against the payload of the leaf */
static ScVerdict
judge(const ScLeaf *leaf, const ScRowSignature *signature, const ScMemberKey *key, const char *text, size_t len)
{
	static ScJws jws;
	ScBuf		payload = SC_BUF_INIT;
	ScVerifier *verifier = NULL;
	ScJwsReason reason = sc_jws_parse(&jws, text, len);

	if (reason == SC_JWS_OK &&
		(sc_payload_format(&payload, leaf, signature->columns, signature->ncolumns) != SC_OK ||
		 sc_verifier_open(&verifier, key->spki, key->spkilen) != SC_OK))
		reason = SC_JWS_NO_MEMORY;
	if (reason == SC_JWS_OK)
		reason = sc_jws_verify(&jws, verifier, SC_JWS_TYP_ROW, payload.data, payload.len);
	sc_verifier_close(verifier);
	sc_buf_free(&payload);
	if (reason == SC_JWS_OK)
		return print_signature(leaf, signature, key);
	return say(signature->jws_path, reason == SC_JWS_NO_MEMORY || reason == SC_JWS_INTERNAL ? SC_UNUSABLE : SC_REFUTED,
			   "This key did not sign these columns of this row", sc_jws_reason_text(reason));
}

/* reads key and signature, then judges */
static ScVerdict
judge_files(const ScLeaf *leaf, const ScRowSignature *signature)
{
	ScBuf		key_text = SC_BUF_INIT;
	ScBuf		jws_text = SC_BUF_INIT;
	ScMemberKey key;
	ScPubkeyReason reason;
	ScVerdict	verdict = SC_UNUSABLE;

	if (sc_file_slurp(&key_text, signature->key_path) && sc_file_slurp(&jws_text, signature->jws_path))
	{
		/* psql and editors end a file with a newline; the signature does not know it */
		while (jws_text.len > 0 && jws_text.data[jws_text.len - 1] == '\n')
			jws_text.len--;
		reason = sc_pubkey_parse(&key, key_text.data, key_text.len);
		if (reason == SC_PUBKEY_OK && !sc_profile_allows(signature->profile, key.kind))
			verdict = say(signature->key_path, SC_UNUSABLE, "The profile does not allow the algorithm of this key",
						  sc_profile_algorithm(key.kind));
		else if (reason == SC_PUBKEY_OK)
			verdict = judge(leaf, signature, &key, jws_text.data, jws_text.len);
		else
			verdict = say(signature->key_path, SC_UNUSABLE, "This is not a key that members have", sc_pubkey_reason_text(reason));
	}
	sc_buf_free(&key_text);
	sc_buf_free(&jws_text);
	return verdict;
}

ScVerdict
sc_verify_signature(const ScFile *file, const ScRowSignature *signature)
{
	ScLeaf		leaf;
	ScVerdict	verdict;

	if (!file->is_receipt || (file->verdict != SC_VERIFIED && file->verdict != SC_UNVOUCHED) ||
		sc_leaf_parse(&leaf, file->receipt.extra, file->receipt.extralen) != SC_OK)
		return say(signature->jws_path, SC_UNUSABLE, "There is no proven row that the signature could be about", NULL);
	if (leaf.kind == SC_LEAF_ROW)
		verdict = judge_files(&leaf, signature);
	else
		verdict = say(signature->jws_path, SC_UNUSABLE, "The receipt is not one of a row", NULL);
	sc_leaf_free(&leaf);
	return verdict;
}
