/*
 * rule_transition.c
 *	  transition: the steps of a life cycle, by key, and who may take each.
 *
 * State: key -> the last row's state.
 * Who takes a step is what the row says in the column `actor` (in a signed
 * table the signer's column, so that it is proven), never the session's user:
 * a replay elsewhere must come to the same verdict.  A step's `by` names a
 * role; `roles` says which actors have it, and without a record for a role its
 * name is the actor's own.
 */
#include <string.h>

#include "core/rule.h"
#include "rule_digest.h"

enum
{
	KEY,
	STATE,
	STEPS,
	ACTOR,
	ROLES
};

enum
{
	STEP_FROM,
	STEP_TO,
	STEP_BY
};

enum
{
	ROLE_NAME,
	ROLE_ACTOR
};

static const char *const step_fields[] = {"from?", "to", "by?", NULL};
static const char *const role_fields[] = {"role", "actor", NULL};

static const ScRuleParam params[] = {
	{"key", SC_RULE_COLUMNS, true, NULL, NULL, "columns that name the thing that has a life cycle"},
	{"state", SC_RULE_COLUMN, true, NULL, NULL, "column of the state that the row leads to"},
	{"steps", SC_RULE_RECORDS, true, NULL, step_fields, "the steps allowed; one without \"from\" begins a life"},
	{"actor", SC_RULE_COLUMN, false, NULL, NULL, "column of who takes the step"},
	{"roles", SC_RULE_RECORDS, false, NULL, role_fields, "which actors have which role"},
	{0}
};

static const char *
key_of(ScRuleCall *call)
{
	return sc_rule_key(call, call->values, call->args[KEY].nitems);
}

static const char *
field(const ScRuleCall *call, int param, int record, int f)
{
	return call->args[param].items[record * call->args[param].nfields + f];
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
accept(ScRuleCall *call)
{
	for (int i = 0; i < call->args[STEPS].nitems; i++)
	{
		if (field(call, STEPS, i, STEP_BY) && !call->args[ACTOR].given)
			return sc_rule_refuse(call, "no_actor", "a step says \"by\", but \"actor\" names no column");
	}
	return true;
}

static void
lock(ScRuleCall *call)
{
	sc_rule_lock(call, key_of(call));
}

/* has the row's actor the role? */
static bool
has_role(const ScRuleCall *call, const char *role)
{
	const char *actor = sc_rule_value(call, ACTOR, 0);
	bool		listed = false;

	for (int i = 0; i < call->args[ROLES].nitems; i++)
	{
		if (strcmp(field(call, ROLES, i, ROLE_NAME), role) != 0)
			continue;
		if (same(actor, field(call, ROLES, i, ROLE_ACTOR)))
			return true;
		listed = true;
	}
	return !listed && same(actor, role);
}

/* the steps that lead on from a state, for the hint */
static const char *
steps_from(ScRuleCall *call, const char *from)
{
	const char *text = "";

	for (int i = 0; i < call->args[STEPS].nitems; i++)
	{
		const char *by = field(call, STEPS, i, STEP_BY);

		if (!same(field(call, STEPS, i, STEP_FROM), from))
			continue;
		text = sc_rule_text(call, "%s%s\"%s\"%s%s", text, *text ? ", " : "", field(call, STEPS, i, STEP_TO),
							by ? " by " : "", by ? by : "");
	}
	if (*text == '\0')
		return from ? "No step leads on from there." : "No step begins a life.";
	return sc_rule_text(call, "Accepted from there: %s.", text);
}

static const char *
name_of(ScRuleCall *call, const char *state)
{
	return state ? sc_rule_text(call, "\"%s\"", state) : "nothing";
}

static bool
check(ScRuleCall *call)
{
	const char *to = sc_rule_value(call, STATE, 0);
	const char *actor = sc_rule_value(call, ACTOR, 0);
	const char *from = sc_rule_get(call, key_of(call));
	bool		step = false;

	for (int i = 0; i < call->args[STEPS].nitems; i++)
	{
		const char *by = field(call, STEPS, i, STEP_BY);

		if (!same(field(call, STEPS, i, STEP_FROM), from) || !same(field(call, STEPS, i, STEP_TO), to))
			continue;
		if (by == NULL || has_role(call, by))
			return true;
		step = true;
	}
	sc_rule_explain(call, sc_rule_text(call, "The state of %s is %s.", key_of(call), name_of(call, from)),
					steps_from(call, from));
	if (step)
		return sc_rule_refuse(call, "not_allowed", "%s may not take the step from %s to %s",
							  name_of(call, actor), name_of(call, from), name_of(call, to));
	return sc_rule_refuse(call, "no_step", "no step leads from %s to %s", name_of(call, from), name_of(call, to));
}

static void
effect(ScRuleCall *call)
{
	const char *to = sc_rule_value(call, STATE, 0);

	if (to)
		sc_rule_put(call, key_of(call), to);
}

const ScRule sc_rule_transition = {
	.abi = SEOULCHAIN_RULE_ABI,
	.name = "transition",
	.version = "1",
	.source_digest = SC_DIGEST_RULE_TRANSITION,
	.meaning = "the allowed steps of a life cycle, by key",
	.params = params,
	.accept = accept,
	.lock = lock,
	.check = check,
	.effect = effect
};
