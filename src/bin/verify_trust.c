/*
 * verify_trust.c
 *	  Whom the user trusts, and whether they vouch for a checkpoint.
 *
 * With --key, every key given must have signed.  With --policy, a listed log
 * must have signed and the quorum of witnesses must be met.
 *
 * A log's key vouches only for the chain whose origin is the key's name: a
 * signature by another chain's key is true but says nothing here.
 *
 * A key that was shown to have been replaced (verify_rotation.c) speaks
 * through the key that follows it, for trees that hold the change.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bin/verify.h"
#include "sign/key.h"

/*
 * Whether a key given by --key is a log's.  Type 0x02 does not tell, so the
 * name does: a node's has two parts, a witness's ends in /witness.
 */
static bool
is_log_key(const ScVerifierKey *key)
{
	const char *first = strchr(key->name, '/');
	const char *last = strrchr(key->name, '/');

	if (key->type != SC_KEY_ECDSA)
		return key->type != SC_KEY_COSIGNATURE;
	return first != NULL && first != last && strcmp(last, "/witness") != 0;
}

bool
sc_trust_add_key(ScTrust *trust, const char *vkey)
{
	ScPolicy   *policy = &trust->policy;
	ScVerifierKey *key = &policy->keys[policy->nkeys];

	if (policy->nkeys == SC_POLICY_KEYS_MAX)
	{
		fprintf(stderr, "seoulchain-verify: more than %d keys\n", SC_POLICY_KEYS_MAX);
		return false;
	}
	if (sc_note_parse_key(key, vkey, strlen(vkey)) != SC_OK)
	{
		fputs("seoulchain-verify: this is not a verifier key of a kind that can be used here\n"
			  "A verifier key looks like name+1234abcd+Base64; seoulchain.verifier_key() gives a chain's.\n", stderr);
		return false;
	}
	policy->is_log[policy->nkeys] = is_log_key(key);
	policy->nkeys++;
	return true;
}

bool
sc_trust_read_policy(ScTrust *trust, const char *path)
{
	ScBuf		buf = SC_BUF_INIT;
	const char *fault;
	ScStatus	status;
	int			line;

	if (!sc_file_slurp(&buf, path))
		return false;
	status = sc_policy_parse(&trust->policy, &line, buf.data, buf.len);
	fault = status == SC_MALFORMED ? sc_policy_fault(buf.data, buf.len, line) : NULL;
	sc_buf_free(&buf);
	if (status == SC_OK)
		trust->has_policy = true;
	else if (line > 0)
		fprintf(stderr, "seoulchain-verify: %s, line %d: %s\n", path, line, fault ? fault : sc_status_text(status));
	else
		fprintf(stderr, "seoulchain-verify: %s: a policy needs a line that says \"quorum\"\n", path);
	return status == SC_OK;
}

bool
sc_trust_check_profile(const ScTrust *trust)
{
	for (int i = 0; i < trust->policy.nkeys; i++)
	{
		const ScVerifierKey *key = &trust->policy.keys[i];

		if (sc_profile_allows_note(trust->profile, key->type))
			continue;
		fprintf(stderr, "seoulchain-verify: the profile %s does not allow %s, the algorithm of key %s\n",
				sc_profile_name(trust->profile), sc_profile_note_algorithm(key->type), key->name);
		return false;
	}
	return true;
}

void
sc_trust_free(ScTrust *trust)
{
	free(trust->followers);
	trust->followers = NULL;
	trust->nfollowers = 0;
}

/* the user's keys and then their followers, to be freed; NULL without memory */
static ScVerifierKey *
list_keys(const ScTrust *trust)
{
	ScVerifierKey *keys = malloc((size_t) (trust->policy.nkeys + trust->nfollowers + 1) * sizeof(ScVerifierKey));

	if (keys == NULL)
		return NULL;
	memcpy(keys, trust->policy.keys, (size_t) trust->policy.nkeys * sizeof(ScVerifierKey));
	for (int i = 0; i < trust->nfollowers; i++)
		keys[trust->policy.nkeys + i] = trust->followers[i].key;
	return keys;
}

/* the place in that list of the key that speaks for keys[slot] about a checkpoint */
static int
speaker(const ScTrust *trust, int slot, const ScCheckpoint *checkpoint)
{
	int			result = slot;

	for (int i = 0; i < trust->nfollowers; i++)
	{
		const ScFollower *follower = &trust->followers[i];

		if (follower->slot == slot && checkpoint->size > follower->leaf &&
			strcmp(follower->origin, checkpoint->origin) == 0)
			result = trust->policy.nkeys + i;
	}
	return result;
}

ScStatus
sc_trust_verify_note(const ScTrust *trust, const ScNote *note, const ScCheckpoint *checkpoint,
					 bool *good, uint64_t *times)
{
	int			nkeys = trust->policy.nkeys + trust->nfollowers;
	ScVerifierKey *keys = list_keys(trust);
	bool		all_good[SC_POLICY_KEYS_MAX + SC_FOLLOWERS_MAX];
	uint64_t	all_times[SC_POLICY_KEYS_MAX + SC_FOLLOWERS_MAX];
	bool		any = false;
	ScStatus	status;

	memset(good, 0, (size_t) trust->policy.nkeys * sizeof(bool));
	if (keys == NULL)
		return SC_NO_MEMORY;
	status = sc_key_verify_note(note, keys, nkeys, all_good, all_times);
	free(keys);
	for (int i = 0; i < trust->policy.nkeys; i++)
	{
		int			n = speaker(trust, i, checkpoint);

		good[i] = all_good[n];
		times[i] = all_times[n];
		any = any || good[i];
	}
	return status == SC_OK && !any ? SC_UNKNOWN_KEY : status;
}

/* whether a good signature by keys[i] counts for this chain */
static bool
counts(const ScPolicy *policy, int i, const char *origin)
{
	return policy->keys[i].type == SC_KEY_COSIGNATURE || !policy->is_log[i] ||
		strcmp(policy->keys[i].name, origin) == 0;
}

/* --key: all of them signed, each as somebody who may speak about this chain */
static ScVerdict
judge_keys(const ScPolicy *policy, const ScFile *file, const char **reason)
{
	for (int i = 0; i < policy->nkeys; i++)
	{
		if (file->good[i] && !counts(policy, i, file->checkpoint.origin))
		{
			*reason = "a key that you gave belongs to another chain, so its signature says nothing about this one";
			return SC_UNVOUCHED;
		}
		if (!file->good[i])
		{
			*reason = "not every key that you gave has signed this";
			return SC_UNVOUCHED;
		}
	}
	return SC_VERIFIED;
}

bool
sc_trust_is_own(const ScPolicy *policy, int key, const char *origin)
{
	const char *slash = strrchr(origin, '/');
	size_t		len = slash ? (size_t) (slash - origin) : strlen(origin);
	const ScVerifierKey *own = &policy->keys[key];

	if (strncmp(own->name, origin, len) == 0 && (own->name[len] == '\0' || own->name[len] == '/'))
		return true;
	for (int i = 0; i < policy->nkeys; i++)
	{
		const ScVerifierKey *log = &policy->keys[i];

		if (policy->is_log[i] && log->keylen == own->keylen && memcmp(log->key, own->key, own->keylen) == 0)
			return true;
	}
	return false;
}

static ScVerdict
judge_policy(const ScPolicy *policy, const ScFile *file, const char **reason)
{
	if (!sc_policy_log_signed(policy, file->good, file->checkpoint.origin))
	{
		*reason = "no log of your policy has signed this as its own chain";
		return SC_UNVOUCHED;
	}
	if (!sc_policy_quorum_met(policy, file->good))
	{
		*reason = "fewer witnesses have signed this than your policy asks for";
		return SC_UNVOUCHED;
	}
	return SC_VERIFIED;
}

ScVerdict
sc_trust_judge(const ScTrust *trust, ScFile *file, const char **reason)
{
	const ScPolicy *policy = &trust->policy;
	ScStatus	status;

	if (file->note.nsigs == 0)
	{
		*reason = "it carries no signature, so nobody vouches for it";
		return SC_UNVOUCHED;
	}
	if (policy->nkeys == 0)
	{
		*reason = "you gave no key and no policy, so nobody vouches for this";
		return SC_UNVOUCHED;
	}
	status = sc_trust_verify_note(trust, &file->note, &file->checkpoint, file->good, file->times);
	switch (status)
	{
		case SC_OK:
			for (int i = 0; i < policy->nkeys; i++)
				file->signed_by_trusted = file->signed_by_trusted ||
					(file->good[i] && counts(policy, i, file->checkpoint.origin));
			return trust->has_policy ? judge_policy(policy, file, reason) : judge_keys(policy, file, reason);
		case SC_UNKNOWN_KEY:
			*reason = trust->nfollowers > 0 ?
				"nobody whom you trust has signed it with the key that was in force at this size, so nobody vouches for it" :
				"nobody whom you trust has signed it, so nobody vouches for it";
			return SC_UNVOUCHED;
		case SC_NO_MEMORY:
			*reason = sc_status_text(status);
			return SC_UNUSABLE;
		default:
			*reason = "a signature by a key that you trust is wrong";
			return SC_REFUTED;
	}
}

bool
sc_trust_asks_witnesses(const ScTrust *trust)
{
	if (trust->has_policy)
		return trust->policy.quorum != SC_POLICY_NONE;
	for (int i = 0; i < trust->policy.nkeys; i++)
	{
		if (trust->policy.keys[i].type == SC_KEY_COSIGNATURE)
			return true;
	}
	return false;
}

/* whether those who had signed by then are enough: the policy's quorum, or every cosigner given with --key */
static bool
enough_by(const ScPolicy *policy, bool has_policy, const bool *good, const uint64_t *times, uint64_t seconds)
{
	bool		by_then[SC_POLICY_KEYS_MAX];

	for (int i = 0; i < policy->nkeys; i++)
	{
		bool		cosigner = policy->keys[i].type == SC_KEY_COSIGNATURE;

		/* only cosignatures carry a time; a key that follows a cosigner's may be of another kind */
		by_then[i] = cosigner && good[i] && times[i] > 0 && times[i] <= seconds;
		if (!has_policy && cosigner && !by_then[i])
			return false;
	}
	return !has_policy || sc_policy_quorum_met(policy, by_then);
}

bool
sc_trust_seen_by(const ScTrust *trust, const bool *good, const uint64_t *times, uint64_t *seconds)
{
	const ScPolicy *policy = &trust->policy;
	bool		found = false;

	if (!sc_trust_asks_witnesses(trust))
		return false;
	for (int i = 0; i < policy->nkeys; i++)
	{
		if (policy->keys[i].type != SC_KEY_COSIGNATURE || !good[i] || times[i] == 0 || (found && times[i] >= *seconds) ||
			!enough_by(policy, trust->has_policy, good, times, times[i]))
			continue;
		*seconds = times[i];
		found = true;
	}
	return found;
}

bool
sc_trust_print_liars(const ScTrust *trust, const ScFile *a, const ScFile *b, bool print)
{
	const ScPolicy *policy = &trust->policy;
	bool		found = false;

	for (int i = 0; i < policy->nkeys; i++)
	{
		if (!a->good[i] || !b->good[i] || !counts(policy, i, a->checkpoint.origin))
			continue;
		found = true;
		if (print)
		{
			fputs("    signed both    ", stdout);
			sc_print_text(policy->keys[i].name, strlen(policy->keys[i].name));
			putchar('\n');
		}
	}
	return found;
}
