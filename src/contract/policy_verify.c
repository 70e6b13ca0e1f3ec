/*
 * policy_verify.c
 *	  For verify(): did those approve who had to?
 *
 * activate_contract() counts approvals that the registry names, and holds each
 * against its event.  Here only the chain is asked: who had written the
 * registry and put it back has left an activation without its approvals.
 *
 * Invariant: an event that records an activation or a retirement stands behind
 * the approvals that the version's own policy asks for, and, to activate, that
 * of the version activated last (life.c, sc_approvals_require).
 * Context: palloc in the caller's context.
 */
#include "postgres.h"

#include "contract/policy_verify.h"

#include "contract/json_tree.h"
#include "contract/memory.h"
#include "core/text.h"

bool
sc_fact_says(const ScContractFact *fact, const char *member, const char *value)
{
	const char *text = sc_tree_text(fact->event, member);

	return text != NULL && value != NULL && strcmp(text, value) == 0;
}

/* a member that holds a decimal number from 1; 0 when there is none */
static uint64_t
number(const ScJson *object, const char *member)
{
	const char *text = sc_tree_text(object, member);
	uint64_t	value;

	return text && sc_text_uint64(&value, text, strlen(text)) ? value : 0;
}

/* an event of the step's contract, before it, that says this of its action? */
static bool
precedes(const ScContractFact *fact, const ScContractFact *step, const char *action)
{
	return fact->chain_id == step->chain_id && fact->ledger_seq < step->ledger_seq &&
		sc_fact_says(fact, "action", action) && sc_fact_says(fact, "contract", sc_tree_text(step->event, "contract"));
}

/* what the policy of a version says; NULL when it has none */
static const ScJson *
policy_of(const List *facts, const ScContractFact *step, uint64_t version)
{
	const ListCell *cell;

	foreach(cell, facts)
	{
		const ScContractFact *fact = lfirst(cell);
		const char *definition = sc_tree_text(fact->event, "definition");

		if (definition && precedes(fact, step, "propose") && number(fact->event, "version") == version)
			return sc_json_member(sc_context_try_json(definition), "approval");
	}
	return NULL;
}

static bool
has_approved(const List *facts, const ScContractFact *step, const char *action, const char *member)
{
	const ListCell *cell;

	foreach(cell, facts)
	{
		const ScContractFact *fact = lfirst(cell);

		if (precedes(fact, step, "approve") && sc_fact_says(fact, "what", action) && sc_fact_says(fact, "member", member) &&
			number(fact->event, "version") == number(step->event, "version"))
			return true;
	}
	return false;
}

static bool
satisfied(const List *facts, const ScContractFact *step, const char *action, uint64_t policy_version)
{
	const ScJson *policy = policy_of(facts, step, policy_version);
	const ScJson *members = sc_json_member(policy, "members");
	uint64_t	count = 0;

	for (const ScJson *member = members ? members->first : NULL; member; member = member->next)
		count += member->kind == SC_JSON_STRING && has_approved(facts, step, action, member->string);
	return count >= number(policy, "quorum");
}

/* the version that was activated last before the step, or 0 */
static uint64_t
last_activated(const List *facts, const ScContractFact *step)
{
	uint64_t	last = 0;
	const ListCell *cell;

	foreach(cell, facts)
	{
		const ScContractFact *fact = lfirst(cell);

		if (precedes(fact, step, "activate"))
			last = Max(last, number(fact->event, "version"));
	}
	return last;
}

bool
sc_fact_approved(const List *facts, const ScContractFact *step)
{
	if (sc_fact_says(step, "action", "retire"))
		return satisfied(facts, step, "retire", number(step->event, "version"));
	if (!sc_fact_says(step, "action", "activate"))
		return true;
	return satisfied(facts, step, "activate", number(step->event, "version")) &&
		satisfied(facts, step, "activate", last_activated(facts, step));
}
