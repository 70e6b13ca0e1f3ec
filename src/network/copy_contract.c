/*
 * copy_contract.c
 *	  The life of a followed chain's contracts, as its events tell it.
 *
 * Invariant: contract, contract_version, contract_approval and contract_rule
 * hold of a copy what they hold on the origin, whether this node has the rules
 * or not: whoever judges rows by them finds out.
 * Context: copy_apply.h.
 * Locks: sc_contract_lock().
 * Effects: rows of those tables; invalidations of the tables concerned.
 * Does not: check approvals or definitions, or keep state; that is done when
 * blocks are checked.
 */
#include "postgres.h"

#include "network/copy_apply.h"

#include "contract/definition.h"
#include "contract/json_tree.h"
#include "contract/life.h"
#include "contract/memory.h"
#include "contract/rule_sql.h"
#include "contract/store.h"
#include "core/instant.h"
#include "core/text.h"
#include "ledger/ledger_time.h"

/* the member's number: decimal, above 0 */
static int32
read_number(const ScCopyEvent *event, const char *key)
{
	const char *text = sc_copy_string(event, event->event, key);
	int			number = 0;

	if (strlen(text) > 9 || strspn(text, "0123456789") != strlen(text))
		sc_copy_malformed(event, psprintf("\"%s\" is no number", key));
	number = atoi(text);
	if (number < 1)
		sc_copy_malformed(event, psprintf("\"%s\" is no number", key));
	return number;
}

/* the member's time, as leaves hold times */
static TimestampTz
read_time(const ScCopyEvent *event, const char *key)
{
	const char *text = sc_copy_string(event, event->event, key);
	int64_t		instant;

	if (!sc_instant_read_leaf(&instant, text, strlen(text)))
		sc_copy_malformed(event, psprintf("\"%s\" is no time", key));
	return instant - SC_UNIX_MICROS;
}

/* the version that the event is about; NULL when it is not there and missing_ok */
static ScContractVersion *
find_version(const ScCopyEvent *event, const ScContract *contract, int32 number)
{
	ListCell   *cell;

	foreach(cell, contract ? sc_contract_versions(contract->contract_id) : NIL)
	{
		ScContractVersion *version = lfirst(cell);

		if (version->version == number)
			return version;
	}
	return NULL;
}

/* errors unless the text is a definition that a node can judge rows by without running code of another's choice */
static void
check_definition(const ScCopyEvent *event, const char *text)
{
	const ScDefinition *definition = sc_definition_parse(text);
	ListCell   *cell;
	ListCell   *rule_cell;

	foreach(cell, definition->tables)
	{
		foreach(rule_cell, ((ScDefTable *) lfirst(cell))->rules)
		{
			if (strcmp(((ScDefRule *) lfirst(rule_cell))->name, sc_rule_sql.name) == 0)
				sc_copy_malformed(event, "rules in SQL cannot stand on a shared chain");
		}
	}
}

static void
propose(const ScCopyEvent *event, ScContract *contract, int32 number)
{
	ScContractVersion version = {.version = number,.proposed_seq = event->seq};

	if (find_version(event, contract, number) != NULL)
		sc_copy_malformed(event, "the version was proposed before");
	version.definition = pstrdup(sc_copy_string(event, event->event, "definition"));
	check_definition(event, version.definition);
	if (contract == NULL)
		contract = sc_contract_add(event->chain->chain_id, sc_copy_string(event, event->event, "contract"));
	version.contract_id = contract->contract_id;
	sc_contract_add_version(&version);
}

static void
approve(const ScCopyEvent *event, const ScContractVersion *version)
{
	ScContractApproval approval = {.version = version->version,.approved_seq = event->seq};
	ListCell   *cell;

	approval.action = pstrdup(sc_copy_string(event, event->event, "what"));
	approval.member = pstrdup(sc_copy_string(event, event->event, "member"));
	approval.signature = pstrdup(sc_copy_string(event, event->event, "signature"));
	foreach(cell, sc_contract_approvals(version->contract_id))
	{
		const ScContractApproval *other = lfirst(cell);

		if (other->version == approval.version && strcmp(other->action, approval.action) == 0 &&
			strcmp(other->member, approval.member) == 0)
			sc_copy_malformed(event, "the member approved that before");
	}
	sc_contract_add_approval(version->contract_id, &approval);
}

/* the rule's entry in the event, or NULL */
static const ScJson *
event_rule(const ScJson *rules, const ScDefRule *def)
{
	for (const ScJson *rule = rules->first; rule; rule = rule->next)
	{
		const char *name = rule->kind == SC_JSON_OBJECT ? sc_tree_text(rule, "name") : NULL;

		if (name != NULL && strcmp(name, def->name) == 0)
			return rule;
	}
	return NULL;
}

/* the table's number by its ledger name */
static const ScLedgerTable *
rule_table(const ScCopyEvent *event, const char *ledger_name)
{
	ListCell   *cell;

	foreach(cell, sc_ledger_list(event->chain->chain_id))
	{
		const ScLedgerTable *table = lfirst(cell);

		if (strcmp(table->ledger_name, ledger_name) == 0 && table->dropped_seq == 0)
			return table;
	}
	sc_copy_early(event, psprintf("table \"%.130s\" has not joined", ledger_name));
}

/* one rule on its table */
static void
add_rule(const ScCopyEvent *event, const ScContractVersion *version, const ScLedgerTable *table, const ScDefRule *def,
		 const ScJson *rules, TimestampTz from)
{
	const ScJson *entry = event_rule(rules, def);
	const char *digest = entry ? sc_tree_text(entry, "digest") : NULL;
	ScBuf	   *parameters = sc_context_buf();
	ScContractRule rule = {0};

	rule.contract_id = version->contract_id;
	rule.version = version->version;
	rule.table_id = table->table_id;
	rule.ordinal = def->ordinal;
	rule.rule = pstrdup(def->name);
	rule.rule_version = pstrdup(def->version);
	if (digest == NULL || !sc_text_hex(rule.digest, sizeof(rule.digest), digest, strlen(digest)))
		sc_copy_malformed(event, psprintf("it has no digest of rule \"%.80s\"", def->name));
	sc_tree_write(parameters, def->parameters);
	rule.parameters = sc_buf_copy(parameters);
	rule.from = from;
	sc_contract_add_rule(&rule);
}

static void
activate(const ScCopyEvent *event, const ScContractVersion *version)
{
	const ScJson *rules = sc_copy_list(event, event->event, "rules", SC_JSON_ARRAY);
	const ScDefinition *definition = sc_definition_parse(version->definition);
	TimestampTz from = read_time(event, "from");
	List	   *table_ids = NIL;
	ListCell   *cell;
	ListCell   *rule_cell;

	if (version->activated_seq != 0)
		sc_copy_malformed(event, "the version was activated before");
	sc_contract_set_active(version, event->seq, from);
	foreach(cell, definition->tables)
	{
		const ScDefTable *def = lfirst(cell);
		const ScLedgerTable *table = rule_table(event, def->ledger_name);

		foreach(rule_cell, def->rules)
			add_rule(event, version, table, lfirst(rule_cell), rules, from);
		table_ids = lappend_int(table_ids, table->table_id);
	}
	sc_contract_rules_changed(table_ids);
}

/* superseded or retired */
static void
end(const ScCopyEvent *event, const ScContractVersion *version)
{
	if (version->activated_seq == 0)
		sc_copy_early(event, "the version has not been activated");
	if (version->ended_seq != 0)
		sc_copy_malformed(event, "the version ended before");
	sc_contract_set_ended(version, event->seq, read_time(event, "until"));
	sc_contract_rules_changed(sc_version_tables(version));
}

void
sc_copy_contract(ScCopyEvent *event)
{
	const char *action = sc_copy_string(event, event->event, "action");
	int32		number = read_number(event, "version");
	ScContract *contract;
	ScContractVersion *version;

	sc_contract_lock();
	contract = sc_contract_by_name(event->chain->chain_id, sc_copy_string(event, event->event, "contract"), true);
	if (strcmp(action, "propose") == 0)
	{
		propose(event, contract, number);
		return;
	}
	version = find_version(event, contract, number);
	if (version == NULL)
		sc_copy_early(event, "the version has not been proposed");
	if (strcmp(action, "approve") == 0)
		approve(event, version);
	else if (strcmp(action, "activate") == 0)
		activate(event, version);
	else if (strcmp(action, "supersede") == 0 || strcmp(action, "retire") == 0)
		end(event, version);
}
