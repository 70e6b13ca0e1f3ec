/*
 * rule_monotonic.c
 *	  monotonic: a number that never gets smaller for its key, as the odometer of a car.
 *
 * State: key -> the largest value so far.
 */
#include "core/rule.h"
#include "rule_digest.h"

enum
{
	KEY,
	VALUE,
	STRICT
};

static const ScRuleParam params[] = {
	{"key", SC_RULE_COLUMNS, true, NULL, NULL, "columns that name the thing that is counted"},
	{"value", SC_RULE_COLUMN, true, NULL, NULL, "column of the number"},
	{"strict", SC_RULE_BOOLEAN, false, "false", NULL, "whether the same number again is refused"},
	{0}
};

static const char *
key_of(ScRuleCall *call)
{
	return sc_rule_key(call, call->values, call->args[KEY].nitems);
}

/* a value that can be compared, or NULL */
static const char *
number_of(const ScRuleCall *call)
{
	const char *value = sc_rule_value(call, VALUE, 0);

	return value && sc_rule_is_decimal(call, value) ? value : NULL;
}

static void
lock(ScRuleCall *call)
{
	sc_rule_lock(call, key_of(call));
}

static bool
check_number(ScRuleCall *call)
{
	const char *value = sc_rule_value(call, VALUE, 0);

	if (number_of(call))
		return true;
	sc_rule_explain(call, NULL, "A decimal number is accepted, such as 1200 or 1200.5.");
	if (value == NULL)
		return sc_rule_refuse(call, "null", "column \"%s\" is null", call->args[VALUE].text);
	return sc_rule_refuse(call, "not_a_number", "column \"%s\" is %s, which is no decimal number", call->args[VALUE].text, value);
}

static bool
check(ScRuleCall *call)
{
	bool		strict = call->args[STRICT].number;
	const char *value = sc_rule_value(call, VALUE, 0);
	const char *last;
	int			order;

	if (!check_number(call))
		return false;
	last = sc_rule_get(call, key_of(call));
	order = last ? sc_rule_compare(call, value, last) : 1;
	if (order > 0 || (order == 0 && !strict))
		return true;
	sc_rule_explain(call, sc_rule_text(call, "The last value for %s is %s.", key_of(call), last),
					sc_rule_text(call, "%s %s is accepted.", strict ? "A value greater than" : "A value of at least", last));
	return sc_rule_refuse(call, "backwards", "\"%s\" would go from %s to %s", call->args[VALUE].text, last, value);
}

static void
effect(ScRuleCall *call)
{
	const char *value = number_of(call);
	const char *key,
			   *last;

	if (value == NULL)
		return;
	key = key_of(call);
	last = sc_rule_get(call, key);
	if (last == NULL || sc_rule_compare(call, value, last) > 0)
		sc_rule_put(call, key, sc_rule_sum(call, value, "0"));
}

const ScRule sc_rule_monotonic = {
	.abi = SEOULCHAIN_RULE_ABI,
	.name = "monotonic",
	.version = "1",
	.source_digest = SC_DIGEST_RULE_MONOTONIC,
	.meaning = "a number that never gets smaller for its key",
	.params = params,
	.lock = lock,
	.check = check,
	.effect = effect
};
