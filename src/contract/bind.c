/*
 * bind.c
 *	  A definition's rules, bound to the chain's tables and this node's rule functions.
 *
 * Invariant: what was bound can judge rows: every table is there, every rule
 * is there in the version asked for, every argument has its type, every column
 * is one that leaves of the table hold.
 * Context: a transaction; arguments are freed with the current memory context.
 */
#include "postgres.h"

#include "contract/bind.h"

#include "contract/memory.h"
#include "contract/rule_sql.h"
#include "contract/rules.h"
#include "ledger/error.h"
#include "ledger/registry_column.h"

static const ScLedgerTable *
find_table(const ScChain *chain, const ScDefinition *definition, const char *ledger_name, bool dropped_ok)
{
	ListCell   *cell;
	bool		dropped = false;

	foreach(cell, sc_ledger_list(chain->chain_id))
	{
		const ScLedgerTable *table = lfirst(cell);

		if (strcmp(table->ledger_name, ledger_name) != 0)
			continue;
		dropped = table->dropped_seq != 0;
		if (!dropped)
			return table;
	}
	if (dropped && dropped_ok)
		return NULL;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("contract \"%s\": chain \"%s\" has no table \"%s\"", definition->contract, chain->name, ledger_name),
			 dropped ? errdetail("It was dropped.") : 0,
			 errhint("Tables are named as leaves name them, schema.table when they joined: SELECT ledger_name FROM seoulchain.ledger;")));
}

/* what a rule says of its parameters, as an error */
static void
report_parameters(const ScDefinition *definition, const ScLedgerTable *table, ScRuleProblem *problem)
{
	char	   *message = sc_buf_copy(&problem->message);
	char	   *detail = problem->detail.len > 0 ? sc_buf_copy(&problem->detail) : NULL;
	char	   *hint = problem->hint.len > 0 ? sc_buf_copy(&problem->hint) : NULL;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("contract \"%s\", table \"%s\": %s",
					definition->contract, table->ledger_name, message),
			 detail ? errdetail("%s", detail) : 0,
			 hint ? errhint("%s", hint) : 0));
}

static void
release_args(void *arg)
{
	ScRuleArgs **args = arg;

	if (*args != NULL)
		sc_rule_args_free(*args);
}

static void
release_problem(void *arg)
{
	sc_rule_problem_free(arg);
}

/* the names of columns as the rules' code takes them */
static const char **
column_names(const ScBoundTable *table)
{
	const char **names = palloc(Max(list_length(table->columns), 1) * sizeof(char *));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, table->columns)
		names[n++] = ((ScLedgerColumn *) lfirst(cell))->ledger_name;
	return names;
}

int
sc_bind_column(const ScBoundTable *table, const char *ledger_name)
{
	ListCell   *cell;

	foreach(cell, table->columns)
		if (strcmp(((ScLedgerColumn *) lfirst(cell))->ledger_name, ledger_name) == 0)
			return foreach_current_index(cell);
	return -1;
}

static void
bind_arguments(ScBoundRule *bound, const ScDefinition *definition, const ScBoundTable *table)
{
	ScRuleProblem *problem = palloc(sizeof(ScRuleProblem));
	ScRuleArgs **args = palloc0(sizeof(ScRuleArgs *));
	ScStatus	status;

	*problem = (ScRuleProblem) SC_RULE_PROBLEM_INIT;
	sc_context_release(release_problem, problem);
	sc_context_release(release_args, args);
	status = sc_rule_args_parse(args, bound->rule, bound->def->parameters, problem);
	if (status == SC_OK)
		status = sc_rule_args_columns(*args, column_names(table), list_length(table->columns), problem);
	if (status == SC_MALFORMED)
		report_parameters(definition, table->ledger, problem);
	sc_status_report(status, "parameters of a rule");
	bound->args = *args;
	bound->columns = palloc(Max((*args)->nvalues, 1) * sizeof(int));
	for (int i = 0; i < (*args)->nvalues; i++)
		bound->columns[i] = sc_bind_column(table, (*args)->columns[i]);
}

/*
 * A prototype's function is pinned by nothing: not on a chain that others
 * follow, and never one of this node's because another node's chain names it.
 */
static void
refuse_shared(const ScChain *chain, const ScDefinition *definition, const ScBoundTable *table)
{
	if (chain->shared || chain->copy)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("contract \"%s\", table \"%s\": rule \"sql\" is for prototypes, on chains that are not shared",
						definition->contract, table->ledger->ledger_name),
				 errdetail("Chain \"%s\" has copies on other nodes, which cannot repeat what a function says.", chain->name),
				 errhint("Write the rule in C: examples/ has one.")));
}

static ScBoundRule *
bind_rule(const ScDefRule *def, const ScChain *chain, const ScDefinition *definition, const ScBoundTable *table)
{
	ScBoundRule *bound = palloc0(sizeof(ScBoundRule));

	bound->def = def;
	bound->rule = sc_rule_find(def->name);
	if (bound->rule == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("contract \"%s\", table \"%s\": rule \"%s\" does not exist on this node",
						definition->contract, table->ledger->ledger_name, def->name),
				 errhint("SELECT * FROM seoulchain.rules; shows the rules of this node.  Libraries with more are named in seoulchain.rule_libraries.")));
	if (strcmp(bound->rule->version, def->version) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("contract \"%s\", table \"%s\": rule \"%s\" has version %s on this node, but the contract asks for version %s",
						definition->contract, table->ledger->ledger_name, def->name, bound->rule->version, def->version),
				 errhint("Install the release that has version %s, or propose a version of the contract that asks for this one.",
						 def->version)));
	if (bound->rule == &sc_rule_sql)
		refuse_shared(chain, definition, table);
	bind_arguments(bound, definition, table);
	return bound;
}

ScBound *
sc_bind(int32 chain_id, const ScDefinition *definition, bool dropped_ok)
{
	const ScChain *chain = sc_chain_by_id(chain_id, false);
	ScBound    *bound = palloc0(sizeof(ScBound));
	ListCell   *cell;
	ListCell   *rule_cell;

	bound->definition = definition;
	foreach(cell, definition->tables)
	{
		const ScDefTable *def = lfirst(cell);
		ScBoundTable *table = palloc0(sizeof(ScBoundTable));

		table->ledger = find_table(chain, definition, def->ledger_name, dropped_ok);
		if (table->ledger == NULL)
			continue;
		table->columns = sc_ledger_columns(table->ledger->table_id);
		foreach(rule_cell, def->rules)
			table->rules = lappend(table->rules, bind_rule(lfirst(rule_cell), chain, definition, table));
		bound->tables = lappend(bound->tables, table);
	}
	return bound;
}
