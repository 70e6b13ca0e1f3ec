/*
 * verify_broken_rule.c
 *	  The verdict on a dispute file whose proven leaves are said to break a contract's rule.
 *
 * Invariant: PROOF is said only of leaves that were proven to stand in one
 * tree for which those whom the user trusts vouch, and that this program's
 * own rules refuse.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bin/verify_dispute.h"
#include "core/dispute_rule.h"
#include "core/text.h"

typedef struct Case
{
	int			nleaves;
	ScProvenLeaf *leaves;
	ScFile		first;			/* the first receipt: its checkpoint is that of all */
} Case;

/* do two receipts end in the same signed checkpoint, to the byte? */
static bool
same_checkpoint(const ScProofFile *a, const ScProofFile *b)
{
	return a->checkpointlen == b->checkpointlen && memcmp(a->checkpoint, b->checkpoint, a->checkpointlen) == 0;
}

/* proves one part; why it is nothing, or NULL */
static const char *
add_leaf(Case *c, const ScDisputePart *part)
{
	ScFile	   *file = calloc(1, sizeof(ScFile));
	ScProvenLeaf *leaf = &c->leaves[c->nleaves];
	const char *why = "There is not enough memory.";

	if (file == NULL)
		return why;
	sc_buf_append(&file->text, part->data, part->len);
	why = sc_text_is(part->name, part->namelen, "receipt") ? sc_file_parse(file, true) : "It has other parts than receipts.";
	if (why == NULL && c->nleaves > 0 && !same_checkpoint(&file->receipt, &c->first.receipt))
		why = "Its receipts have different checkpoints.";
	if (why == NULL)
		why = sc_receipt_prove(file, &leaf->leaf);
	if (why == NULL)
	{
		leaf->index = file->receipt.index;
		if (c->nleaves++ == 0)
		{
			c->first = *file;
			free(file);
			return NULL;
		}
	}
	sc_verify_free(file);
	free(file);
	return why;
}

static void
free_case(Case *c)
{
	for (int i = 0; i < c->nleaves; i++)
		sc_leaf_free(&c->leaves[i].leaf);
	if (c->nleaves > 0)
		sc_verify_free(&c->first);
	free(c->leaves);
}

static void
print_buf(const char *label, const ScBuf *text)
{
	if (text->len == 0)
		return;
	printf("    %-14s ", label);
	sc_print_text(text->data, text->len);
	putchar('\n');
}

static void
print_ruling(const Case *c, const ScRuleRuling *ruling)
{
	const ScLeaf *row = &c->leaves[c->nleaves - 1].leaf;

	fputs("    chain          ", stdout);
	sc_print_text(row->chain->string, row->chain->len);
	fputs("\n    table          ", stdout);
	sc_print_text(row->table->string, row->table->len);
	fputs("\n    row number     ", stdout);
	sc_print_text(row->seq->string, row->seq->len);
	fputs("\n    contract       ", stdout);
	sc_print_text(ruling->contract, strlen(ruling->contract));
	fputs(", version ", stdout);
	sc_print_text(ruling->version, strlen(ruling->version));
	printf("\n    rule           %s\n", ruling->rule);
	print_buf("refused", &ruling->problem.message);
	print_buf("because", &ruling->problem.detail);
	puts("  It holds unless who is accused shows that the version had ended before this row.");
}

static ScVerdict
say_ruling(const ScFile *file, Case *c, ScStatus status, const ScRuleRuling *ruling, const ScTrust *trust)
{
	const char *reason = NULL;
	ScVerdict	verdict;

	if (status == SC_MISMATCH)
		return sc_say_dispute(file, SC_REFUTED, "The proof does not hold: the rules accept this row.");
	if (status == SC_RANGE)
		return sc_say_dispute(file, SC_OPEN, "These rows do not decide it, or the rule is none of this program's.");
	if (status != SC_OK)
		return sc_say_dispute(file, status == SC_NO_MEMORY ? SC_UNUSABLE : SC_REFUTED,
							  "The proof does not hold: these are not a contract's events and rows that it judged.");
	verdict = sc_trust_judge(trust, &c->first, &reason);
	if (verdict == SC_VERIFIED)
		printf("%s: PROOF: a row breaks its contract\n  The ledger holds rows that cannot stand together under the contract in force.\n", file->path);
	else
		printf("%s: %s\n  The rows break the contract, but %s.\n", file->path, sc_verdict_word(verdict), reason);
	print_ruling(c, ruling);
	return verdict;
}

ScVerdict
sc_verify_broken_rule(const ScFile *file, const ScDisputeFile *dispute, const ScTrust *trust)
{
	Case		c = {.leaves = calloc((size_t) dispute->nparts + 1, sizeof(ScProvenLeaf))};
	ScRuleRuling ruling;
	ScStatus	status;
	ScVerdict	verdict;
	const char *why = c.leaves == NULL ? "There is not enough memory." : NULL;

	for (int i = 0; why == NULL && i < dispute->nparts; i++)
		why = add_leaf(&c, &dispute->parts[i]);
	if (why != NULL)
	{
		free_case(&c);
		return sc_say_dispute(file, SC_REFUTED, why);
	}
	status = sc_dispute_rule_judge(&ruling, c.leaves, c.nleaves);
	verdict = say_ruling(file, &c, status, &ruling, trust);
	if (status == SC_OK)
		sc_rule_problem_free(&ruling.problem);
	free_case(&c);
	return verdict;
}
