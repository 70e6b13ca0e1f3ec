/*
 * policy_store.c
 *	  The policies of chains as rows, and what each is worth.
 *
 * Invariant: rows of seoulchain.policy are inserted once and never changed;
 * one counts only if the chain's event of its number says the same.  A policy
 * that set_policy() would refuse may stand here, when an event of a copy
 * brings it; it never comes into force, so that origin and copies judge alike.
 * Context: a registered or active snapshot; palloc in the current context.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "ledger/registry_tables.h"
#include "network/peer.h"
#include "network/policy.h"
#include "seal/internal_scan.h"
#include "seal/key_history.h"
#include "seal/node.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/rel.h"

void
sc_policy_insert(int32 chain_id, int64 seq, const char *text)
{
	Relation	rel = sc_internal_open("policy", RowExclusiveLock);
	Datum		values[SC_POLICY_NATTS];
	bool		nulls[SC_POLICY_NATTS] = {false};

	values[SC_POLICY_ATTR_CHAIN_ID - 1] = Int32GetDatum(chain_id);
	values[SC_POLICY_ATTR_SEQ - 1] = Int64GetDatum(seq);
	values[SC_POLICY_ATTR_TEXT - 1] = CStringGetTextDatum(text);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
}

bool
sc_policy_apply_event(int32 chain_id, int64 seq, const ScJson *event)
{
	const ScJson *text = event != NULL && event->kind == SC_JSON_OBJECT ? sc_json_member(event, "policy") : NULL;

	if (text == NULL || text->kind != SC_JSON_STRING || strlen(text->string) != text->len)
		return false;
	sc_policy_insert(chain_id, seq, text->string);
	return true;
}

char *
sc_origin_node(const char *origin)
{
	const char *slash = strrchr(origin, '/');

	return slash == NULL ? pstrdup(origin) : pnstrdup(origin, slash - origin);
}

/* does the key bear the node's name, or that of something of the node's? */
static bool
is_named_after(const ScVerifierKey *key, const char *node)
{
	size_t		len = strlen(node);

	return strncmp(key->name, node, len) == 0 && (key->name[len] == '\0' || key->name[len] == '/');
}

void
sc_policy_named_own(bool *own, const ScPolicy *policy, const char *origin)
{
	char	   *node = sc_origin_node(origin);

	for (int i = 0; i < policy->nkeys; i++)
		own[i] = is_named_after(&policy->keys[i], node);
	pfree(node);
}

/* marks the policy's keys that are this one, whatever their names */
static void
mark_same_key(bool *own, const ScPolicy *policy, const char *vkey)
{
	ScVerifierKey key;

	if (vkey == NULL || sc_note_parse_key(&key, vkey, strlen(vkey)) != SC_OK)
		return;
	for (int i = 0; i < policy->nkeys; i++)
		if (policy->keys[i].keylen == key.keylen && memcmp(policy->keys[i].key, key.key, key.keylen) == 0)
			own[i] = true;
}

/* marks the keys that a chain of this database has had in a role */
static void
mark_epochs(bool *own, const ScPolicy *policy, const ScChain *chain, ScKeyRole role, Snapshot snapshot)
{
	ListCell   *lc;

	foreach(lc, sc_key_epochs(chain, role, snapshot))
		mark_same_key(own, policy, ((ScKeyEpoch *) lfirst(lc))->key);
}

void
sc_policy_own_keys(bool *own, const ScPolicy *policy, const ScChain *chain, Snapshot snapshot)
{
	char	   *node = sc_origin_node(chain->origin);
	const ScPeer *peer;
	ListCell   *lc;

	sc_policy_named_own(own, policy, chain->origin);
	foreach(lc, sc_chain_list())
	{
		const ScChain *other = lfirst(lc);

		if (strcmp(sc_origin_node(other->origin), node) == 0)
			mark_epochs(own, policy, other, SC_ROLE_LOG, snapshot);
	}
	peer = sc_peer_find(node);
	if (peer != NULL)
		mark_same_key(own, policy, peer->cosigner_key);
	if (!chain->copy)
		mark_epochs(own, policy, chain, SC_ROLE_COSIGNER, snapshot);
}

List *
sc_known_cosigner_keys(void)
{
	char	   *own_key = NULL;
	List	   *result = NIL;
	ListCell   *lc;

	if (sc_node_name(&own_key) != NULL)
		result = list_make1(own_key);
	foreach(lc, sc_peer_list())
		result = lappend(result, ((ScPeer *) lfirst(lc))->cosigner_key);
	return result;
}

bool
sc_policy_asks_for(const ScPolicy *policy, int key)
{
	for (int i = 0; i < policy->nnames; i++)
	{
		int			name = i;

		if (policy->names[i].key != key)
			continue;
		while (name != policy->quorum && policy->names[name].parent != SC_POLICY_NONE)
			name = policy->names[name].parent;
		return name == policy->quorum;
	}
	return false;
}

bool
sc_policy_twice(const ScPolicy *policy, int *first, int *second)
{
	for (*first = 0; *first < policy->nkeys; ++*first)
	{
		if (policy->is_log[*first] || !sc_policy_asks_for(policy, *first))
			continue;
		for (*second = *first + 1; *second < policy->nkeys; ++*second)
			if (!policy->is_log[*second] && sc_policy_asks_for(policy, *second) &&
				sc_policy_same_node(&policy->keys[*first], &policy->keys[*second]))
				return true;
	}
	return false;
}

/* does the leaf bring this policy? */
static bool
leaf_brings(const char *leaf, const char *text)
{
	ScJson	   *json;
	const ScJson *event;
	const ScJson *policy;
	bool		result;

	if (sc_json_parse(&json, leaf, strlen(leaf)) != SC_OK)
		return false;
	event = json->kind == SC_JSON_OBJECT ? sc_json_member(json, "event") : NULL;
	policy = event != NULL && event->kind == SC_JSON_OBJECT ? sc_json_member(event, "policy") : NULL;
	result = policy != NULL && policy->kind == SC_JSON_STRING && strcmp(policy->string, text) == 0;
	sc_json_free(json);
	return result;
}

/* does the chain's event say what the row says? */
static bool
is_recorded(const ScPolicyEntry *entry, const ScChain *chain, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;
	bool		result;

	sc_key_int4(&keys[0], SC_EVENT_ATTR_CHAIN_ID, chain->chain_id);
	sc_key_int8(&keys[1], SC_EVENT_ATTR_SEQ, BTEqualStrategyNumber, entry->seq);
	sc_internal_scan_begin(&scan, "event", "event_pkey", snapshot, keys, 2);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	result = HeapTupleIsValid(tuple) &&
		leaf_brings(TextDatumGetCString(sc_internal_attr(tuple, SC_EVENT_ATTR_LEAF, scan.rel)), entry->text);
	sc_internal_scan_end(&scan);
	return result;
}

/* parses the entry's text and finds what it is worth */
static void
judge_entry(ScPolicyEntry *entry, const ScChain *chain, Snapshot snapshot)
{
	bool		own[SC_POLICY_KEYS_MAX];
	int			line;
	int			first;
	int			second;

	entry->policy = palloc(sizeof(ScPolicy));
	if (sc_policy_parse(entry->policy, &line, entry->text, strlen(entry->text)) != SC_OK)
	{
		pfree(entry->policy);
		entry->policy = NULL;
		return;
	}
	sc_policy_own_keys(own, entry->policy, chain, snapshot);
	entry->overlap = sc_policy_overlap(entry->policy, own);
	entry->good = entry->overlap > 0 && !sc_policy_twice(entry->policy, &first, &second) && is_recorded(entry, chain, snapshot);
}

/* in the order of leaves, those that are not sealed last by ledger_seq */
static int
compare_entries(const ListCell *a, const ListCell *b)
{
	const ScPolicyEntry *first = lfirst(a);
	const ScPolicyEntry *second = lfirst(b);

	if (first->leaf != second->leaf)
		return first->leaf < second->leaf ? -1 : 1;
	return first->seq < second->seq ? -1 : first->seq > second->seq;
}

List *
sc_policy_list(const ScChain *chain, Snapshot snapshot)
{
	List	   *result = NIL;
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	ListCell   *lc;

	sc_key_int4(&key, SC_POLICY_ATTR_CHAIN_ID, chain->chain_id);
	sc_internal_scan_begin(&scan, "policy", "policy_pkey", snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		ScPolicyEntry *entry = palloc0(sizeof(ScPolicyEntry));

		entry->seq = DatumGetInt64(sc_internal_attr(tuple, SC_POLICY_ATTR_SEQ, scan.rel));
		entry->text = TextDatumGetCString(sc_internal_attr(tuple, SC_POLICY_ATTR_TEXT, scan.rel));
		entry->leaf = sc_member_leaf_index(chain->chain_id, entry->seq, snapshot);
		if (entry->leaf < 0)
			entry->leaf = PG_INT64_MAX;
		entry->since = PG_INT64_MAX;
		result = lappend(result, entry);
	}
	sc_internal_scan_end(&scan);
	foreach(lc, result)
		judge_entry(lfirst(lc), chain, snapshot);
	list_sort(result, compare_entries);
	return result;
}
