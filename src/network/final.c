/*
 * final.c
 *	  Which checkpoints of a chain are final: those that satisfy the policy in force.
 *
 * Which policy decides.  The chain's first policy decides about every
 * checkpoint.  A later one comes into force with the first checkpoint that
 * holds its leaf and satisfies the policy in force till then; that checkpoint
 * is still the old policy's to judge, greater ones are the new one's.  When
 * it holds the leaves of several, the last of them comes into force.  So whoever holds the
 * origin's keys changes no policy without the quorum that the policy names.
 *
 * Invariant: nothing is final without a quorum of witnesses that are not the
 * origin's own; every line is verified over the checkpoint that this node
 * holds.  The answer follows from blocks, policies and lines alone, on the
 * origin and on copies.
 * Context: a registered or active snapshot; palloc in the current context.
 */
#include "postgres.h"

#include "network/final.h"

#include "miscadmin.h"
#include "network/claims.h"
#include "network/witness_lines.h"
#include "seal/key_history.h"
#include "utils/memutils.h"

/* a signed block and the lines that have come for it */
typedef struct Candidate
{
	const ScChain *chain;
	ScBlock		block;
	List	   *lines;
} Candidate;

/* false when there is no signed block of that height */
static bool
load_candidate(Candidate *out, const ScChain *chain, int64 height, Snapshot snapshot)
{
	int64		size;
	char	   *own;

	out->chain = chain;
	if (!sc_signature_find(chain->chain_id, height, snapshot, &height, &size, &own) ||
		!sc_block_by_height(chain->chain_id, height, snapshot, &out->block))
		return false;
	out->lines = list_concat(sc_lines_split(own), sc_lines_arrived(chain->origin, size, snapshot));
	return true;
}

/* is the quorum met if every line is what it says? */
static bool
claims_quorum(const ScPolicy *policy, List *lines)
{
	bool		claimed[SC_POLICY_KEYS_MAX] = {false};
	ListCell   *lc;

	foreach(lc, lines)
		for (int i = 0; i < policy->nkeys; i++)
			claimed[i] = claimed[i] || sc_line_names(lfirst(lc), &policy->keys[i]);
	return sc_policy_quorum_met(policy, claimed);
}

/* have the chain's own keys signed the block, every one that has to? */
static bool
log_signed(const Candidate *candidate, Snapshot snapshot)
{
	List	   *epochs = sc_key_epochs_of_block(sc_key_epochs(candidate->chain, SC_ROLE_LOG, snapshot), &candidate->block);
	ListCell   *lc;

	foreach(lc, epochs)
	{
		const char *vkey = ((ScKeyEpoch *) lfirst(lc))->key;
		ScVerifierKey key;

		if (sc_note_parse_key(&key, vkey, strlen(vkey)) != SC_OK ||
			sc_lines_by(candidate->lines, &key, candidate->chain, &candidate->block) == NULL)
			return false;
	}
	return epochs != NIL;
}

/* which keys of the policy have signed the block */
static void
verify_lines(bool *good, const ScPolicy *policy, const Candidate *candidate)
{
	for (int i = 0; i < policy->nkeys; i++)
		good[i] = sc_lines_by(candidate->lines, &policy->keys[i], candidate->chain, &candidate->block) != NULL;
}

/* does the candidate satisfy the policy?  Cheap for those that do not come near it. */
static bool
satisfies(const Candidate *candidate, const ScPolicy *policy, Snapshot snapshot)
{
	bool		good[SC_POLICY_KEYS_MAX];

	if (!claims_quorum(policy, candidate->lines))
		return false;
	verify_lines(good, policy, candidate);
	return sc_policy_quorum_met(policy, good) && log_signed(candidate, snapshot);
}

/* the height of the signed block of that size if it satisfies the policy, else -1 */
static int64
final_height(const ScChain *chain, const ScPolicyEntry *entry, int64 size, Snapshot snapshot)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "checkpoint judged", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Candidate	candidate;
	int64		height;

	if (entry == NULL || !sc_signature_by_size(chain->chain_id, size, snapshot, &height) ||
		!load_candidate(&candidate, chain, height, snapshot) ||
		!satisfies(&candidate, entry->policy, snapshot))
		height = -1;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return height;
}

/* the smallest tree that holds the leaf and satisfies the policy, -1 while there is none */
static int64
first_satisfying(const ScChain *chain, const ScPolicyEntry *entry, int64 leaf, Snapshot snapshot)
{
	int64		size = leaf;

	do
	{
		CHECK_FOR_INTERRUPTS();
		size = sc_claims_next(chain, entry->policy, size, PG_INT64_MAX, ForwardScanDirection, snapshot);
	} while (size >= 0 && final_height(chain, entry, size, snapshot) < 0);
	return size;
}

/* can the entry come into force behind the leaf? */
static bool
comes_after(const ScPolicyEntry *entry, int64 leaf)
{
	return entry->good && entry->leaf != PG_INT64_MAX && entry->leaf > leaf;
}

/* brings the next policy into force; NULL when none follows */
static ScPolicyEntry *
next_in_force(const ScChain *chain, List *history, const ScPolicyEntry *current, Snapshot snapshot)
{
	ScPolicyEntry *next = NULL;
	int64		since = -1;
	ListCell   *lc;

	foreach(lc, history)
	{
		ScPolicyEntry *entry = lfirst(lc);

		if (!comes_after(entry, current->leaf))
			continue;
		if (next == NULL)
			since = first_satisfying(chain, current, entry->leaf, snapshot);
		if (since < 0 || entry->leaf >= since)
			break;
		next = entry;
	}
	if (next != NULL)
		next->since = since;
	return next;
}

List *
sc_policy_history(const ScChain *chain, Snapshot snapshot)
{
	List	   *history = sc_policy_list(chain, snapshot);
	ScPolicyEntry *current = NULL;
	ListCell   *lc;

	foreach(lc, history)
	{
		current = lfirst(lc);
		if (comes_after(current, -1))
			break;
		current = NULL;
	}
	if (current != NULL)
		current->since = 0;
	while (current != NULL)
		current = next_in_force(chain, history, current, snapshot);
	return history;
}

const ScPolicyEntry *
sc_policy_for_size(List *history, int64 size)
{
	const ScPolicyEntry *result = NULL;
	ListCell   *lc;

	foreach(lc, history)
	{
		const ScPolicyEntry *entry = lfirst(lc);

		if (entry->since < size)
			result = entry;
	}
	return result;
}

/* appends the line by a key, unless one is there */
static void
add_line_by(List **chosen, const Candidate *candidate, const ScVerifierKey *key)
{
	const ScLine *line;
	ListCell   *lc;

	foreach(lc, *chosen)
		if (sc_line_names(lfirst(lc), key))
			return;
	line = sc_lines_by(candidate->lines, key, candidate->chain, &candidate->block);
	if (line != NULL)
		*chosen = lappend(*chosen, unconstify(ScLine *, line));
}

/* the lines of a policy's witnesses */
static void
add_policy_lines(List **chosen, const Candidate *candidate, const ScPolicyEntry *entry)
{
	for (int i = 0; entry != NULL && entry->policy != NULL && i < entry->policy->nkeys; i++)
		add_line_by(chosen, candidate, &entry->policy->keys[i]);
}

/* the same for a key as text; text that is no key has no lines */
static void
add_line_by_text(List **chosen, const Candidate *candidate, const char *vkey)
{
	ScVerifierKey key;

	if (vkey != NULL && sc_note_parse_key(&key, vkey, strlen(vkey)) == SC_OK)
		add_line_by(chosen, candidate, &key);
}

/* the lines by the chain's own keys: its log keys, and the cosigner keys of its node */
static void
add_own_lines(List **chosen, const Candidate *candidate, Snapshot snapshot)
{
	const ScChain *chain = candidate->chain;
	ListCell   *lc;

	foreach(lc, sc_key_epochs_of_block(sc_key_epochs(chain, SC_ROLE_LOG, snapshot), &candidate->block))
		add_line_by_text(chosen, candidate, ((ScKeyEpoch *) lfirst(lc))->key);
	if (chain->copy)
		return;
	foreach(lc, sc_key_epochs_of_block(sc_key_epochs(chain, SC_ROLE_COSIGNER, snapshot), &candidate->block))
		add_line_by_text(chosen, candidate, ((ScKeyEpoch *) lfirst(lc))->key);
}

/*
 * The good lines: own, of the policy in force and of others, of those whom
 * this node knows otherwise.  Those of policies are more than 16 only where
 * policies have more witnesses.
 */
static char *
good_lines(const Candidate *candidate, List *history, Snapshot snapshot)
{
	StringInfoData text;
	List	   *chosen = NIL;
	ListCell   *lc;
	int			most;

	add_own_lines(&chosen, candidate, snapshot);
	add_policy_lines(&chosen, candidate, sc_policy_for_size(history, candidate->block.tree_size));
	most = Max(list_length(chosen), SC_NOTE_LINES_MAX);
	foreach(lc, history)
		add_policy_lines(&chosen, candidate, lfirst(lc));
	foreach(lc, sc_known_cosigner_keys())
		add_line_by_text(&chosen, candidate, lfirst(lc));
	initStringInfo(&text);
	foreach(lc, chosen)
		if (foreach_current_index(lc) < Min(most, SC_NOTE_SIGS_MAX))
			appendStringInfoString(&text, ((ScLine *) lfirst(lc))->text);
	return text.data;
}

/* the height of the greatest final tree of more than `beyond` leaves, -1 when there is none; *size is its */
static int64
newest_final(const ScChain *chain, List *history, int64 beyond, Snapshot snapshot, int64 *size)
{
	const ScPolicyEntry *entry;
	int64		height = -1;

	*size = PG_INT64_MAX;
	while (height < 0 && *size > beyond + 1 && (entry = sc_policy_for_size(history, *size - 1)) != NULL)
	{
		int64		found = sc_claims_next(chain, entry->policy, *size, Max(entry->since, beyond) + 1, BackwardScanDirection, snapshot);

		CHECK_FOR_INTERRUPTS();
		/* smaller ones are those of the policy before */
		*size = found < 0 ? entry->since + 1 : found;
		if (found >= 0)
			height = final_height(chain, entry, found, snapshot);
	}
	return height;
}

bool
sc_final_find(ScFinal *out, const ScChain *chain, List *history, int64 height, int64 beyond, Snapshot snapshot)
{
	Candidate	candidate;
	int64		size = PG_INT64_MAX;

	if (height >= 0)
	{
		if (!load_candidate(&candidate, chain, height, snapshot))
			return false;
		size = candidate.block.tree_size;
		height = final_height(chain, sc_policy_for_size(history, size), size, snapshot);
	}
	else
		height = newest_final(chain, history, beyond, snapshot, &size);
	if (height < 0 || size <= beyond || !load_candidate(&candidate, chain, height, snapshot))
		return false;
	out->height = height;
	out->size = size;
	out->lines = good_lines(&candidate, history, snapshot);
	return true;
}

/* has somebody signed in the key's name with a key that the policy does not name? */
static bool
by_other_key(List *lines, const ScPolicy *policy, const ScVerifierKey *key)
{
	ListCell   *lc;

	foreach(lc, lines)
	{
		bool		named = false;

		for (int i = 0; i < policy->nkeys; i++)
			named = named || sc_line_names(lfirst(lc), &policy->keys[i]);
		if (!named && strcmp(((ScLine *) lfirst(lc))->name, key->name) == 0)
			return true;
	}
	return false;
}

List *
sc_final_witnesses(const ScChain *chain, const ScPolicyEntry *entry, int64 height, Snapshot snapshot, bool *final)
{
	const ScPolicy *policy = entry->policy;
	Candidate	candidate;
	bool		good[SC_POLICY_KEYS_MAX] = {false};
	List	   *result = NIL;

	*final = false;
	candidate.lines = NIL;
	if (load_candidate(&candidate, chain, height, snapshot))
	{
		verify_lines(good, policy, &candidate);
		*final = sc_policy_quorum_met(policy, good) && log_signed(&candidate, snapshot);
	}
	for (int i = 0; i < policy->nnames; i++)
	{
		ScWitnessState *witness;

		if (policy->names[i].key == SC_POLICY_NONE || !sc_policy_asks_for(policy, policy->names[i].key))
			continue;
		witness = palloc(sizeof(ScWitnessState));
		witness->name = policy->names[i].name;
		witness->key = &policy->keys[policy->names[i].key];
		witness->signed_it = good[policy->names[i].key];
		witness->other_key = by_other_key(candidate.lines, policy, witness->key);
		result = lappend(result, witness);
	}
	return result;
}

/* the names of those whose cosignatures of a block are missing */
static char *
missing_names(const ScChain *chain, const ScPolicyEntry *entry, int64 height, Snapshot snapshot)
{
	StringInfoData text;
	bool		final;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, sc_final_witnesses(chain, entry, height, snapshot, &final))
	{
		const ScWitnessState *witness = lfirst(lc);

		if (!witness->signed_it)
			appendStringInfo(&text, "%s\"%s\"%s", text.len > 0 ? ", " : "", witness->name,
							 witness->other_key ? " (which signs with a key that the policy does not name)" : "");
	}
	return text.len > 0 ? text.data : "nobody";
}

/* the error for a checkpoint that is not final, or not there */
static void
report_not_final(const ScChain *chain, List *history, int64 height, int64 beyond, Snapshot snapshot)
{
	int64		looked_at;
	int64		size;
	const ScPolicyEntry *entry;

	if (!sc_signature_find(chain->chain_id, height, snapshot, &looked_at, &size, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" has no signed block yet", chain->name)));
	entry = sc_policy_for_size(history, size);
	if (entry == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" has no witness policy", chain->name),
				 errdetail("A checkpoint is final when witnesses have cosigned it as a policy asks."),
				 errhint("The chain's node sets one with seoulchain.set_policy() and seals it; without a policy leave final out.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 height >= 0 ? errmsg("block %lld of chain \"%s\" is not final", (long long) height, chain->name) :
			 beyond > 0 ? errmsg("chain \"%s\" has no final checkpoint of more than %lld leaves", chain->name, (long long) beyond) :
			 errmsg("chain \"%s\" has no final checkpoint", chain->name),
			 errdetail("Of block %lld the cosignatures of these witnesses are missing: %s.", (long long) looked_at,
					   missing_names(chain, entry, looked_at, snapshot)),
			 errhint("Cosignatures arrive when the witnesses have checked the block; see seoulchain.cosignatures_missing.")));
}

/* sc_final_hook */
static void
find_final(const ScChain *chain, int64 height, int64 beyond, Snapshot snapshot, ScFinal *out)
{
	List	   *history = sc_policy_history(chain, snapshot);

	if (!sc_final_find(out, chain, history, height, beyond, snapshot))
		report_not_final(chain, history, height, beyond, snapshot);
}

/* sc_note_lines_hook: nothing is looked at twice while no cosignature has come */
static char *
note_lines(const ScChain *chain, int64 height, const char *lines, Snapshot snapshot)
{
	Candidate	candidate;

	if (!load_candidate(&candidate, chain, height, snapshot) ||
		list_length(candidate.lines) <= list_length(sc_lines_split(lines)))
		return pstrdup(lines);
	return good_lines(&candidate, sc_policy_history(chain, snapshot), snapshot);
}

void
sc_final_init(void)
{
	sc_final_hook = find_final;
	sc_note_lines_hook = note_lines;
}
