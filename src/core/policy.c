/*
 * policy.c
 *	  Reading a trust policy, and judging a set of signers by it.
 *
 * Names are opaque bytes.  What a line refers to was defined on a line before
 * it, so one pass in order of definition evaluates every group.
 *
 * A log may sign with Ed25519 or ECDSA notes, a witness with cosignature/v1
 * or, where only approved algorithms may be used, ECDSA notes.
 * Source: C2SP tlog-policy.
 */
#include <string.h>

#include "core/policy.h"
#include "core/text.h"

/* cuts the next word off a line; words are parted by spaces and tabs only */
static bool
next_word(const char **word, size_t *wordlen, const char **line, size_t *len)
{
	while (*len > 0 && (**line == ' ' || **line == '\t'))
	{
		(*line)++;
		(*len)--;
	}
	*word = *line;
	while (*len > 0 && **line != ' ' && **line != '\t')
	{
		(*line)++;
		(*len)--;
	}
	*wordlen = (size_t) (*line - *word);
	return *wordlen > 0;
}

/* an optional URL, which nobody here reads, and then the end of the line */
static bool
at_end(const char **line, size_t *len, bool url_ok)
{
	const char *word;
	size_t		n;

	if (!next_word(&word, &n, line, len))
		return true;
	return url_ok && !next_word(&word, &n, line, len);
}

static int
find_name(const ScPolicy *policy, const char *name, size_t len)
{
	for (int i = 0; i < policy->nnames; i++)
	{
		if (sc_text_is(name, len, policy->names[i].name))
			return i;
	}
	return SC_POLICY_NONE;
}

/* adds a witness or group; its name must be new */
static ScStatus
add_name(ScPolicy *policy, const char *name, size_t len, int key)
{
	ScPolicyName *new = &policy->names[policy->nnames];

	if (sc_text_is(name, len, "none") || find_name(policy, name, len) != SC_POLICY_NONE)
		return SC_MALFORMED;
	if (len > SC_NAME_MAX || policy->nnames == SC_POLICY_NAMES_MAX)
		return SC_TOO_LARGE;
	memcpy(new->name, name, len);
	new->name[len] = '\0';
	new->key = key;
	new->threshold = 0;
	new->parent = SC_POLICY_NONE;
	policy->nnames++;
	return SC_OK;
}

bool
sc_policy_type_ok(uint8_t type, bool log)
{
	return type == SC_KEY_ECDSA || type == (log ? SC_KEY_ED25519 : SC_KEY_COSIGNATURE);
}

/* adds a key; the same key material twice in one part is a duplicate, whatever its name */
static ScStatus
add_key(ScPolicy *policy, const char *vkey, size_t len, bool log)
{
	ScVerifierKey *new = &policy->keys[policy->nkeys];
	ScStatus	status;

	if (policy->nkeys == SC_POLICY_KEYS_MAX)
		return SC_TOO_LARGE;
	status = sc_note_parse_key(new, vkey, len);
	if (status != SC_OK)
		return status;
	if (!sc_policy_type_ok(new->type, log))
		return SC_MALFORMED;
	for (int i = 0; i < policy->nkeys; i++)
	{
		if (policy->is_log[i] == log && policy->keys[i].keylen == new->keylen &&
			memcmp(policy->keys[i].key, new->key, new->keylen) == 0)
			return SC_MALFORMED;
	}
	policy->is_log[policy->nkeys++] = log;
	return SC_OK;
}

/* log <vkey> [<url>] */
static ScStatus
parse_log(ScPolicy *policy, const char *line, size_t len)
{
	const char *vkey;
	size_t		n;

	if (!next_word(&vkey, &n, &line, &len) || !at_end(&line, &len, true))
		return SC_MALFORMED;
	return add_key(policy, vkey, n, true);
}

/* witness <name> <vkey> [<url>] */
static ScStatus
parse_witness(ScPolicy *policy, const char *line, size_t len)
{
	const char *name;
	const char *vkey;
	size_t		namelen;
	size_t		n;
	ScStatus	status;

	if (!next_word(&name, &namelen, &line, &len) || !next_word(&vkey, &n, &line, &len) ||
		!at_end(&line, &len, true))
		return SC_MALFORMED;
	status = add_key(policy, vkey, n, false);
	return status == SC_OK ? add_name(policy, name, namelen, policy->nkeys - 1) : status;
}

/* how many of n members a group needs: "any", "all" or a number; 0 when it is none of these */
static int
threshold_of(const char *word, size_t len, int nmembers)
{
	uint64_t	k;

	if (sc_text_is(word, len, "any"))
		return 1;
	if (sc_text_is(word, len, "all"))
		return nmembers;
	if (!sc_text_uint64(&k, word, len) || k > (uint64_t) nmembers)
		return 0;
	return (int) k;
}

/* group <name> all|any|<k> <member>... */
static ScStatus
parse_group(ScPolicy *policy, const char *line, size_t len)
{
	const char *name;
	const char *rule;
	const char *member;
	size_t		namelen;
	size_t		rulelen;
	size_t		n;
	int			nmembers = 0;
	int			threshold;
	int			group = policy->nnames;
	ScStatus	status;

	if (!next_word(&name, &namelen, &line, &len) || !next_word(&rule, &rulelen, &line, &len))
		return SC_MALFORMED;
	while (next_word(&member, &n, &line, &len))
	{
		int			i = find_name(policy, member, n);

		if (i == SC_POLICY_NONE || policy->names[i].parent != SC_POLICY_NONE)
			return SC_MALFORMED;
		policy->names[i].parent = group;
		nmembers++;
	}
	threshold = threshold_of(rule, rulelen, nmembers);
	if (nmembers == 0 || threshold == 0)
		return SC_MALFORMED;
	status = add_name(policy, name, namelen, SC_POLICY_NONE);
	if (status == SC_OK)
		policy->names[group].threshold = threshold;
	return status;
}

/* quorum <name>|none, once */
static ScStatus
parse_quorum(ScPolicy *policy, bool *seen, const char *line, size_t len)
{
	const char *name;
	size_t		n;

	if (*seen || !next_word(&name, &n, &line, &len) || !at_end(&line, &len, false))
		return SC_MALFORMED;
	*seen = true;
	if (sc_text_is(name, n, "none"))
		return SC_OK;
	policy->quorum = find_name(policy, name, n);
	return policy->quorum == SC_POLICY_NONE ? SC_MALFORMED : SC_OK;
}

static ScStatus
parse_line(ScPolicy *policy, bool *quorum_seen, const char *line, size_t len)
{
	const char *word;
	size_t		n;

	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) line[i];

		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return SC_MALFORMED;
	}
	if (!next_word(&word, &n, &line, &len) || word[0] == '#')
		return SC_OK;
	if (sc_text_is(word, n, "log"))
		return parse_log(policy, line, len);
	if (sc_text_is(word, n, "witness"))
		return parse_witness(policy, line, len);
	if (sc_text_is(word, n, "group"))
		return parse_group(policy, line, len);
	if (sc_text_is(word, n, "quorum"))
		return parse_quorum(policy, quorum_seen, line, len);
	return SC_MALFORMED;
}

ScStatus
sc_policy_parse(ScPolicy *out, int *line_number, const char *text, size_t len)
{
	const char *line;
	size_t		n;
	bool		quorum_seen = false;

	out->nkeys = out->nnames = 0;
	out->quorum = SC_POLICY_NONE;
	*line_number = 0;
	while (sc_text_line(&line, &n, &text, &len))
	{
		ScStatus	status;

		++*line_number;
		status = parse_line(out, &quorum_seen, line, n);
		if (status != SC_OK)
			return status;
	}
	if (len > 0)
	{
		++*line_number;
		return SC_MALFORMED;
	}
	*line_number = 0;
	return quorum_seen ? SC_OK : SC_MALFORMED;
}

/* the length of the node's name in a witness key's: its key as a public witness is named <node>/witness */
static size_t
node_length(const ScVerifierKey *key)
{
	size_t		len = strlen(key->name);
	size_t		tail = strlen("/witness");

	return len > tail && strcmp(key->name + len - tail, "/witness") == 0 ? len - tail : len;
}

bool
sc_policy_same_node(const ScVerifierKey *a, const ScVerifierKey *b)
{
	size_t		len = node_length(a);

	return node_length(b) == len && strncmp(a->name, b->name, len) == 0;
}

bool
sc_policy_log_signed(const ScPolicy *policy, const bool *good, const char *origin)
{
	for (int i = 0; i < policy->nkeys; i++)
	{
		if (policy->is_log[i] && good[i] && strcmp(policy->keys[i].name, origin) == 0)
			return true;
	}
	return false;
}

bool
sc_policy_quorum_met(const ScPolicy *policy, const bool *good)
{
	int			met[SC_POLICY_NAMES_MAX] = {0};
	bool		satisfied = true;

	/* "quorum none" asks nothing; members come before their group */
	for (int i = 0; i <= policy->quorum; i++)
	{
		const ScPolicyName *name = &policy->names[i];

		satisfied = name->key == SC_POLICY_NONE ? met[i] >= name->threshold : good[name->key];
		if (satisfied && name->parent != SC_POLICY_NONE)
			met[name->parent]++;
	}
	return satisfied;
}
