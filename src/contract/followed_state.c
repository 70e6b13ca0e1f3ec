/*
 * followed_state.c
 *	  What rules of a copy keep, while blocks of it are judged.
 *
 * On an origin the insert path writes the state row by row.  A copy's rows are
 * judged a block at a time by one process, so their state is collected in
 * memory and written once a block: new keys a page at a time, and each changed
 * key once.
 *
 * Invariant: the tables hold the effects of the integrated blocks, no more
 * and no less, because they are written in the transaction that stores the
 * block; a rule with a row in seoulchain.followed_rule has state, one without
 * has none yet, whatever rows there are.
 * Context: the sealing worker, under the copy's lock: the only writer.
 * Effects: rows of rule_state and followed_rule.
 */
#include "postgres.h"

#include "contract/followed_state.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "contract/state.h"
#include "core/hash.h"
#include "miscadmin.h"
#include "seal/internal_scan.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* new keys that are written at once */
#define BATCH 200

typedef struct Entry
{
	ScHash		hash;			/* hash key: of rule and key */
	int32		rule_id;
	char	   *key;
	const char *value;			/* NULL: nothing is kept */
	bool		stored;			/* the table has a row for it */
	bool		dirty;
} Entry;

struct ScFollowedState
{
	ScRuleStore store;			/* first: what the rules talk to */
	MemoryContext context;
	HTAB	   *entries;
	int32		rule_id;		/* that is called now */
	Entry	   *last;			/* found last: a rule asks for the same key again */
	ScState		tables;
	bool		open;
};

static ScState *
tables(ScFollowedState *state)
{
	if (!state->open)
		sc_state_open(&state->tables);
	state->open = true;
	return &state->tables;
}

/* the key's entry, read from the table when it is new here */
static Entry *
find_entry(ScFollowedState *state, const char *key)
{
	MemoryContext old;
	char	   *name;
	ScHash		hash;
	Entry	   *entry = state->last;
	bool		known;

	if (entry != NULL && entry->rule_id == state->rule_id && strcmp(entry->key, key) == 0)
		return entry;
	old = MemoryContextSwitchTo(state->context);
	name = psprintf("%d %s", state->rule_id, key);
	sc_hash_bytes(&hash, name, strlen(name));
	pfree(name);
	entry = hash_search(state->entries, &hash, HASH_ENTER, &known);
	if (!known)
	{
		/* whole before anything can fail */
		entry->rule_id = state->rule_id;
		entry->key = NULL;
		entry->value = NULL;
		entry->stored = entry->dirty = false;
		entry->key = pstrdup(key);
		entry->stored = sc_state_peek(tables(state), state->rule_id, key, &entry->value);
	}
	state->last = entry;
	MemoryContextSwitchTo(old);
	return entry;
}

static void
store_lock(ScRuleStore *store, const char *key)
{
}

static const char *
store_get(ScRuleStore *store, const char *key)
{
	return find_entry((ScFollowedState *) store, key)->value;
}

static void
store_put(ScRuleStore *store, const char *key, const char *value)
{
	ScFollowedState *state = (ScFollowedState *) store;
	Entry	   *entry = find_entry(state, key);

	entry->value = MemoryContextStrdup(state->context, value);
	entry->dirty = true;
}

static void
store_add(ScRuleStore *store, const char *key, const char *amount)
{
	Entry	   *entry = find_entry((ScFollowedState *) store, key);

	store_put(store, key, sc_state_sum(entry->value, amount));
}

static void
store_pulse(ScRuleStore *store)
{
	CHECK_FOR_INTERRUPTS();
}

ScFollowedState *
sc_followed_state(void)
{
	ScFollowedState *state = palloc0(sizeof(ScFollowedState));
	HASHCTL		ctl = {
		.keysize = sizeof(ScHash),
		.entrysize = sizeof(Entry),
		.hcxt = CurrentMemoryContext
	};

	state->store = (ScRuleStore) {store_lock, store_get, store_put, store_add, store_pulse, false};
	state->context = CurrentMemoryContext;
	state->entries = hash_create("seoulchain state of followed rules", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return state;
}

ScRuleStore *
sc_followed_store(ScFollowedState *state, int32 rule_id)
{
	state->rule_id = rule_id;
	return &state->store;
}

/* in the order of the index */
static int
compare_entries(const void *a, const void *b)
{
	const Entry *x = *(Entry *const *) a;
	const Entry *y = *(Entry *const *) b;

	if (x->rule_id != y->rule_id)
		return x->rule_id < y->rule_id ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* the entries that have changed, sorted */
static Entry **
dirty_entries(ScFollowedState *state, int64 *n)
{
	Entry	  **dirty = MemoryContextAllocHuge(CurrentMemoryContext, Max(hash_get_num_entries(state->entries), 1) * sizeof(Entry *));
	HASH_SEQ_STATUS status;
	Entry	   *entry;

	*n = 0;
	hash_seq_init(&status, state->entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->dirty)
			dirty[(*n)++] = entry;
	if (*n > 1)
		qsort(dirty, *n, sizeof(Entry *), compare_entries);
	return dirty;
}

/* writes new keys, as many as stand together and go into one batch; returns how many those were */
static int64
insert_batch(ScFollowedState *state, Entry **dirty, int64 n)
{
	ScStateRow	rows[BATCH];
	int			nrows = 0;

	while (nrows < Min(n, BATCH) && !dirty[nrows]->stored)
	{
		rows[nrows] = (ScStateRow) {dirty[nrows]->rule_id, dirty[nrows]->key, dirty[nrows]->value};
		dirty[nrows]->stored = true;
		dirty[nrows++]->dirty = false;
	}
	sc_state_insert(tables(state), rows, nrows);
	return nrows;
}

static void
update_entry(ScFollowedState *state, Entry *entry)
{
	ScStateKey	key = {.rule_id = entry->rule_id,.key = entry->key,.sums = true};

	sc_state_lock(tables(state), &key);
	sc_state_put(tables(state), &key, entry->value);
	entry->dirty = false;
}

void
sc_followed_flush(ScFollowedState *state)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain followed state", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int64		n;
	Entry	  **dirty = dirty_entries(state, &n);

	for (int64 i = 0; i < n;)
	{
		CHECK_FOR_INTERRUPTS();
		if (!dirty[i]->stored)
			i += insert_batch(state, dirty + i, n - i);
		else
			update_entry(state, dirty[i++]);
	}
	if (state->open)
		sc_state_close(&state->tables);
	state->open = false;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	CommandCounterIncrement();
}

bool
sc_followed_marked(int32 rule_id)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	ScanKeyData key;
	bool		found;

	sc_key_int4(&key, 1, rule_id);
	sc_internal_scan_begin(&scan, "followed_rule", "followed_rule_pkey", snapshot, &key, 1);
	found = HeapTupleIsValid(sc_internal_scan_next(&scan, ForwardScanDirection));
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found;
}

void
sc_followed_mark(int32 rule_id)
{
	Relation	rel = sc_internal_open("followed_rule", RowExclusiveLock);
	Datum		values[1] = {Int32GetDatum(rule_id)};
	bool		nulls[1] = {false};

	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
	CommandCounterIncrement();
}
