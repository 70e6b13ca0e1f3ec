/*
 * rule_hours.c
 *	  A worked example of an agency's own rule: working hours of a person and week.
 *
 * `hours` holds that the hours of all rows of one key add up to at most a
 * number, as a part-time ordinance asks: {"key": ["worker", "week"], "hours":
 * "hours", "most": "15"}.
 * State: key -> hours so far.
 *
 * It needs seoulchain.h and fmgr.h (for PG_MODULE_MAGIC), no other header of
 * the server, and it is a pure function of what the call shows it: so a replay
 * on another node comes to the same verdict.
 */
#include "postgres.h"

#include "fmgr.h"
#include "seoulchain.h"

PG_MODULE_MAGIC;

/* places in `params`, and so in the call's args */
enum
{
	KEY,
	HOURS,
	MOST
};

static const ScRuleParam params[] = {
	{"key", SC_RULE_COLUMNS, true, NULL, NULL, "columns whose hours are added up"},
	{"hours", SC_RULE_COLUMN, true, NULL, NULL, "column of the hours"},
	{"most", SC_RULE_DECIMAL, false, "15", NULL, "hours that are allowed"},
	{0}
};

/* KEY is the first parameter with columns: its values are the first of the call's */
static const char *
key_of(ScRuleCall *call)
{
	return sc_rule_key(call, call->values, call->args[KEY].nitems);
}

/* the row's hours, or NULL when they are no number or less than zero */
static const char *
hours_of(const ScRuleCall *call)
{
	const char *hours = sc_rule_value(call, HOURS, 0);

	if (hours == NULL || !sc_rule_is_decimal(call, hours) || sc_rule_compare(call, hours, "0") < 0)
		return NULL;
	return hours;
}

static bool
accept_arguments(ScRuleCall *call)
{
	if (sc_rule_compare(call, call->args[MOST].text, "0") < 0)
		return sc_rule_refuse(call, "most", "\"most\" is less than zero");
	return true;
}

/* whoever adds hours under this key after us waits until our transaction ends */
static void
lock_key(ScRuleCall *call)
{
	sc_rule_lock(call, key_of(call));
}

static bool
check_hours(ScRuleCall *call)
{
	const char *hours = hours_of(call);
	const char *before = sc_rule_get(call, key_of(call));
	const char *sum;

	if (hours == NULL)
	{
		sc_rule_explain(call, NULL, "A decimal number of at least zero is accepted.");
		return sc_rule_refuse(call, "hours", "\"%s\" is no number of hours", call->args[HOURS].text);
	}
	sum = sc_rule_sum(call, before ? before : "0", hours);
	if (sc_rule_compare(call, sum, call->args[MOST].text) <= 0)
		return true;
	sc_rule_explain(call, sc_rule_text(call, "Up to now: %s, with this row: %s.", before ? before : "0", sum),
					sc_rule_text(call, "At most %s hours are accepted.", call->args[MOST].text));
	return sc_rule_refuse(call, "too_many", "too many hours for %s", key_of(call));
}

/* takes any row: those of the time before the contract were never checked */
static void
add_hours(ScRuleCall *call)
{
	const char *hours = hours_of(call);

	if (hours != NULL)
		sc_rule_add(call, key_of(call), hours);
}

static const ScRule hours_rule = {
	.abi = SEOULCHAIN_RULE_ABI,
	.name = "hours",
	.version = "1",
	.source_digest = RULE_HOURS_DIGEST,
	.meaning = "the hours of a key add up to at most a number",
	.params = params,
	.accept = accept_arguments,
	.lock = lock_key,
	.check = check_hours,
	.effect = add_hours
};

SEOULCHAIN_RULES(&hours_rule);
