/*
 * propose.c
 *	  A version of a contract is proposed: its definition is checked, completed and put on the chain.
 *
 * Invariant: a version that was proposed can judge rows on this node, and its
 * test cases gave their answers here.
 * Locks: sc_contract_lock().
 * Effects: an event leaf with the whole definition; rows in contract and
 * contract_version.  No row is judged by it yet.
 */
#include "postgres.h"

#include "contract/bind.h"
#include "contract/event.h"
#include "contract/json_tree.h"
#include "contract/memory.h"
#include "contract/store.h"
#include "contract/rules.h"
#include "contract/test_case.h"
#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(sc_propose_contract);

/* the longest definition: its event, where every quote is escaped, has to fit into a leaf */
#define DEFINITION_MAX 60000

/* the version that comes next */
static int32
next_version(const ScContract *contract)
{
	List	   *versions = contract ? sc_contract_versions(contract->contract_id) : NIL;

	return versions == NIL ? 1 : ((ScContractVersion *) llast(versions))->version + 1;
}

/*
 * Puts in what may be left out of what people write: the contract's version,
 * and rules' versions and parameters.  What has the wrong form stays for
 * sc_definition_read() to refuse.
 */
static void
complete_rule(ScJson *rule)
{
	const char *name = sc_tree_text(rule, "name");
	const ScRule *found = name ? sc_rule_find(name) : NULL;

	if (rule->kind != SC_JSON_OBJECT)
		return;
	if (sc_json_member(rule, "parameters") == NULL)
		sc_tree_add(rule, "parameters", sc_tree_object());
	/* an unknown rule gets a version too, so that the error says that it is unknown */
	if (sc_json_member(rule, "version") == NULL)
		sc_tree_add(rule, "version", sc_tree_string(found ? found->version : "1"));
}

static void
complete(ScJson *definition, int32 version)
{
	const ScJson *tables = sc_json_member(definition, "tables");

	if (sc_json_member(definition, "version") == NULL)
		sc_tree_add(definition, "version", sc_tree_string(psprintf("%d", version)));
	for (ScJson *table = tables && tables->kind == SC_JSON_ARRAY ? tables->first : NULL; table; table = table->next)
	{
		const ScJson *rules = sc_json_member(table, "rules");

		for (ScJson *rule = rules && rules->kind == SC_JSON_ARRAY ? rules->first : NULL; rule; rule = rule->next)
			complete_rule(rule);
	}
}

static char *
definition_text(const ScJson *tree)
{
	ScBuf	   *buf = sc_context_buf();

	sc_tree_write(buf, tree);
	if (buf->len > DEFINITION_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("contract definition: it has %zu bytes, %d are the most", buf->len, DEFINITION_MAX),
				 errhint("Split it into contracts of fewer tables or tests.")));
	return sc_buf_copy(buf);
}

static int64
record(const ScChain *chain, const ScBound *bound, const char *text)
{
	ScJson	   *event = sc_contract_event("propose", bound->definition->contract, bound->definition->version);

	sc_tree_add(event, "definition", sc_tree_string(text));
	sc_tree_add(event, "rules", sc_contract_event_rules(bound));
	return sc_contract_event_record(chain, event);
}

/*
 * seoulchain.propose_contract(definition jsonb, chain text DEFAULT 'main') -> integer
 *
 * Returns the version.  Privileges: seoulchain_operator.  Errors:
 * INVALID_PARAMETER_VALUE where the definition is wrong, UNDEFINED_TABLE,
 * UNDEFINED_OBJECT for a rule that this node has not,
 * OBJECT_NOT_IN_PREREQUISITE_STATE for a test case with another answer or a
 * closed chain.
 */
Datum
sc_propose_contract(PG_FUNCTION_ARGS)
{
	ScJson	   *tree = sc_tree_from_jsonb(PG_GETARG_JSONB_P(0));
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(1)), false);
	const char *name = sc_tree_text(tree, "contract");
	ScContractVersion version = {0};
	ScContract *contract;
	ScDefinition *definition;
	ScBound    *bound;
	int32		next;

	sc_chain_require_open(chain);
	sc_contract_lock();
	contract = name ? sc_contract_by_name(chain->chain_id, name, true) : NULL;
	next = next_version(contract);
	complete(tree, next);
	definition = sc_definition_read(tree);
	if (definition->version != next)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the next version of contract \"%s\" is %d, not %d", definition->contract, next, definition->version),
				 errhint("Leave \"version\" out and it is filled in.")));
	bound = sc_bind(chain->chain_id, definition, false);
	sc_test_cases_run(bound);

	version.definition = definition_text(tree);
	version.version = next;
	version.proposed_seq = record(chain, bound, version.definition);
	if (contract == NULL)
		contract = sc_contract_add(chain->chain_id, definition->contract);
	version.contract_id = contract->contract_id;
	sc_contract_add_version(&version);
	PG_RETURN_INT32(next);
}
