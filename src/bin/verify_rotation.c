/*
 * verify_rotation.c
 *	  Whether other keys follow the user's: --rotation.
 *
 * Invariant: a key is taken for the follower of a key of the user's only when
 * both signed that it is, in a leaf that is proven to stand under a
 * checkpoint that both signed.  It then speaks for trees of that chain that
 * hold the leaf; whatever the old key signs of those does not count.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bin/verify.h"
#include "sign/key.h"
#include "sign/rotation.h"

/* what one file has come to */
typedef enum Outcome
{
	WAITING,					/* it may be about a key that another file shows */
	LEARNT,
	TOLD						/* it convinces nobody, and that has been said */
} Outcome;

/* a verdict and why, in one sentence */
static ScVerdict
say(const char *path, ScVerdict verdict, const char *why)
{
	printf("%s: %s\n  %s\n", path, sc_verdict_word(verdict), why);
	return verdict;
}

/* the newest key that speaks for keys[slot] on the chain */
static const ScVerifierKey *
newest_key(const ScTrust *trust, int slot, const char *origin)
{
	const ScVerifierKey *key = &trust->policy.keys[slot];

	for (int i = 0; i < trust->nfollowers; i++)
	{
		if (trust->followers[i].slot == slot && strcmp(trust->followers[i].origin, origin) == 0)
			key = &trust->followers[i].key;
	}
	return key;
}

/* which of the user's keys the rotation is about, or -1 */
static int
find_slot(const ScTrust *trust, const ScRotation *rotation, const char *origin)
{
	for (int i = 0; i < trust->policy.nkeys; i++)
	{
		const ScVerifierKey *key = newest_key(trust, i, origin);

		if (strcmp(key->name, rotation->old.name) == 0 && key->type == rotation->old.type &&
			sc_rotation_same_key(key, &rotation->old))
			return i;
	}
	return -1;
}

/* "    old key        <verifier key>" */
static void
print_key(const char *label, const ScVerifierKey *key)
{
	ScBuf		buf = SC_BUF_INIT;

	sc_note_format_key(&buf, key);
	printf("    %-14s ", label);
	if (!buf.failed)
		sc_print_text(buf.data, buf.len);
	printf(" (%s)\n", sc_profile_note_algorithm(key->type));
	sc_buf_free(&buf);
}

/* adds the follower and tells */
static bool
learn(ScTrust *trust, int slot, const ScFile *file, const ScRotation *rotation)
{
	ScFollower *more = realloc(trust->followers, (size_t) (trust->nfollowers + 1) * sizeof(ScFollower));

	if (more == NULL)
		return false;
	trust->followers = more;
	more += trust->nfollowers++;
	more->slot = slot;
	strcpy(more->origin, file->checkpoint.origin);
	more->leaf = file->receipt.index;
	more->key = rotation->new;
	printf("%s: VERIFIED\n  Another key follows one of yours. Both keys say so, and both signed the checkpoint:\n    chain          ",
		   file->path);
	sc_print_text(file->checkpoint.origin, strlen(file->checkpoint.origin));
	putchar('\n');
	print_key("old key", &rotation->old);
	print_key("new key", &rotation->new);
	printf("    from           leaf %llu: trees that hold it are signed by the new key\n",
		   (unsigned long long) file->receipt.index);
	return true;
}

/* the rotation in a receipt's proven leaf; why it is none, or NULL */
static const char *
read_rotation(ScRotation *rotation, const ScFile *file)
{
	ScLeaf		leaf;
	const char *why = sc_receipt_prove(file, &leaf);
	ScStatus	status;

	if (why)
		return why;
	if (leaf.kind != SC_LEAF_EVENT || leaf.table != NULL)
		status = SC_MALFORMED;
	else
		status = sc_rotation_parse(rotation, leaf.event);
	sc_leaf_free(&leaf);
	if (status != SC_OK)
		return "What the receipt proves is no change of key.";
	status = sc_rotation_verify(rotation, file->checkpoint.origin);
	if (status == SC_MALFORMED)
		return "The two keys are not keys of one name that may sign for this chain.";
	return status == SC_OK ? NULL : "This change of key is not by the word of both keys.";
}

/* does the checkpoint bear both signatures? */
static bool
both_signed(const ScFile *file, const ScRotation *rotation)
{
	ScVerifierKey *keys = malloc(2 * sizeof(ScVerifierKey));
	bool		good[2] = {false, false};

	if (keys == NULL)
		return false;
	keys[0] = rotation->old;
	keys[1] = rotation->new;
	if (sc_key_verify_note(&file->note, keys, 2, good, NULL) != SC_OK)
		good[0] = false;
	free(keys);
	return good[0] && good[1];
}

/* takes a file as far as it goes; with `last` it does not wait for others any more */
static Outcome
take_file(ScTrust *trust, const ScFile *file, bool last, ScVerdict *verdict)
{
	ScRotation *rotation = malloc(sizeof(ScRotation));
	const char *why = rotation ? read_rotation(rotation, file) : "There is no memory left.";
	Outcome		outcome = TOLD;
	int			slot = -1;

	if (why != NULL)
		*verdict = say(file->path, rotation ? SC_REFUTED : SC_UNUSABLE, why);
	else if ((slot = find_slot(trust, rotation, file->checkpoint.origin)) < 0)
	{
		if (last)
			*verdict = say(file->path, SC_UNVOUCHED, "This change of key is not about a key that you gave, or that followed one.");
		else
			outcome = WAITING;
	}
	else if (!both_signed(file, rotation))
		*verdict = say(file->path, SC_UNVOUCHED,
					   "This change of key is not believed: its checkpoint does not bear the signatures of both keys.");
	else if (!sc_profile_allows_note(trust->profile, rotation->new.type))
		*verdict = say(file->path, SC_UNUSABLE, "The profile does not allow the algorithm of the new key.");
	else if (learn(trust, slot, file, rotation))
		outcome = LEARNT;
	else
		*verdict = say(file->path, SC_UNUSABLE, "There is no memory left.");
	free(rotation);
	return outcome;
}

/* reads a file as a receipt; says so when it is none */
static bool
read_receipt(ScFile *file, ScVerdict *verdict)
{
	ScBuf		raw = SC_BUF_INIT;
	bool		ok = sc_file_slurp(&raw, file->path);
	const char *why = NULL;

	if (ok)
		sc_note_mend_end(&file->text, raw.data, raw.len);
	sc_buf_free(&raw);
	if (!ok || file->text.failed)
	{
		*verdict = SC_UNUSABLE;
		return false;
	}
	why = sc_file_parse(file, true);
	if (why != NULL)
		*verdict = say(file->path, SC_REFUTED, why);
	return why == NULL;
}

/* goes through the files until none of them teaches anything new, then once more */
static ScVerdict
take_files(ScTrust *trust, const ScFile *files, Outcome *outcomes, int nfiles)
{
	ScVerdict	result = SC_VERIFIED;
	bool		last = false;

	for (;;)
	{
		bool		learnt = false;

		for (int i = 0; i < nfiles; i++)
		{
			ScVerdict	verdict = SC_VERIFIED;

			if (outcomes[i] != WAITING)
				continue;
			outcomes[i] = take_file(trust, &files[i], last, &verdict);
			learnt = learnt || outcomes[i] == LEARNT;
			result = sc_verdict_worse(result, verdict);
		}
		if (last)
			return result;
		last = !learnt;
	}
}

ScVerdict
sc_verify_rotations(ScTrust *trust, const char *const *paths, int npaths)
{
	ScFile	   *files = calloc((size_t) npaths + 1, sizeof(ScFile));
	Outcome    *outcomes = calloc((size_t) npaths + 1, sizeof(Outcome));
	ScVerdict	result = SC_UNUSABLE;

	if (files != NULL && outcomes != NULL)
	{
		result = SC_VERIFIED;
		for (int i = 0; i < npaths; i++)
		{
			ScVerdict	verdict = SC_VERIFIED;

			files[i].path = paths[i];
			outcomes[i] = read_receipt(&files[i], &verdict) ? WAITING : TOLD;
			result = sc_verdict_worse(result, verdict);
		}
		result = sc_verdict_worse(result, take_files(trust, files, outcomes, npaths));
		for (int i = 0; i < npaths; i++)
			sc_verify_free(&files[i]);
	}
	free(files);
	free(outcomes);
	return result;
}
