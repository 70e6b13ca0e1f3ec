/*
 * rule_window.c
 *	  window: rows are accepted only between two times, as votes while the polls are open.
 *
 * State: none.  Judged by the acceptance time; `from` is in, `until` is not.
 */
#include "core/rule.h"
#include "rule_digest.h"

enum
{
	FROM,
	UNTIL
};

static const ScRuleParam params[] = {
	{"from", SC_RULE_TIME, false, NULL, NULL, "rows are accepted from this time on"},
	{"until", SC_RULE_TIME, false, NULL, NULL, "rows are accepted before this time"},
	{0}
};

static bool
accept(ScRuleCall *call)
{
	const ScRuleArg *from = &call->args[FROM];
	const ScRuleArg *until = &call->args[UNTIL];

	if (!from->given && !until->given)
		return sc_rule_refuse(call, "no_bound", "one of \"from\" and \"until\" must be given");
	if (from->given && until->given && from->number >= until->number)
		return sc_rule_refuse(call, "empty", "\"from\" is not before \"until\": no row would be accepted");
	return true;
}

/* what would be accepted */
static const char *
window_text(ScRuleCall *call)
{
	const ScRuleArg *from = &call->args[FROM];
	const ScRuleArg *until = &call->args[UNTIL];

	if (!until->given)
		return sc_rule_text(call, "Rows are accepted from %s on.", sc_rule_time_text(call, from->number));
	if (!from->given)
		return sc_rule_text(call, "Rows were accepted before %s.", sc_rule_time_text(call, until->number));
	return sc_rule_text(call, "Rows are accepted from %s on and before %s.",
						sc_rule_time_text(call, from->number), sc_rule_time_text(call, until->number));
}

static bool
refuse(ScRuleCall *call, const char *code, const char *what)
{
	sc_rule_explain(call, sc_rule_text(call, "The row came at %s.", sc_rule_time_text(call, call->time)),
					window_text(call));
	return sc_rule_refuse(call, code, "%s", what);
}

static bool
check(ScRuleCall *call)
{
	if (call->args[FROM].given && call->time < call->args[FROM].number)
		return refuse(call, "too_early", "the time for such rows has not begun");
	if (call->args[UNTIL].given && call->time >= call->args[UNTIL].number)
		return refuse(call, "too_late", "the time for such rows is over");
	return true;
}

const ScRule sc_rule_window = {
	.abi = SEOULCHAIN_RULE_ABI,
	.name = "window",
	.version = "1",
	.source_digest = SC_DIGEST_RULE_WINDOW,
	.meaning = "rows are accepted only between two times",
	.params = params,
	.accept = accept,
	.check = check
};
