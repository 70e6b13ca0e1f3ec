/*
 * evidence_print.c
 *	  Telling a person what a directory of evidence proves.
 *
 * Everything printed of a member, key or status comes from a leaf that was
 * proven; names of files come from a stranger and are printed like values.
 */
#include <stdio.h>

#include "bin/evidence.h"
#include "core/payload.h"

static void
print_piece_name(const ScPiece *piece)
{
	sc_print_text(piece->name, strlen(piece->name));
}

/* why nothing could be judged */
static void
print_failure(const ScEvidence *evidence)
{
	printf("%s: %s\n  ", evidence->path, sc_verdict_word(evidence->failure));
	if (evidence->failed_piece)
	{
		print_piece_name(evidence->failed_piece);
		fputs(": ", stdout);
	}
	puts(evidence->why);
}

static void
print_label(const char *label)
{
	printf("    %-14s ", label);
}

static void
print_json(const ScJson *json)
{
	if (json)
		sc_print_text(json->string, json->len);
}

/* "leaf 12, accepted at ..." of a proven record */
static void
print_moment(const ScPiece *piece)
{
	if (piece->leaf.time)
		print_json(piece->leaf.time);
	else
		fputs("a time that was not recorded", stdout);
	printf(" (leaf %llu)\n", (unsigned long long) piece->file.receipt.index);
}

static void
print_columns(const char *label, const ScEvidence *evidence, bool covered)
{
	const ScLeaf *leaf = &evidence->row->leaf;
	const ScJson *groups[] = {leaf->columns, leaf->digests, leaf->private};
	int			n = 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
	{
		for (const ScJson *member = groups[i] ? groups[i]->first : NULL; member; member = member->next)
		{
			if (sc_payload_covers(member->key, member->keylen, evidence->rule.columns, evidence->rule.ncolumns) != covered)
				continue;
			if (n++ == 0)
				print_label(label);
			else
				fputs(", ", stdout);
			sc_print_text(member->key, member->keylen);
		}
	}
	if (n > 0)
		putchar('\n');
}

/* what was recorded about the key or its owner later or earlier */
static void
print_records(const ScEvidence *evidence)
{
	for (int i = 0; i < evidence->npieces; i++)
	{
		const ScPiece *piece = &evidence->pieces[i];
		const ScJson *action = piece->has_leaf ? sc_leaf_column(&piece->leaf, "action") : NULL;
		const ScJson *since = piece->has_leaf ? sc_leaf_column(&piece->leaf, "compromised_since") : NULL;
		const ScJson *reason = piece->has_leaf ? sc_leaf_column(&piece->leaf, "reason") : NULL;

		if (piece->idle || (piece->role != SC_ROLE_STATUS && piece->role != SC_ROLE_SUCCESSOR && piece->role != SC_ROLE_DELEGATION))
			continue;
		print_label(piece->role == SC_ROLE_DELEGATION ? "delegation" : "recorded");
		if (piece->role == SC_ROLE_SUCCESSOR)
			fputs("replaced", stdout);
		else
			print_json(action);
		if (piece->role == SC_ROLE_STATUS)
			fputs(sc_leaf_column(&piece->leaf, "key") ? " of the key" : " of the member", stdout);
		fputs(" at ", stdout);
		print_moment(piece);
		if (reason)
		{
			print_label("  reason");
			print_json(reason);
			putchar('\n');
		}
		if (since)
		{
			print_label("  compromised");
			fputs("since ", stdout);
			print_json(since);
			putchar('\n');
		}
	}
}

static void
print_signature(const ScEvidence *evidence)
{
	puts("  The signature:");
	print_label("signer");
	print_json(evidence->signer);
	putchar('\n');
	if (!sc_json_same(evidence->signer, evidence->owner))
	{
		print_label("signed by");
		print_json(evidence->owner);
		puts(", a delegate");
	}
	print_label("key");
	print_json(sc_leaf_column(&evidence->key->leaf, "key"));
	printf(", %s%s\n", sc_key_kind_name(evidence->member_key.kind), evidence->certificate.len > 0 ? ", certified" : "");
	sc_print_hash("SHA-256", &evidence->member_key.thumbprint);
	print_label("registered at");
	print_moment(evidence->key);
	print_columns("signed", evidence, true);
	print_columns("not signed", evidence, false);
	print_records(evidence);
	if (evidence->seen.found && evidence->seen.by >= 0)
	{
		print_label("seen by");
		sc_print_time((uint64_t) evidence->seen.by / 1000000);
		fputs(", says ", stdout);
		print_piece_name(evidence->seen.piece);
		putchar('\n');
	}
}

/* the answer, why, and by which record */
static void
print_answer(const ScEvidence *evidence)
{
	printf("  Answer: %s (%s)\n    Because %s", sc_answer_text(evidence->ruling.answer),
		   sc_reason_code(evidence->ruling.reason), sc_reason_text(evidence->ruling.reason));
	if (evidence->detail)
		printf(": %s", evidence->detail);
	if (evidence->cause)
	{
		fputs("; see ", stdout);
		print_piece_name(evidence->cause);
	}
	puts(".");
}

/* what nobody can tell from these files */
static void
print_limits(const ScEvidence *evidence)
{
	int			nidle = 0;

	if (evidence->ruling.reason == SC_REASON_BAD_SIGNATURE)
		puts("  Not known: whether another key of the signer, or a later rule of the table before the row, makes the signature good.");
	for (int i = 0; i < evidence->npieces; i++)
		nidle += evidence->pieces[i].idle;
	puts("  Not known: whether anything that was not shown here, a revocation above all, speaks against the key.");
	if (nidle > 0)
		printf("  %d of the files say%s nothing about this signature, or are by somebody whom you did not name.\n", nidle, nidle == 1 ? "s" : "");
	if (evidence->nunread > 0)
	{
		printf("  Not read: %d file%s whose name%s nothing here, such as ", evidence->nunread,
			   evidence->nunread == 1 ? "" : "s", evidence->nunread == 1 ? " means" : "s mean");
		sc_print_text(evidence->unread, strlen(evidence->unread));
		puts(".");
	}
}

void
sc_evidence_print(const ScEvidence *evidence, ScVerdict verdict)
{
	static const char *const refuted = "This row stands in the ledger, but by the rule and key that were shown its signature is not valid";
	static const char *const heads[] = {
		[SC_ANSWER_VALID] = "This row stands in the ledger, and a key that was valid then signed it",
		[SC_ANSWER_DOUBTFUL] = "This row stands in the ledger and is signed, but the key may have been in other hands",
		[SC_ANSWER_UNDECIDED] = "This row stands in the ledger, but whether its signature was valid, what was shown does not decide",
		[SC_ANSWER_INVALID] = "This row stands in the ledger, but its signature is not valid: an honest ledger would have refused it",
	};

	if (evidence->failed)
	{
		print_failure(evidence);
		return;
	}
	printf("%s: %s\n  %s.\n", evidence->path, sc_verdict_word(verdict),
		   evidence->ruling.reason == SC_REASON_BAD_SIGNATURE ? refuted : heads[evidence->ruling.answer]);
	if (evidence->trusted == SC_UNVOUCHED)
		printf("  The arithmetic is right, but %s.\n"
			   "  All that is proven: whoever accepts the root hash below accepts these records.\n", evidence->trust_reason);
	else
		puts("  Proven and vouched for:");
	sc_print_receipt(&evidence->row->file, evidence->trust, &evidence->row->leaf);
	print_signature(evidence);
	print_answer(evidence);
	print_limits(evidence);
}
