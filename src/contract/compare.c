/*
 * compare.c
 *	  The stored state of rules against what their tables' rows say.
 *
 * Invariant: rows and state were written by the same transactions, so under
 * one snapshot they agree, whatever else is going on.
 * Locks: AccessShareLock on the state's tables.  Effects: none.
 */
#include "postgres.h"

#include "contract/fold.h"

#include "access/htup_details.h"
#include "core/decimal.h"
#include "ledger/error.h"
#include "miscadmin.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"

#define ATTR_RULE_ID 1
#define ATTR_KEY 2
#define ATTR_VALUE 3

typedef struct Comparison
{
	ScFold	   *fold;
	Snapshot	snapshot;
	void		(*differs) (void *arg, const ScStateDifference *difference);
	void	   *arg;
} Comparison;

static void
report(const Comparison *comparison, const ScTableRule *rule, const char *key, const char *expected, const char *found,
	   bool stored)
{
	ScStateDifference difference = {rule, key, expected, found, stored};

	comparison->differs(comparison->arg, &difference);
}

/* the third column, or NULL */
static char *
third_column(HeapTuple tuple, const ScInternalScan *scan)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, ATTR_VALUE, RelationGetDescr(scan->rel), &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* calls back for each row of the rule in one of the two tables */
static void
scan_rule(const Comparison *comparison, const char *table, const char *index, int32 rule_id,
		  void (*row) (void *arg, char *key, char *value), void *arg)
{
	ScInternalScan scan;
	ScanKeyData scankey;
	HeapTuple	tuple;

	sc_key_int4(&scankey, ATTR_RULE_ID, rule_id);
	sc_internal_scan_begin(&scan, table, index, comparison->snapshot, &scankey, 1);
	while (HeapTupleIsValid(tuple = sc_internal_scan_next(&scan, ForwardScanDirection)))
	{
		char	   *key = TextDatumGetCString(sc_internal_attr(tuple, ATTR_KEY, scan.rel));
		char	   *value = third_column(tuple, &scan);

		CHECK_FOR_INTERRUPTS();
		row(arg, key, value);
		pfree(key);
		if (value != NULL)
			pfree(value);
	}
	sc_internal_scan_end(&scan);
}

/* adds a delta up in memory; what is no number cannot be what a rule wrote */
static void
collect_delta(void *arg, char *key, char *value)
{
	ScRuleMemory *deltas = arg;

	if (value != NULL && sc_decimal_ok(value))
		deltas->store.add(&deltas->store, key, value);
	else
		deltas->store.put(&deltas->store, key, value != NULL ? value : "NULL");
}

typedef struct RuleComparison
{
	const Comparison *comparison;
	const ScTableRule *rule;
	ScRuleMemory *expected;
	ScRuleMemory *deltas;
} RuleComparison;

/* a stored value and the deltas of its key against the rows' */
static void
compare_value(void *arg, char *key, char *value)
{
	RuleComparison *c = arg;
	const char *delta = c->deltas->store.get(&c->deltas->store, key);
	const char *expected = c->expected->store.get(&c->expected->store, key);
	const char *found = value;

	if (delta != NULL && (value == NULL || sc_decimal_ok(value)))
	{
		if (value != NULL)
			c->deltas->store.add(&c->deltas->store, key, value);
		found = c->deltas->store.get(&c->deltas->store, key);
	}
	if ((found == NULL) != (expected == NULL) || (found != NULL && strcmp(found, expected) != 0))
		report(c->comparison, c->rule, key, expected, found, true);
	sc_rule_memory_remove(c->deltas, key);
	sc_rule_memory_remove(c->expected, key);
}

/* keys that only have deltas, then keys that have nothing */
static void
compare_left(RuleComparison *c)
{
	ScRuleCursor cursor = {0};
	const char *key;
	const char *value;

	while (sc_rule_memory_next(c->deltas, &cursor, &key, &value))
	{
		const char *expected = c->expected->store.get(&c->expected->store, key);

		if (expected == NULL || strcmp(expected, value) != 0)
			report(c->comparison, c->rule, key, expected, value, true);
		sc_rule_memory_remove(c->expected, key);
	}
	cursor = (ScRuleCursor) {0};
	while (sc_rule_memory_next(c->expected, &cursor, &key, &value))
	{
		CHECK_FOR_INTERRUPTS();
		report(c->comparison, c->rule, key, value, NULL, false);
	}
}

static void
release_memory(void *memory)
{
	sc_rule_memory_free(memory);
}

void
sc_fold_compare(ScFold *fold, Snapshot snapshot, void (*differs) (void *arg, const ScStateDifference *difference), void *arg)
{
	Comparison	comparison = {fold, snapshot, differs, arg};

	for (int i = 0; i < fold->rules->nrules; i++)
	{
		ScRuleMemory *deltas = palloc(sizeof(ScRuleMemory));
		MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));
		RuleComparison c = {&comparison, &fold->rules->rules[i], &fold->states[i], deltas};

		callback->func = release_memory;
		callback->arg = deltas;
		if (!sc_rule_memory_init(deltas))
			sc_status_report(SC_NO_MEMORY, "state of a rule");
		MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
		scan_rule(&comparison, "rule_delta", "rule_delta_key", c.rule->rule_id, collect_delta, deltas);
		scan_rule(&comparison, "rule_state", "rule_state_key", c.rule->rule_id, compare_value, &c);
		compare_left(&c);
		if (deltas->store.failed || c.expected->store.failed)
			sc_status_report(SC_NO_MEMORY, "state of a rule");
		sc_rule_memory_free(deltas);
	}
}
