/*
 * verify_dispute.c
 *	  The verdict on a dispute file: does the proof hold, and against whom, or is it a complaint?
 *
 * Invariant: PROOF is said only when both statements that contradict each
 * other were signed by one key that the user named, or by keys shown to
 * follow it.  A complaint convicts nobody, whoever signed it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bin/verify.h"
#include "bin/verify_dispute.h"
#include "core/text.h"

bool
sc_is_dispute(const char *text, size_t len)
{
	return len >= strlen(SC_DISPUTEFILE_START) && memcmp(text, SC_DISPUTEFILE_START, strlen(SC_DISPUTEFILE_START)) == 0;
}

ScVerdict
sc_say_dispute(const ScFile *file, ScVerdict verdict, const char *why)
{
	printf("%s: %s\n  %s\n", file->path, sc_verdict_word(verdict), why);
	return verdict;
}

/* a checkpoint of the dispute as a file of its own, with who signed it */
static ScStatus
as_file(ScFile *out, const ScContradiction *found, int i, const ScTrust *trust)
{
	ScStatus	status;

	memset(out, 0, sizeof(*out));
	out->note = found->note[i];
	out->checkpoint = found->checkpoint[i];
	status = sc_trust_verify_note(trust, &out->note, &out->checkpoint, out->good, out->times);
	return status == SC_UNKNOWN_KEY ? SC_OK : status;
}

static void
print_contradiction(const ScContradiction *found)
{
	for (int i = 0; i < 2; i++)
	{
		if (i == 0)
		{
			fputs("    chain          ", stdout);
			sc_print_text(found->checkpoint[0].origin, strlen(found->checkpoint[0].origin));
			putchar('\n');
		}
		printf("    tree size      %llu leaves\n", (unsigned long long) found->checkpoint[i].size);
		sc_print_hash("root hash", &found->checkpoint[i].root);
	}
}

static ScVerdict
say_contradiction(const ScFile *file, const ScContradiction *found, bool rewritten, const ScTrust *trust,
				  const ScFile *a, const ScFile *b)
{
	bool		proof = sc_trust_print_liars(trust, a, b, false);

	if (proof)
		printf("%s: PROOF: %s\n  %s\n", file->path, rewritten ? "history was rewritten" : "two different histories",
			   rewritten ?
			   "One key signed both checkpoints, and the longer history has another root hash at the smaller size." :
			   "One key signed two different root hashes for one size of one chain.");
	else
		printf("%s: NOBODY VOUCHES\n  The two checkpoints contradict each other, but no key that you named signed both: this is no\n"
			   "  proof against anybody. It would be one against a key that did.\n", file->path);
	print_contradiction(found);
	sc_trust_print_liars(trust, a, b, true);
	return proof ? SC_VERIFIED : SC_UNVOUCHED;
}

/* two checkpoints that cannot both be true */
static ScVerdict
judge_contradiction(const ScFile *file, const ScDisputeFile *dispute, const ScTrust *trust)
{
	ScContradiction *found = malloc(sizeof(ScContradiction));
	ScFile	   *sides = malloc(2 * sizeof(ScFile));
	ScVerdict	verdict;

	if (found == NULL || sides == NULL)
		verdict = sc_say_dispute(file, SC_UNUSABLE, "There is not enough memory.");
	else if (sc_disputefile_contradiction(found, dispute) != SC_OK)
		verdict = sc_say_dispute(file, SC_REFUTED, "The proof does not hold: these checkpoints do not contradict each other.");
	else if (as_file(&sides[0], found, 0, trust) != SC_OK || as_file(&sides[1], found, 1, trust) != SC_OK)
		verdict = sc_say_dispute(file, SC_REFUTED, "The proof does not hold: a signature by a key that you trust is wrong.");
	else
		verdict = say_contradiction(file, found, dispute->kind == SC_DISPUTE_REWRITTEN, trust, &sides[0], &sides[1]);
	free(found);
	free(sides);
	return verdict;
}

/* parts of a complaint, in their order */
static const struct
{
	const char *name;
	const char *label;
	bool		needed;
}			complaint_parts[] = {
	{"by", "complains", true},
	{"origin", "about", true},
	{"fault", "fault", true},
	{"height", "block", false},
	{"seq", "row number", false},
	{"detail", "says", true},
	{"checkpoint", NULL, false},
};

#define NCOMPLAINT ((int) (sizeof(complaint_parts) / sizeof(complaint_parts[0])))

/* how many of the parts, in their order and each once, the file begins with; -1 when a needed one is missing */
static int
match_complaint(const ScDisputeFile *dispute)
{
	int			at = 0;

	for (int i = 0; i < NCOMPLAINT; i++)
	{
		if (at < dispute->nparts &&
			sc_text_is(dispute->parts[at].name, dispute->parts[at].namelen, complaint_parts[i].name))
			at++;
		else if (complaint_parts[i].needed)
			return -1;
	}
	return at;
}

static void
print_complaint(const ScDisputeFile *dispute)
{
	for (int i = 0; i < NCOMPLAINT; i++)
	{
		const ScDisputePart *part = sc_disputefile_find(dispute, complaint_parts[i].name, 0);

		if (part == NULL || complaint_parts[i].label == NULL)
			continue;
		printf("    %-14s ", complaint_parts[i].label);
		sc_print_text(part->data, part->len - 1);
		putchar('\n');
	}
}

/* whether a proven leaf is the event that names exactly this file */
static bool
names_file(const ScLeaf *leaf, const char *text, size_t len)
{
	const ScJson *type = leaf->kind == SC_LEAF_EVENT ? sc_json_member(leaf->event, "type") : NULL;
	const ScJson *evidence = type != NULL ? sc_json_member(leaf->event, "evidence") : NULL;
	ScBuf		hex = SC_BUF_INIT;
	ScHash		hash;
	bool		same;

	if (evidence == NULL || evidence->kind != SC_JSON_STRING || type->kind != SC_JSON_STRING ||
		strcmp(type->string, "dispute") != 0)
		return false;
	sc_hash_bytes(&hash, text, len);
	sc_buf_hex(&hex, hash.bytes, SC_HASH_LEN);
	same = !hex.failed && sc_text_is(hex.data, hex.len, evidence->string);
	sc_buf_free(&hex);
	return same;
}

/* who stands behind the complaint, by the receipt of its event: SC_VERIFIED, SC_REFUTED, SC_UNVOUCHED */
static ScVerdict
judge_receipt(const ScFile *file, const ScDisputePart *part, const ScTrust *trust, ScFile *receipt, const char **why)
{
	ScLeaf		leaf;
	ScVerdict	verdict = SC_REFUTED;

	sc_buf_append(&receipt->text, part->data, part->len);
	*why = sc_file_parse(receipt, true);
	if (*why == NULL)
		*why = sc_receipt_prove(receipt, &leaf);
	if (*why != NULL)
		return SC_REFUTED;
	if (!names_file(&leaf, file->text.data, (size_t) (part->name - file->text.data)))
		*why = "The receipt is not that of this complaint.";
	else
		verdict = sc_trust_judge(trust, receipt, why);
	sc_leaf_free(&leaf);
	return verdict;
}

static ScVerdict
judge_complaint(const ScFile *file, const ScDisputeFile *dispute, const ScTrust *trust)
{
	int			matched = match_complaint(dispute);
	const ScDisputePart *part = matched >= 0 && matched < dispute->nparts ? &dispute->parts[matched] : NULL;
	ScFile	   *receipt = calloc(1, sizeof(ScFile));
	ScVerdict	signer = SC_UNVOUCHED;
	const char *why = NULL;

	if (receipt == NULL)
		return sc_say_dispute(file, SC_UNUSABLE, "There is not enough memory.");
	if (matched < 0 || dispute->nparts > matched + 1 ||
		(part != NULL && !sc_text_is(part->name, part->namelen, "receipt")))
		why = "This is no well-formed complaint.";
	else if (part != NULL)
		signer = judge_receipt(file, part, trust, receipt, &why);
	if (why != NULL && (part == NULL || signer == SC_REFUTED))
		signer = sc_say_dispute(file, SC_REFUTED, why);
	else
	{
		printf("%s: A COMPLAINT\n  This is somebody's word and proves nothing against anybody.\n"
			   "  %s:\n", file->path, signer == SC_VERIFIED ?
			   "A key that you named vouches that it was recorded in this chain" :
			   "It does not show who says so");
		if (signer == SC_VERIFIED)
		{
			fputs("    recorded in    ", stdout);
			sc_print_text(receipt->checkpoint.origin, strlen(receipt->checkpoint.origin));
			putchar('\n');
		}
		print_complaint(dispute);
		signer = SC_OPEN;
	}
	sc_verify_free(receipt);
	free(receipt);
	return signer;
}

ScVerdict
sc_verify_dispute(const ScFile *file, const ScTrust *trust)
{
	ScDisputeFile *dispute = malloc(sizeof(ScDisputeFile));
	ScVerdict	verdict;

	if (dispute == NULL)
		return sc_say_dispute(file, SC_UNUSABLE, "There is not enough memory.");
	if (sc_disputefile_parse(dispute, file->text.data, file->text.len) != SC_OK)
		verdict = sc_say_dispute(file, SC_REFUTED, "This is no well-formed dispute file: it was altered or damaged.");
	else if (dispute->kind == SC_DISPUTE_COMPLAINT)
		verdict = judge_complaint(file, dispute, trust);
	else if (dispute->kind == SC_DISPUTE_RULE)
		verdict = sc_verify_broken_rule(file, dispute, trust);
	else
		verdict = judge_contradiction(file, dispute, trust);
	free(dispute);
	return verdict;
}
