/*
 * verify_consistency.c
 *	  Whether a longer history extends a shorter one: --consistency.
 *
 * The proof is a text, one base64 hash a line.  Two forms are taken: PROOF of
 * RFC 6962 2.1.2, and SUBPROOF(m, D, false), which also carries the hash that a
 * PROOF leaves out when the smaller size is a power of two.  The second form
 * shows which root the longer history has at the smaller size; if the shorter
 * history was signed with another, that is a proof against the signer.
 *
 * A proof that leads nowhere says nothing about either history.
 */
#include <errno.h>
#include <stdio.h>

#include "bin/verify.h"
#include "core/proof.h"
#include "core/text.h"

typedef struct Proof
{
	int			npath;
	ScHash		path[SC_PROOF_MAX + 1];
} Proof;

/* reads the hashes; false when the text is something else */
static bool
parse_proof(Proof *proof, const char *text, size_t len)
{
	const char *line;
	size_t		n;

	proof->npath = 0;
	while (sc_text_line(&line, &n, &text, &len))
	{
		if (proof->npath > SC_PROOF_MAX || !sc_text_base64_hash(&proof->path[proof->npath], line, n))
			return false;
		proof->npath++;
	}
	return len == 0;
}

/* whether the proof shows that `new` has another root at old's size than old has */
static bool
shows_rewriting(const Proof *proof, const ScCheckpoint *old, const ScCheckpoint *new)
{
	ScHash		old_root;
	ScHash		new_root;

	return sc_proof_subproof_roots(&old_root, &new_root, old->size, new->size, proof->path, proof->npath) == SC_OK &&
		memcmp(new_root.bytes, new->root.bytes, SC_HASH_LEN) == 0 &&
		memcmp(old_root.bytes, old->root.bytes, SC_HASH_LEN) != 0;
}

/* the same with the first hash standing for itself: does it connect them? */
static bool
connects(const Proof *proof, const ScCheckpoint *old, const ScCheckpoint *new)
{
	ScHash		old_root;
	ScHash		new_root;

	if (sc_proof_verify_consistency(old->size, &old->root, new->size, &new->root,
									proof->path, proof->npath) == SC_OK)
		return true;
	return sc_proof_subproof_roots(&old_root, &new_root, old->size, new->size, proof->path, proof->npath) == SC_OK &&
		memcmp(new_root.bytes, new->root.bytes, SC_HASH_LEN) == 0 &&
		memcmp(old_root.bytes, old->root.bytes, SC_HASH_LEN) == 0;
}

bool
sc_checkpoints_connected(const ScCheckpoint *a, const ScCheckpoint *b, const char *text, size_t len)
{
	const ScCheckpoint *old = a->size <= b->size ? a : b;
	Proof		proof;

	return strcmp(a->origin, b->origin) == 0 && parse_proof(&proof, text, len) && connects(&proof, old, old == a ? b : a);
}

static ScVerdict
judge(const ScFile *old, const ScFile *new, const ScTrust *trust, const Proof *proof, const char *path)
{
	if (connects(proof, &old->checkpoint, &new->checkpoint))
	{
		printf("%s: CONSISTENT\n  The history of %llu leaves extends the history of %llu leaves: nothing that stood there was changed.\n",
			   path, (unsigned long long) new->checkpoint.size, (unsigned long long) old->checkpoint.size);
		return SC_VERIFIED;
	}
	if (!shows_rewriting(proof, &old->checkpoint, &new->checkpoint))
	{
		printf("%s: NOT TRUE\n  This proof does not connect the two checkpoints. It says nothing against either of them.\n", path);
		return SC_REFUTED;
	}
	if (sc_trust_print_liars(trust, old, new, false))
		printf("PROOF: history was rewritten\n"
			   "  One key signed both checkpoints, and the proof shows that the longer history has another root hash\n"
			   "  at %llu leaves than the shorter one. Keep all three files.\n",
			   (unsigned long long) old->checkpoint.size);
	else
		printf("CONFLICT: the longer history does not extend the shorter one\n"
			   "  At least one of them is false. This is no proof against anybody: no key that you named signed both.\n");
	sc_trust_print_liars(trust, old, new, true);
	return SC_REFUTED;
}

ScVerdict
sc_verify_consistency(const ScFile *a, const ScFile *b, const ScTrust *trust, const char *path)
{
	const ScFile *old = a->checkpoint.size <= b->checkpoint.size ? a : b;
	const ScFile *new = old == a ? b : a;
	ScBuf		buf = SC_BUF_INIT;
	Proof		proof;
	bool		ok;

	/* what is wrong with a file has been said */
	if (a->verdict == SC_REFUTED || b->verdict == SC_REFUTED || !a->has_checkpoint || !b->has_checkpoint)
		return SC_VERIFIED;
	if (strcmp(a->checkpoint.origin, b->checkpoint.origin) != 0)
	{
		printf("%s: CANNOT TELL\n  The two files are about different chains.\n", path);
		return SC_UNUSABLE;
	}
	errno = 0;
	if (!sc_file_slurp(&buf, path))
		return SC_UNUSABLE;
	ok = parse_proof(&proof, buf.data, buf.len);
	sc_buf_free(&buf);
	if (!ok)
	{
		printf("%s: NOT TRUE\n  This is no consistency proof: one base64 hash a line is expected.\n", path);
		return SC_REFUTED;
	}
	return judge(old, new, trust, &proof, path);
}
