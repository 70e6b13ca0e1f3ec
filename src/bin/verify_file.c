/*
 * verify_file.c
 *	  The verdict on one receipt or checkpoint, and on all of them together.
 *
 * Invariant: nothing of a leaf is printed unless its bytes were hashed and
 * proven to stand under the checkpoint's root.  If nobody vouches for that
 * root, it is printed as what follows from the root, not as a fact.
 */
#include <errno.h>
#include <stdio.h>

#include "bin/verify.h"
#include "bin/verify_dispute.h"
#include "core/proof.h"

#define FILE_MAX (64 * 1024 * 1024)
#define RECEIPT_START "c2sp.org/tlog-proof@v1\n"

/* how bad a verdict is, for choosing the exit code */
static int
badness(ScVerdict verdict)
{
	static const int order[] = {[SC_VERIFIED] = 0, [SC_DOUBTED] = 1, [SC_OPEN] = 2, [SC_UNVOUCHED] = 3, [SC_UNUSABLE] = 4,
	[SC_REFUTED] = 5};

	return order[verdict];
}

ScVerdict
sc_verdict_worse(ScVerdict a, ScVerdict b)
{
	return badness(a) >= badness(b) ? a : b;
}

bool
sc_file_slurp(ScBuf *buf, const char *path)
{
	FILE	   *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	bool		ok = f != NULL;

	while (ok)
	{
		size_t		n;

		ok = buf->len <= FILE_MAX && sc_buf_reserve(buf, 65536);
		n = ok ? fread(buf->data + buf->len, 1, buf->cap - buf->len, f) : 0;
		buf->len += n;
		if (n == 0)
			break;
	}
	ok = ok && !ferror(f);
	if (!ok)
		fprintf(stderr, "seoulchain-verify: cannot read %s: %s\n", path, errno ? strerror(errno) : "too large");
	if (f && f != stdin)
		fclose(f);
	return ok;
}

/* reads a file to judge, and mends what a shell or terminal did to its end */
static bool
read_file(ScFile *file)
{
	ScBuf		raw = SC_BUF_INIT;
	bool		ok = sc_file_slurp(&raw, file->path);

	if (ok)
	{
		/* a dispute file ends in one newline, whatever its last part is */
		while (sc_is_dispute(raw.data, raw.len) && raw.len > 1 && raw.data[raw.len - 2] == '\n')
			raw.len--;
		if (sc_is_dispute(raw.data, raw.len))
		{
			sc_buf_append(&file->text, raw.data, raw.len);
			if (raw.data[raw.len - 1] != '\n')
				sc_buf_char(&file->text, '\n');
		}
		else
			sc_note_mend_end(&file->text, raw.data, raw.len);
		ok = !file->text.failed;
	}
	sc_buf_free(&raw);
	return ok;
}

const char *
sc_verdict_word(ScVerdict verdict)
{
	static const char *const words[] = {"VERIFIED", "NOT TRUE", "NOBODY VOUCHES", "CANNOT TELL", "DOUBTFUL", "UNDECIDED"};

	return words[verdict];
}

/* prints the verdict's first line and why */
static void
say(ScFile *file, ScVerdict verdict, const char *why)
{
	file->verdict = verdict;
	printf("%s: %s\n  %s\n", file->path, sc_verdict_word(verdict), why);
}

/* who signed, among those whom the user trusts */
static void
print_signers(const ScFile *file, const ScTrust *trust)
{
	for (int i = 0; i < trust->policy.nkeys; i++)
	{
		const ScVerifierKey *key = &trust->policy.keys[i];

		if (!file->good[i])
			continue;
		if (key->type == SC_KEY_COSIGNATURE)
		{
			fputs("    cosigned by    ", stdout);
			sc_print_text(key->name, strlen(key->name));
			fputs(" at ", stdout);
			sc_print_time(file->times[i]);
			putchar('\n');
		}
		else
		{
			fputs("    signed by      ", stdout);
			sc_print_text(key->name, strlen(key->name));
			putchar('\n');
		}
	}
}

/* which of the policy's witnesses have not signed */
static void
print_missing(const ScFile *file, const ScTrust *trust)
{
	const ScPolicy *policy = &trust->policy;

	for (int i = 0; trust->has_policy && i < policy->nnames; i++)
	{
		const ScPolicyName *name = &policy->names[i];

		if (name->key == SC_POLICY_NONE || file->good[name->key])
			continue;
		fputs("    not cosigned   ", stdout);
		sc_print_text(policy->keys[name->key].name, strlen(policy->keys[name->key].name));
		putchar('\n');
	}
}

/* whether the witness bears the name of a node that an earlier one bears: whoever rules it has both keys; tells so */
static bool
is_same_node(const ScPolicy *policy, int key)
{
	for (int i = 0; i < key; i++)
	{
		if (policy->is_log[i] || policy->is_log[key] || !sc_policy_same_node(&policy->keys[i], &policy->keys[key]))
			continue;
		fputs("    your policy    has two keys of one node, the second does not count: ", stdout);
		sc_print_text(policy->keys[key].name, strlen(policy->keys[key].name));
		putchar('\n');
		return true;
	}
	return false;
}

/*
 * What the reader's policy is worth for this chain.  Witnesses that bear the
 * name of the chain's node, or have a log's key, are its own and do not count;
 * of a node that stands there twice one counts.
 */
static void
print_worth(const ScFile *file, const ScTrust *trust)
{
	const ScPolicy *policy = &trust->policy;
	bool		own[SC_POLICY_KEYS_MAX];
	int			overlap;

	if (!trust->has_policy)
		return;
	for (int i = 0; i < policy->nkeys; i++)
		own[i] = !policy->is_log[i] && (sc_trust_is_own(policy, i, file->checkpoint.origin) || is_same_node(policy, i));
	overlap = sc_policy_overlap(policy, own);
	if (overlap == 0)
		puts("    your policy    holds against nobody: two sets of signers that satisfy it need no witness in common");
	else if (overlap == 1)
		puts("    your policy    any two quorums share at least 1 witness: it holds while none lies or is rolled back");
	else
		printf("    your policy    any two quorums share at least %d witnesses: it holds while at most %d lie or are rolled back\n",
			   overlap, overlap - 1);
}

/* "this chain had so many leaves, and this root" */
static void
print_checkpoint(const ScFile *file, const ScTrust *trust)
{
	fputs("    chain          ", stdout);
	sc_print_text(file->checkpoint.origin, strlen(file->checkpoint.origin));
	printf("\n    tree size      %llu leaves\n", (unsigned long long) file->checkpoint.size);
	sc_print_hash("root hash", &file->checkpoint.root);
	print_signers(file, trust);
	print_missing(file, trust);
	print_worth(file, trust);
}

void
sc_print_receipt(const ScFile *file, const ScTrust *trust, const ScLeaf *leaf)
{
	sc_print_leaf(leaf);
	printf("    place          leaf %llu of %llu, counted from 0\n",
		   (unsigned long long) file->receipt.index, (unsigned long long) file->checkpoint.size);
	sc_print_hash("root hash", &file->checkpoint.root);
	if (leaf->kind == SC_LEAF_BLOCK && file->receipt.index + 1 == file->checkpoint.size)
	{
		ScHash		block_hash;

		sc_hash_block(&block_hash, file->receipt.extra, file->receipt.extralen, &file->checkpoint.root);
		sc_print_hash("block hash", &block_hash);
	}
	print_signers(file, trust);
	print_missing(file, trust);
	print_worth(file, trust);
}

/* takes the file apart; why it is no receipt or checkpoint, or NULL */
static const char *
parse_file(ScFile *file)
{
	const char *text = file->text.data;
	size_t		len = file->text.len;

	file->is_receipt = len >= strlen(RECEIPT_START) && memcmp(text, RECEIPT_START, strlen(RECEIPT_START)) == 0;
	if (file->is_receipt)
	{
		if (sc_prooffile_parse(&file->receipt, text, len) != SC_OK)
			return "The receipt is not well formed: it was altered or damaged.";
		text = file->receipt.checkpoint;
		len = file->receipt.checkpointlen;
	}
	if (sc_note_parse(&file->note, text, len, true) != SC_OK ||
		sc_checkpoint_parse(&file->checkpoint, file->note.text, file->note.textlen) != SC_OK)
		return file->is_receipt ?
			"The receipt does not end in a well-formed checkpoint: it was altered or damaged." :
			"This is neither a well-formed receipt nor a well-formed checkpoint: it was altered, damaged, or is something else.";
	file->has_checkpoint = true;
	return NULL;
}

/* whether the receipt's own data is a leaf of the checkpoint's tree; why not, otherwise */
static const char *
prove_bytes(const ScFile *file)
{
	const ScProofFile *receipt = &file->receipt;
	ScHash		hash;

	if (!receipt->has_extra)
		return "The receipt does not hold the row itself, so there is nothing to prove.";
	sc_hash_leaf(&hash, receipt->extra, receipt->extralen);
	switch (sc_proof_verify_inclusion(&hash, receipt->index, file->checkpoint.size,
									  receipt->path, receipt->npath, &file->checkpoint.root))
	{
		case SC_OK:
			return NULL;
		case SC_RANGE:
			return "The receipt names a leaf beyond the end of the tree.";
		case SC_MALFORMED:
			return "The receipt's proof has the wrong length for its place in the tree.";
		default:
			return "The receipt's data does not lead to the checkpoint's root hash: the data, the proof or the checkpoint was altered.";
	}
}

const char *
sc_file_parse(ScFile *file, bool receipt)
{
	const char *why = parse_file(file);

	if (why == NULL && file->is_receipt != receipt)
		why = receipt ? "This is no receipt." : "This is no checkpoint.";
	return why;
}

const char *
sc_receipt_prove(const ScFile *file, ScLeaf *leaf)
{
	const char *why = prove_bytes(file);

	if (why)
		return why;
	if (sc_leaf_parse(leaf, file->receipt.extra, file->receipt.extralen) != SC_OK)
		return "What the receipt proves is not a leaf of a Seoulchain ledger.";
	if (strcmp(leaf->chain->string, file->checkpoint.origin) == 0)
		return NULL;
	sc_leaf_free(leaf);
	return "The row says that it belongs to another chain than the checkpoint's.";
}

static void
judge_receipt(ScFile *file, const ScTrust *trust)
{
	const char *reason = NULL;
	ScVerdict	verdict;
	ScLeaf		leaf;
	const char *why = sc_receipt_prove(file, &leaf);

	if (why)
	{
		say(file, SC_REFUTED, why);
		return;
	}
	verdict = sc_trust_judge(trust, file, &reason);
	if (verdict == SC_VERIFIED)
	{
		say(file, verdict, leaf.kind == SC_LEAF_ROW ?
			"This row stands in the ledger. Proven and vouched for:" :
			"This record stands in the ledger. Proven and vouched for:");
		sc_print_receipt(file, trust, &leaf);
	}
	else if (verdict == SC_UNVOUCHED)
	{
		printf("%s: NOBODY VOUCHES\n  The arithmetic is right, but %s.\n"
			   "  All that is proven: whoever accepts the root hash below accepts this record.\n", file->path, reason);
		file->verdict = verdict;
		sc_print_receipt(file, trust, &leaf);
	}
	else
	{
		file->verdict = verdict;
		printf("%s: %s\n  The receipt must not be trusted: %s.\n", file->path,
			   verdict == SC_REFUTED ? "NOT TRUE" : "CANNOT TELL", reason);
	}
	sc_leaf_free(&leaf);
}

static void
judge_checkpoint(ScFile *file, const ScTrust *trust)
{
	const char *reason = NULL;
	ScVerdict	verdict = sc_trust_judge(trust, file, &reason);

	if (verdict == SC_VERIFIED)
	{
		say(file, verdict, "This is a checkpoint of the chain. Vouched for:");
		print_checkpoint(file, trust);
		return;
	}
	file->verdict = verdict;
	if (verdict == SC_UNVOUCHED)
	{
		printf("%s: NOBODY VOUCHES\n  This is a well-formed checkpoint, but %s.\n  It claims:\n", file->path, reason);
		print_checkpoint(file, trust);
	}
	else
		printf("%s: %s\n  The checkpoint must not be trusted: %s.\n", file->path,
			   verdict == SC_REFUTED ? "NOT TRUE" : "CANNOT TELL", reason);
}

void
sc_verify_text(ScFile *file, const ScTrust *trust)
{
	const char *why;

	if (sc_is_dispute(file->text.data, file->text.len))
	{
		file->verdict = sc_verify_dispute(file, trust);
		return;
	}
	why = parse_file(file);
	if (why)
		say(file, SC_REFUTED, why);
	else if (file->is_receipt)
		judge_receipt(file, trust);
	else
		judge_checkpoint(file, trust);
}

void
sc_verify_file(ScFile *file, const ScTrust *trust)
{
	errno = 0;
	if (read_file(file))
		sc_verify_text(file, trust);
	else
		file->verdict = SC_UNUSABLE;
}

void
sc_verify_free(ScFile *file)
{
	if (file->is_receipt)
		sc_prooffile_free(&file->receipt);
	sc_buf_free(&file->text);
}

/* tells of one pair of checkpoints that cannot both be true */
static void
print_fork(const ScFile *a, const ScFile *b, const ScTrust *trust)
{
	if (sc_trust_print_liars(trust, a, b, false))
		printf("PROOF: two different histories\n"
			   "  One key signed two different root hashes for one size of one chain. Keep both files: together they\n"
			   "  prove to anyone who knows the key that whoever holds it told two stories.\n");
	else
		printf("CONFLICT: two different histories\n"
			   "  The files give two different root hashes for one size, so at least one of them is false. This is\n"
			   "  no proof against anybody: no key that you named signed both.\n");
	fputs("    chain          ", stdout);
	sc_print_text(a->checkpoint.origin, strlen(a->checkpoint.origin));
	printf("\n    tree size      %llu leaves\n", (unsigned long long) a->checkpoint.size);
	printf("    one file       %s\n", a->path);
	sc_print_hash("root hash", &a->checkpoint.root);
	printf("    other file     %s\n", b->path);
	sc_print_hash("root hash", &b->checkpoint.root);
	sc_trust_print_liars(trust, a, b, true);
}

/* whether a file's checkpoint says something: an altered file conflicts with everything */
static bool
comparable(const ScFile *file)
{
	return file->has_checkpoint && (file->signed_by_trusted || file->verdict != SC_REFUTED);
}

ScVerdict
sc_verify_forks(const ScFile *files, int nfiles, const ScTrust *trust)
{
	ScVerdict	verdict = SC_VERIFIED;

	for (int i = 0; i < nfiles; i++)
	{
		for (int j = 0; j < i; j++)
		{
			const ScCheckpoint *a = &files[j].checkpoint;
			const ScCheckpoint *b = &files[i].checkpoint;

			if (!comparable(&files[i]) || !comparable(&files[j]) ||
				a->size != b->size || strcmp(a->origin, b->origin) != 0 ||
				memcmp(a->root.bytes, b->root.bytes, SC_HASH_LEN) == 0)
				continue;
			print_fork(&files[j], &files[i], trust);
			verdict = SC_REFUTED;
		}
	}
	return verdict;
}
