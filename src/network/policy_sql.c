/*
 * policy_sql.c
 *	  set_policy: which witnesses the checkpoints of a chain need, and what that is worth.
 *
 * Invariant: a policy that would hold against nobody is not recorded.  The
 * policies of a chain come one after the other: one is recorded only when the
 * last one is sealed and signed, so their order is that of their leaves.
 * Locks: ShareRowExclusiveLock on seoulchain.policy to the end of the
 * transaction.
 * Effects: an event leaf, a row of seoulchain.policy.
 */
#include "postgres.h"

#include "access/table.h"
#include "compat.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/journal.h"
#include "network/final.h"
#include "seal/internal_scan.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_set_policy);
PG_FUNCTION_INFO_V1(sc_policies);

#define SC_POLICIES_NATTS 7

/* errors unless the chain can have a policy here */
static void
require_own_chain(const ScChain *chain)
{
	if (chain->copy)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("chain \"%s\" is another node's", chain->name),
				 errhint("Its own node sets its policy. What is final for you, your own policy decides: seoulchain-verify --policy.")));
	sc_chain_require_open(chain);
	if (chain->log_key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" has no key", chain->name),
				 errdetail("Nobody can cosign what its own node does not sign.")));
}

/* errors unless whatever was set before is signed */
static void
require_settled(const ScChain *chain, Snapshot snapshot)
{
	List	   *policies = sc_policy_list(chain, snapshot);
	ScPolicyEntry *last = policies == NIL ? NULL : llast(policies);
	int64		height;
	int64		size = 0;

	(void) sc_signature_find(chain->chain_id, -1, snapshot, &height, &size, NULL);
	if (last != NULL && last->leaf >= size)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the last policy is not signed yet"),
				 errdetail("It is the event with ledger_seq " INT64_FORMAT " of chain \"%s\".", last->seq, chain->name),
				 errhint("Commit it, and run SELECT seoulchain.seal('%s'), which waits for the signature.", chain->name)));
}

/* the policy as it is recorded: its last line may have come without a newline, as psql and shells cut it off */
static char *
complete_text(const char *text)
{
	size_t		len = strlen(text);

	return len == 0 || text[len - 1] == '\n' ? pstrdup(text) : psprintf("%s\n", text);
}

/* parses; errors with the line at fault */
static void
parse_policy(ScPolicy *policy, const char *text)
{
	int			line;
	ScStatus	status = sc_policy_parse(policy, &line, text, strlen(text));
	const char *fault = status == SC_MALFORMED ? sc_policy_fault(text, strlen(text), line) : NULL;

	if (status == SC_OK)
		return;
	if (line == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("the policy does not say which quorum it asks for"),
				 errhint("End it with a line \"quorum <name>\".")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("line %d of the policy: %s", line, fault != NULL ? fault : sc_status_text(status)),
			 errhint("Lines are \"log <key>\", \"witness <name> <key>\", \"group <name> all|any|<k> <member>...\" and \"quorum <name>\"; a name is defined before it is used, a key and a member stand once.")));
}

/* errors unless readers of the policy would believe this chain's own signature */
static void
require_log_key(const ScPolicy *policy, const ScChain *chain)
{
	ScVerifierKey key;

	if (sc_note_parse_key(&key, chain->log_key, strlen(chain->log_key)) != SC_OK)
		elog(ERROR, "log key of chain \"%s\" is malformed", chain->name);
	for (int i = 0; i < policy->nkeys; i++)
		if (policy->is_log[i] && strcmp(policy->keys[i].name, key.name) == 0 &&
			memcmp(policy->keys[i].id, key.id, SC_KEY_ID_LEN) == 0)
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the policy does not name the key of chain \"%s\"", chain->name),
			 errhint("It needs a line \"log %s\".", chain->log_key)));
}

/* errors if a node would be two witnesses: it would lie with both keys */
static void
require_one_key_a_node(const ScPolicy *policy)
{
	int			first;
	int			second;

	if (sc_policy_twice(policy, &first, &second))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the policy asks for two keys of one node, \"%s\" and \"%s\"", policy->keys[first].name, policy->keys[second].name),
				 errdetail("Whoever rules that node has both, so they are one witness."),
				 errhint("Name its cosigner key, or its key as a public witness, not both.")));
}

/* how many witnesses the quorum asks for, and how many of them are the origin's own */
static int
count_witnesses(const ScPolicy *policy, const bool *own, int *nown)
{
	int			count = 0;

	*nown = 0;
	for (int i = 0; i < policy->nkeys; i++)
	{
		if (policy->is_log[i] || !sc_policy_asks_for(policy, i))
			continue;
		count++;
		if (own[i])
			(*nown)++;
	}
	return count;
}

/* what the policy is worth, in a sentence; errors when it is worth nothing */
static char *
policy_worth(const ScPolicy *policy, const ScChain *chain, Snapshot snapshot)
{
	bool		own[SC_POLICY_KEYS_MAX];
	int			nown;
	int			count;
	int			overlap;

	sc_policy_own_keys(own, policy, chain, snapshot);
	overlap = sc_policy_overlap(policy, own);
	count = count_witnesses(policy, own, &nown);
	if (overlap == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this policy would hold against nobody"),
				 count == 0 ? errdetail("It asks for no witness.") :
				 errdetail("Two quorums can have no witness in common: of its %d witnesses, %d are this node's own and do not count.", count, nown),
				 errhint("Any two sets of k out of n witnesses share 2k - n of them: ask for more than half of the nodes that are not this one.")));
	if (overlap == 1)
		return psprintf("any two quorums share at least 1 of %d witnesses: holds while none of them lies or is rolled back", count - nown);
	return psprintf("any two quorums share at least %d of %d witnesses: holds while at most %d of them lie or are rolled back",
					overlap, count - nown, overlap - 1);
}

/* appends {"policy":<text>,"type":"policy"} */
static void
policy_event(ScBuf *buf, const char *text)
{
	sc_buf_literal(buf, "{\"policy\":");
	sc_json_string(buf, text, strlen(text));
	sc_buf_string(buf, ",\"type\":\"" SC_POLICY_EVENT "\"}");
	if (buf->failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

/*
 * seoulchain.set_policy(chain text, policy text) -> text
 *
 * Records which witnesses must have cosigned a checkpoint of a chain of this
 * node before it is final (C2SP tlog-policy), and says what that is worth.
 * The chain's first policy is in force with its block; a later one from the first
 * checkpoint on that holds its leaf and satisfies the one before.  The newline
 * that its last line may lack is added.
 * Privileges: seoulchain_operator.  Errors: UNDEFINED_OBJECT;
 * WRONG_OBJECT_TYPE for a copy; OBJECT_NOT_IN_PREREQUISITE_STATE for a closed
 * or unnamed chain, or while the policy before is not signed;
 * INVALID_TEXT_REPRESENTATION with the line at fault;
 * INVALID_PARAMETER_VALUE when it does not name the chain's key, names two
 * keys of one node, or two quorums need no witness in common.
 */
Datum
sc_set_policy(PG_FUNCTION_ARGS)
{
	Relation	rel = sc_internal_open("policy", ShareRowExclusiveLock);
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	char	   *given = complete_text(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	ScPolicy   *policy = palloc(sizeof(ScPolicy));
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScBuf		event = SC_BUF_INIT;
	char	   *worth;
	int64		seq;

	require_own_chain(chain);
	require_settled(chain, snapshot);
	parse_policy(policy, given);
	require_log_key(policy, chain);
	require_one_key_a_node(policy);
	worth = policy_worth(policy, chain, snapshot);
	UnregisterSnapshot(snapshot);
	policy_event(&event, given);
	seq = sc_event_record(chain, SC_TABLE_EVENTS, NULL, &event);
	sc_buf_free(&event);
	sc_policy_insert(chain->chain_id, seq, given);
	table_close(rel, NoLock);
	PG_RETURN_TEXT_P(cstring_to_text(worth));
}

/* one policy's row */
static void
put_policy(ReturnSetInfo *rsinfo, const ScChain *chain, const ScPolicyEntry *entry, bool in_force)
{
	Datum		values[SC_POLICIES_NATTS] = {0};
	bool		nulls[SC_POLICIES_NATTS] = {false};

	values[0] = CStringGetTextDatum(chain->name);
	values[1] = Int64GetDatum(entry->seq);
	nulls[2] = entry->leaf == PG_INT64_MAX;
	values[2] = Int64GetDatum(entry->leaf);
	values[3] = CStringGetTextDatum(entry->text);
	values[4] = Int32GetDatum(entry->overlap);
	nulls[5] = entry->since == PG_INT64_MAX;
	values[5] = Int64GetDatum(entry->since);
	values[6] = BoolGetDatum(in_force);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * seoulchain.policies() -> SETOF (chain text, ledger_seq bigint, leaf_index
 * bigint, policy text, overlap integer, since bigint, in_force boolean); the
 * view policies
 *
 * The policies of every chain, in the order of their leaves.  Privileges: PUBLIC.
 */
Datum
sc_policies(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ListCell   *chain_cell;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(chain_cell, sc_chain_list())
	{
		const ScChain *chain = lfirst(chain_cell);
		List	   *history = sc_policy_history(chain, snapshot);
		const ScPolicyEntry *current = sc_policy_for_size(history, PG_INT64_MAX);

		foreach(cell, history)
			put_policy(rsinfo, chain, lfirst(cell), lfirst(cell) == current);
	}
	UnregisterSnapshot(snapshot);
	return (Datum) 0;
}
