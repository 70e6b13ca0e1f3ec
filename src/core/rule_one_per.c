/*
 * rule_one_per.c
 *	  one_per: at most one row for each key, as one vote per voter and election.
 *
 * State: key -> ledger_seq of the row that has it.
 */
#include "core/rule.h"
#include "rule_digest.h"

enum
{
	KEY
};

static const ScRuleParam params[] = {
	{"key", SC_RULE_COLUMNS, true, NULL, NULL, "columns that together may have each value once"},
	{0}
};

static const char *
key_of(ScRuleCall *call)
{
	return sc_rule_key(call, call->values, call->args[KEY].nitems);
}

/* the first key column that is null, or NULL */
static const char *
null_column(const ScRuleCall *call)
{
	for (int i = 0; i < call->args[KEY].nitems; i++)
	{
		if (sc_rule_value(call, KEY, i) == NULL)
			return call->args[KEY].items[i];
	}
	return NULL;
}

static void
lock(ScRuleCall *call)
{
	if (null_column(call) == NULL)
		sc_rule_lock(call, key_of(call));
}

static bool
check(ScRuleCall *call)
{
	const char *missing = null_column(call);
	const char *taken;

	if (missing)
	{
		sc_rule_explain(call, NULL, "Give it a value: the rule counts by it.");
		return sc_rule_refuse(call, "null", "column \"%s\" is null", missing);
	}
	taken = sc_rule_get(call, key_of(call));
	if (taken == NULL)
		return true;
	sc_rule_explain(call, sc_rule_text(call, "The row with ledger_seq %s has this key.", taken),
					"One row for each key is accepted, the first.");
	return sc_rule_refuse(call, "taken", "there is a row for %s already", key_of(call));
}

/* the first row keeps the key */
static void
effect(ScRuleCall *call)
{
	const char *key;

	if (null_column(call))
		return;
	key = key_of(call);
	if (sc_rule_get(call, key) == NULL)
		sc_rule_put(call, key, sc_rule_text(call, "%lld", (long long) call->ledger_seq));
}

const ScRule sc_rule_one_per = {
	.abi = SEOULCHAIN_RULE_ABI,
	.name = "one_per",
	.version = "1",
	.source_digest = SC_DIGEST_RULE_ONE_PER,
	.meaning = "at most one row for each key",
	.params = params,
	.lock = lock,
	.check = check,
	.effect = effect
};
