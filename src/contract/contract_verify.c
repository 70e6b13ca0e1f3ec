/*
 * contract_verify.c
 *	  For verify(): the registry tables of contracts against the chain's events.
 *
 * The registry decides which rules judge rows, and no hash covers it.  The
 * events of type contract are leaves, and say the same: what the two disagree
 * on was altered in the registry.
 *
 * Invariant: only events that agree with their leaves are believed.  Every
 * contract, version, approval and rule in the registry has its events; every
 * event has its row; what was activated or retired had been approved; state is
 * kept under rules of the registry only.
 * Memory: the contracts' events and registry rows, in the run's context.
 */
#include "postgres.h"

#include "contract/contract_verify.h"

#include "access/table.h"
#include "contract/event.h"
#include "contract/json_tree.h"
#include "contract/memory.h"
#include "contract/policy_verify.h"
#include "contract/store.h"
#include "proof/verify.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct Run
{
	ScVerify   *v;
	List	   *facts;			/* of ScContractFact */
	List	   *contracts;		/* of ScContract, as the registry has them */
	List	   *versions;		/* of ScContractVersion */
	List	   *rules;			/* of ScContractRule */
	List	   *strays;			/* numbers of rules that keep state and are not there: each is told of once */
} Run;

static Run *
run_of(ScVerify *v, void **data)
{
	if (*data == NULL)
	{
		*data = MemoryContextAllocZero(v->context, sizeof(Run));
		((Run *) *data)->v = v;
	}
	return *data;
}

/* an event that verify() believes */
static void
take_event(ScVerify *v, void **data, const ScVerifyChain *chain, int64 ledger_seq, const ScJson *event)
{
	const char *type = sc_tree_text(event, "type");
	Run		   *run = run_of(v, data);
	MemoryContext old;
	ScBuf	   *text;
	ScContractFact *fact;

	if (type == NULL || strcmp(type, "contract") != 0)
		return;
	old = MemoryContextSwitchTo(v->context);
	text = sc_context_buf();
	sc_tree_write(text, event);
	fact = palloc0(sizeof(ScContractFact));
	fact->chain_id = chain->chain_id;
	fact->ledger_seq = ledger_seq;
	fact->event = sc_context_json(sc_buf_copy(text), "event");
	run->facts = lappend(run->facts, fact);
	MemoryContextSwitchTo(old);
}

static const ScContract *
contract_of(const Run *run, int32 contract_id)
{
	ListCell   *cell;

	foreach(cell, run->contracts)
		if (((ScContract *) lfirst(cell))->contract_id == contract_id)
			return lfirst(cell);
	return NULL;
}

static const ScContractVersion *
version_of(const Run *run, int32 contract_id, int32 number)
{
	ListCell   *cell;

	foreach(cell, run->versions)
	{
		const ScContractVersion *version = lfirst(cell);

		if (version->contract_id == contract_id && version->version == number)
			return version;
	}
	return NULL;
}

/* is the contract's chain one that this run looks at? */
static bool
wanted(const Run *run, int32 contract_id)
{
	const ScContract *contract = contract_of(run, contract_id);
	const ScVerifyChain *chain = contract ? sc_verify_chain(run->v, contract->chain_id) : NULL;

	return contract == NULL || chain == NULL || sc_verify_wants(run->v, chain);
}

/* a row of the registry that no event bears out */
static void
fault(const Run *run, int32 contract_id, int64 ledger_seq)
{
	const ScContract *contract = contract_of(run, contract_id);

	sc_verify_registry_fault(run->v, contract ? contract->chain_id : 0, InvalidOid, ledger_seq);
}

/* the event at that number about this version with one of the actions, or NULL after telling so */
static ScContractFact *
find_fact(const Run *run, int32 contract_id, int32 version, int64 ledger_seq, const char *action, const char *or_action)
{
	const ScContract *contract = contract_of(run, contract_id);
	ListCell   *cell;

	foreach(cell, run->facts)
	{
		ScContractFact *fact = lfirst(cell);

		if (contract && fact->chain_id == contract->chain_id && fact->ledger_seq == ledger_seq &&
			sc_fact_says(fact, "contract", contract->name) && sc_fact_says(fact, "version", psprintf("%d", version)) &&
			(sc_fact_says(fact, "action", action) || (or_action && sc_fact_says(fact, "action", or_action))))
		{
			fact->met = true;
			return fact;
		}
	}
	fault(run, contract_id, ledger_seq);
	return NULL;
}

static void
require(const Run *run, const ScContractFact *fact, int32 contract_id, const char *member, const char *value)
{
	if (fact != NULL && !sc_fact_says(fact, member, value))
		fault(run, contract_id, fact->ledger_seq);
}

/* a time as events have it */
static const char *
time_text(TimestampTz time)
{
	return sc_contract_event_time(time)->string;
}

static void
check_version(Run *run, const ScContractVersion *version)
{
	int32		id = version->contract_id;

	require(run, find_fact(run, id, version->version, version->proposed_seq, "propose", NULL),
			id, "definition", version->definition);
	if (version->activated_seq != 0)
		require(run, find_fact(run, id, version->version, version->activated_seq, "activate", NULL),
				id, "from", time_text(version->from));
	if (version->ended_seq != 0)
		require(run, find_fact(run, id, version->version, version->ended_seq, "supersede", "retire"),
				id, "until", time_text(version->until));
	/* times without the events that would bear them out */
	if ((version->activated_seq == 0 && !TIMESTAMP_IS_NOEND(version->from)) ||
		(version->ended_seq == 0 && !TIMESTAMP_IS_NOEND(version->until)))
		fault(run, id, version->proposed_seq);
}

/* rows of the tables, kept for comparing */
static void
contract_row(void *arg, ScScan *scan)
{
	Run		   *run = arg;
	MemoryContext old = MemoryContextSwitchTo(run->v->context);

	run->contracts = lappend(run->contracts, sc_contract_from_row(scan->values, scan->nulls));
	MemoryContextSwitchTo(old);
}

static void
version_row(void *arg, ScScan *scan)
{
	Run		   *run = arg;
	MemoryContext old = MemoryContextSwitchTo(run->v->context);
	ScContractVersion *version = sc_version_from_row(scan->values, scan->nulls);

	run->versions = lappend(run->versions, version);
	MemoryContextSwitchTo(old);
	if (wanted(run, version->contract_id))
		check_version(run, version);
}

static void
approval_row(void *arg, ScScan *scan)
{
	Run		   *run = arg;
	int32		id = DatumGetInt32(scan->values[SC_APPROVAL_ATTR_CONTRACT_ID - 1]);
	const ScContractApproval *approval = sc_approval_from_row(scan->values, scan->nulls);
	ScContractFact *fact;

	if (!wanted(run, id))
		return;
	fact = find_fact(run, id, approval->version, approval->approved_seq, "approve", NULL);
	require(run, fact, id, "member", approval->member);
	require(run, fact, id, "what", approval->action);
	require(run, fact, id, "signature", approval->signature);
}

/* ledger name of a table, or "" */
static const char *
table_name(const Run *run, int32 table_id)
{
	const ScVerifyTable *table = sc_verify_table(run->v, table_id);

	return table ? table->ledger_name : "";
}

/* the rule's object in the definition, or NULL */
static const ScJson *
defined_rule(const ScJson *definition, const char *table_name, int ordinal)
{
	const ScJson *tables = sc_json_member(definition, "tables");

	for (const ScJson *table = tables ? tables->first : NULL; table; table = table->next)
	{
		const char *name = sc_tree_text(table, "table");
		const ScJson *rules = sc_json_member(table, "rules");
		const ScJson *rule = rules ? rules->first : NULL;

		if (name == NULL || strcmp(name, table_name) != 0)
			continue;
		for (int i = 1; rule && i < ordinal; i++)
			rule = rule->next;
		return rule;
	}
	return NULL;
}

/* is there a rule of that name, version and digest among those that the event names? */
static bool
names_rule(const ScContractFact *fact, const ScContractRule *rule)
{
	const ScJson *rules = fact ? sc_json_member(fact->event, "rules") : NULL;
	ScBuf	   *hex = sc_context_buf();

	sc_buf_hex(hex, rule->digest, sizeof(rule->digest));
	for (const ScJson *named = rules ? rules->first : NULL; named; named = named->next)
	{
		const ScContractFact as_fact = {.event = named};

		if (sc_fact_says(&as_fact, "name", rule->rule) && sc_fact_says(&as_fact, "version", rule->rule_version) &&
			sc_fact_says(&as_fact, "digest", sc_buf_copy(hex)))
			return true;
	}
	return false;
}

/* does the registry's rule say what definition and events say? */
static bool
rule_agrees(const Run *run, const ScContractRule *rule, const ScContractVersion *version)
{
	const ScJson *defined = defined_rule(sc_context_try_json(version->definition),
										 table_name(run, rule->table_id), rule->ordinal);
	const ScJson *parameters = defined ? sc_json_member(defined, "parameters") : NULL;
	const ScContractFact as_fact = {.event = defined};
	ScBuf	   *text = sc_context_buf();

	if (parameters == NULL || !sc_fact_says(&as_fact, "name", rule->rule) || !sc_fact_says(&as_fact, "version", rule->rule_version))
		return false;
	sc_tree_write(text, parameters);
	return strcmp(sc_buf_copy(text), rule->parameters) == 0 &&
		rule->from == version->from && rule->until == version->until &&
		names_rule(find_fact(run, version->contract_id, version->version, version->activated_seq, "activate", NULL), rule);
}

static void
rule_row(void *arg, ScScan *scan)
{
	Run		   *run = arg;
	MemoryContext old = MemoryContextSwitchTo(run->v->context);
	ScContractRule *rule = sc_rule_from_row(scan->values, scan->nulls);
	const ScContractVersion *version = version_of(run, rule->contract_id, rule->version);
	const ScVerifyTable *table = sc_verify_table(run->v, rule->table_id);

	run->rules = lappend(run->rules, rule);
	MemoryContextSwitchTo(old);
	if (wanted(run, rule->contract_id) &&
		(version == NULL || version->activated_seq == 0 || !rule_agrees(run, rule, version)))
		sc_verify_registry_fault(run->v, table ? table->chain_id : 0, table ? table->relid : InvalidOid,
								 version ? version->proposed_seq : SC_NONE);
}

/* how many rules a definition has */
static int
defined_rules(const char *definition)
{
	const ScJson *tables = sc_json_member(sc_context_try_json(definition), "tables");
	int			n = 0;

	for (const ScJson *table = tables ? tables->first : NULL; table; table = table->next)
	{
		const ScJson *rules = sc_json_member(table, "rules");

		for (const ScJson *rule = rules ? rules->first : NULL; rule; rule = rule->next)
			n++;
	}
	return n;
}

/* versions that were activated and have lost rules */
static void
check_rules_missing(Run *run)
{
	ListCell   *cell;
	ListCell   *rule_cell;

	foreach(cell, run->versions)
	{
		const ScContractVersion *version = lfirst(cell);
		int			n = 0;

		if (version->activated_seq == 0 || !wanted(run, version->contract_id))
			continue;
		foreach(rule_cell, run->rules)
		{
			const ScContractRule *rule = lfirst(rule_cell);

			n += rule->contract_id == version->contract_id && rule->version == version->version;
		}
		if (n < defined_rules(version->definition))
			fault(run, version->contract_id, version->activated_seq);
	}
}

/* contracts of which nothing was ever proposed */
static void
check_versions_missing(Run *run)
{
	ListCell   *cell;
	ListCell   *version_cell;

	foreach(cell, run->contracts)
	{
		const ScContract *contract = lfirst(cell);
		bool		found = false;

		foreach(version_cell, run->versions)
			found |= ((ScContractVersion *) lfirst(version_cell))->contract_id == contract->contract_id;
		if (!found && wanted(run, contract->contract_id))
			fault(run, contract->contract_id, SC_NONE);
	}
}

/* a row of rule_state or rule_delta under a rule that is not there, which the next one would find */
static void
state_row(void *arg, ScScan *scan)
{
	Run		   *run = arg;
	int32		rule_id = DatumGetInt32(scan->values[0]);
	MemoryContext old;
	ListCell   *cell;

	foreach(cell, run->rules)
		if (((ScContractRule *) lfirst(cell))->rule_id == rule_id)
			return;
	if (list_member_int(run->strays, rule_id))
		return;
	old = MemoryContextSwitchTo(run->v->context);
	run->strays = lappend_int(run->strays, rule_id);
	MemoryContextSwitchTo(old);
	sc_verify_registry_fault(run->v, 0, RelationGetRelid(scan->rel), SC_NONE);
}

/* reads one of the registry's tables */
static void
scan_table(Run *run, const char *name, void (*row) (void *arg, ScScan *scan))
{
	Relation	rel = sc_verify_open(name);

	sc_verify_scan(run->v, rel, row, run);
	table_close(rel, NoLock);
}

static void
compare(ScVerify *v, void **data)
{
	Run		   *run = run_of(v, data);
	ListCell   *cell;

	scan_table(run, "contract", contract_row);
	scan_table(run, "contract_version", version_row);
	scan_table(run, "contract_approval", approval_row);
	scan_table(run, "contract_rule", rule_row);
	scan_table(run, "rule_state", state_row);
	scan_table(run, "rule_delta", state_row);
	foreach(cell, run->facts)
	{
		const ScContractFact *fact = lfirst(cell);

		if (!fact->met || !sc_fact_approved(run->facts, fact))
			sc_verify_registry_fault(v, fact->chain_id, InvalidOid, fact->ledger_seq);
	}
	check_versions_missing(run);
	check_rules_missing(run);
}

void
sc_contract_verify_init(void)
{
	static const ScVerifyEventHook hook = {take_event, compare};

	sc_verify_event_register(&hook);
}
