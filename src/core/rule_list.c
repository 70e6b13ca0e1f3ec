/*
 * rule_list.c
 *	  The built-in rules.
 */
#include "core/rule.h"

const ScRule *const *
sc_rule_builtin(void)
{
	static const ScRule *const rules[] = {
		&sc_rule_balance,
		&sc_rule_monotonic,
		&sc_rule_one_per,
		&sc_rule_quota,
		&sc_rule_transition,
		&sc_rule_window,
		NULL
	};

	return rules;
}
