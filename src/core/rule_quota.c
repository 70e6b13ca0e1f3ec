/*
 * rule_quota.c
 *	  quota: a right that is good for n uses until a date.
 *
 * Either every right has the same `limit` and `until`, or rows grant: a row
 * whose column `grant` is not null gives that many uses, good until its
 * `expires`, and is itself no use.  A later grant adds uses and sets the date.
 * State: key -> uses that are left (grant) or were made (limit);
 * with dates: key + "expires" -> microseconds since 1970.
 */
#include "core/rule.h"
#include "rule_digest.h"

enum
{
	KEY,
	LIMIT,
	UNTIL,
	GRANT,
	EXPIRES,
	USES
};

static const ScRuleParam params[] = {
	{"key", SC_RULE_COLUMNS, true, NULL, NULL, "columns that name the right"},
	{"limit", SC_RULE_INTEGER, false, NULL, NULL, "uses that every right is good for"},
	{"until", SC_RULE_TIME, false, NULL, NULL, "no use is accepted from this time on"},
	{"grant", SC_RULE_COLUMN, false, NULL, NULL, "column of the uses that a row grants; null in a row that uses"},
	{"expires", SC_RULE_COLUMN, false, NULL, NULL, "column (timestamptz) of the time until which a granted right is good"},
	{"uses", SC_RULE_COLUMN, false, NULL, NULL, "column of how many uses a row takes; without it one"},
	{0}
};

static bool
accept(ScRuleCall *call)
{
	if (call->args[LIMIT].given == call->args[GRANT].given)
		return sc_rule_refuse(call, "limit", "exactly one of \"limit\" and \"grant\" must be given");
	if (call->args[EXPIRES].given && !call->args[GRANT].given)
		return sc_rule_refuse(call, "expires", "\"expires\" goes with \"grant\"");
	if (call->args[LIMIT].given && call->args[LIMIT].number < 0)
		return sc_rule_refuse(call, "limit", "\"limit\" is less than zero");
	return true;
}

static const char *
key_of(ScRuleCall *call)
{
	return sc_rule_key(call, call->values, call->args[KEY].nitems);
}

/* where the date of a granted right stands: a key that no row can have */
static const char *
expiry_key(ScRuleCall *call)
{
	return sc_rule_text(call, "expires %s", key_of(call));
}

static void
lock(ScRuleCall *call)
{
	sc_rule_lock(call, key_of(call));
	if (call->args[EXPIRES].given)
		sc_rule_lock(call, expiry_key(call));
}

/* a whole number that is not negative, or NULL */
static const char *
count_of(ScRuleCall *call, int param)
{
	const char *value = call->args[param].given ? sc_rule_value(call, param, 0) : "1";

	if (value == NULL || !sc_rule_is_decimal(call, value) || sc_rule_compare(call, value, "0") < 0)
		return NULL;
	value = sc_rule_sum(call, value, "0");
	for (const char *c = value; *c; c++)
	{
		if (*c == '.')
			return NULL;
	}
	return value;
}

/* does the row grant uses rather than take some? */
static bool
grants(const ScRuleCall *call)
{
	return call->args[GRANT].given && sc_rule_value(call, GRANT, 0) != NULL;
}

static bool
check_count(ScRuleCall *call, int param)
{
	if (count_of(call, param))
		return true;
	sc_rule_explain(call, NULL, "A whole number of at least zero is accepted.");
	return sc_rule_refuse(call, "count", "\"%s\" is %s", call->args[param].text,
						  sc_rule_value(call, param, 0) ? sc_rule_value(call, param, 0) : "null");
}

static bool
check_grant(ScRuleCall *call)
{
	const char *expires = sc_rule_value(call, EXPIRES, 0);
	int64_t		time;

	if (!check_count(call, GRANT))
		return false;
	if (!call->args[EXPIRES].given || (expires && sc_rule_read_time(call, expires, &time)))
		return true;
	sc_rule_explain(call, NULL, "A timestamptz is accepted, infinity too.");
	return sc_rule_refuse(call, "expires", "\"%s\" is %s", call->args[EXPIRES].text, expires ? expires : "null");
}

/* the date from which on the right is not good, or false */
static bool
end_of(ScRuleCall *call, int64_t *end)
{
	const char *granted = call->args[EXPIRES].given ? sc_rule_get(call, expiry_key(call)) : NULL;
	bool		known = granted && sc_rule_read_time(call, granted, end);

	if (call->args[UNTIL].given && (!known || call->args[UNTIL].number < *end))
	{
		*end = call->args[UNTIL].number;
		known = true;
	}
	return known;
}

static bool
check_date(ScRuleCall *call)
{
	int64_t		end;

	if (!end_of(call, &end) || call->time < end)
		return true;
	sc_rule_explain(call, sc_rule_text(call, "The row came at %s.", sc_rule_time_text(call, call->time)),
					sc_rule_text(call, "Uses were accepted before %s.", sc_rule_time_text(call, end)));
	return sc_rule_refuse(call, "expired", "the right %s is not good any more", key_of(call));
}

/* uses that are left, by the state */
static const char *
left_of(ScRuleCall *call)
{
	const char *kept = sc_rule_get(call, key_of(call));

	if (!call->args[LIMIT].given)
		return kept ? kept : "0";
	return kept ? sc_rule_sum(call, call->args[LIMIT].text, sc_rule_text(call, "-%s", kept)) : call->args[LIMIT].text;
}

static bool
check(ScRuleCall *call)
{
	const char *left;

	if (grants(call))
		return check_grant(call);
	if (!check_count(call, USES) || !check_date(call))
		return false;
	left = left_of(call);
	if (sc_rule_compare(call, count_of(call, USES), left) <= 0)
		return true;
	sc_rule_explain(call, sc_rule_text(call, "%s uses are left; the row takes %s.", left, count_of(call, USES)),
					sc_rule_text(call, "At most %s uses are accepted.", left));
	return sc_rule_refuse(call, "used_up", "the right %s is used up", key_of(call));
}

static void
effect(ScRuleCall *call)
{
	const char *count = count_of(call, grants(call) ? GRANT : USES);
	const char *expires = sc_rule_value(call, EXPIRES, 0);
	int64_t		time;

	if (count == NULL)
		return;
	if (!grants(call) && call->args[GRANT].given)
		count = sc_rule_text(call, "-%s", count);
	sc_rule_add(call, key_of(call), count);
	if (grants(call) && expires && sc_rule_read_time(call, expires, &time))
		sc_rule_put(call, expiry_key(call), sc_rule_time_text(call, time));
}

const ScRule sc_rule_quota = {
	.abi = SEOULCHAIN_RULE_ABI,
	.name = "quota",
	.version = "1",
	.source_digest = SC_DIGEST_RULE_QUOTA,
	.meaning = "a right that is good for n uses until a date",
	.params = params,
	.accept = accept,
	.lock = lock,
	.check = check,
	.effect = effect
};
