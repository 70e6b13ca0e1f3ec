/*
 * judge.c
 *	  Rows in front of the rules of one or more versions, with state in memory.
 *
 * Invariant: the answer depends on the rows in the order in which they came
 * and on their recorded times, on nothing else.  A rule's state follows from
 * every row of its table, those of times when it was not in force too: what a
 * rule finds when it comes into force is what the ledger says.
 * Order: the checks of all rules in force, in the order of versions and
 * ordinals; the first that refuses decides.  Then all effects.
 * Context: memory of core is freed with the memory context of sc_judge_new().
 */
#include "postgres.h"

#include "contract/judge.h"

#include "contract/memory.h"
#include "ledger/error.h"
#include "ledger/ledger_time.h"
#include "utils/memutils.h"

/* a bound rule with its state */
typedef struct JudgeRule
{
	const ScDefinition *definition;
	const ScBoundTable *table;
	const ScBoundRule *bound;
	TimestampTz from;
	TimestampTz until;
	bool		has_memory;
	ScRuleMemory memory;
	const char **values;
} JudgeRule;

struct ScJudge
{
	MemoryContext context;
	List	   *tables;			/* of ScBoundTable, the first of each table */
	List	   *rules;			/* of JudgeRule */
	ScRuleRun	check;
	ScRuleRun	effect;			/* apart, so that effects leave the check's problem alone */
};

static void
release_run(void *arg)
{
	sc_rule_run_free(arg);
}

bool
sc_judge_needs(const ScJudge *judge, const ScBoundTable *table, int column)
{
	ListCell   *cell;

	foreach(cell, judge->rules)
	{
		const JudgeRule *rule = lfirst(cell);

		if (rule->table->ledger->table_id != table->ledger->table_id)
			continue;
		for (int i = 0; i < rule->bound->args->nvalues; i++)
			if (rule->bound->columns[i] == column)
				return true;
	}
	return false;
}

ScJudge *
sc_judge_new(void)
{
	ScJudge    *judge = palloc0(sizeof(ScJudge));

	judge->context = CurrentMemoryContext;
	sc_rule_run_init(&judge->check);
	sc_rule_run_init(&judge->effect);
	sc_context_release(release_run, &judge->check);
	sc_context_release(release_run, &judge->effect);
	return judge;
}

static void
drop_memory(void *arg)
{
	JudgeRule  *rule = arg;

	if (rule->has_memory)
		sc_rule_memory_free(&rule->memory);
	rule->has_memory = false;
}

static void
make_memory(JudgeRule *rule)
{
	drop_memory(rule);
	if (!sc_rule_memory_init(&rule->memory))
		sc_status_report(SC_NO_MEMORY, "state of a rule");
	rule->has_memory = true;
}

static void
add_rule(ScJudge *judge, const ScBound *bound, const ScBoundTable *table, const ScBoundRule *bound_rule,
		 TimestampTz from, TimestampTz until)
{
	JudgeRule  *rule = palloc0(sizeof(JudgeRule));

	rule->definition = bound->definition;
	rule->table = table;
	rule->bound = bound_rule;
	rule->from = from;
	rule->until = until;
	rule->values = palloc0(Max(bound_rule->args->nvalues, 1) * sizeof(char *));
	sc_context_release(drop_memory, rule);
	make_memory(rule);
	judge->rules = lappend(judge->rules, rule);
}

void
sc_judge_add(ScJudge *judge, const ScBound *bound, TimestampTz from, TimestampTz until)
{
	MemoryContext old = MemoryContextSwitchTo(judge->context);
	ListCell   *table_cell;
	ListCell   *cell;

	foreach(table_cell, bound->tables)
	{
		ScBoundTable *table = lfirst(table_cell);
		bool		known = false;

		foreach(cell, judge->tables)
			known |= ((ScBoundTable *) lfirst(cell))->ledger->table_id == table->ledger->table_id;
		if (!known)
			judge->tables = lappend(judge->tables, table);
		foreach(cell, table->rules)
			add_rule(judge, bound, table, lfirst(cell), from, until);
	}
	MemoryContextSwitchTo(old);
}

void
sc_judge_reset(ScJudge *judge)
{
	ListCell   *cell;

	foreach(cell, judge->rules)
		make_memory(lfirst(cell));
}

List *
sc_judge_tables(const ScJudge *judge)
{
	return judge->tables;
}

static void
run_rule(ScRuleRun *run, JudgeRule *rule, const ScJudgeRow *row, ScRulePhase phase)
{
	ScStatus	status = sc_rule_run(run, phase, rule->bound->args, &rule->memory.store, rule->values,
									 row->time + SC_UNIX_MICROS, phase == SC_RULE_EFFECT ? row->ledger_seq : 0);

	if (status == SC_INTERNAL)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("contract \"%s\", table \"%s\": rule \"%s\" does not keep to what rules may do",
						rule->definition->contract, rule->table->ledger->ledger_name, rule->bound->rule->name),
				 errdetail("It used its state in a way that its phase does not allow, or refused without saying so."),
				 errhint("docs/contract.md says what rules may do; this is for the author of the rule.")));
	sc_status_report(status, "state of a rule");
}

/* does the rule stand on the row's table?  Its values are set if so. */
static bool
rule_applies(JudgeRule *rule, const ScJudgeRow *row)
{
	if (rule->table->ledger->table_id != row->table->ledger->table_id)
		return false;
	for (int i = 0; i < rule->bound->args->nvalues; i++)
		rule->values[i] = row->texts[rule->bound->columns[i]];
	return true;
}

/* is the rule to judge the row?  A rule that is tried has no beginning and judges all. */
static bool
in_force(const JudgeRule *rule, const ScJudgeRow *row)
{
	if (row->untimed && !TIMESTAMP_IS_NOBEGIN(rule->from))
		return false;
	return rule->from <= row->time && row->time < rule->until;
}

/* the first rule in force that refuses the row, or NULL */
static JudgeRule *
refusing_rule(ScJudge *judge, const ScJudgeRow *row)
{
	ListCell   *cell;

	foreach(cell, judge->rules)
	{
		JudgeRule  *rule = lfirst(cell);

		if (!in_force(rule, row) || !rule_applies(rule, row))
			continue;
		run_rule(&judge->check, rule, row, SC_RULE_LOCK);
		run_rule(&judge->check, rule, row, SC_RULE_CHECK);
		if (judge->check.problem.refused)
			return rule;
	}
	return NULL;
}

static void
take_effect(ScJudge *judge, const ScJudgeRow *row)
{
	ListCell   *cell;

	foreach(cell, judge->rules)
	{
		JudgeRule  *rule = lfirst(cell);

		if (!rule_applies(rule, row))
			continue;
		run_rule(&judge->effect, rule, row, SC_RULE_LOCK);
		run_rule(&judge->effect, rule, row, SC_RULE_EFFECT);
	}
}

ScVerdict
sc_judge_row(ScJudge *judge, const ScJudgeRow *row)
{
	JudgeRule  *rule = row->unjudged ? NULL : refusing_rule(judge, row);
	ScVerdict	verdict = {0};

	if (rule == NULL || row->stands)
		take_effect(judge, row);
	if (rule != NULL)
		verdict = (ScVerdict) {rule->definition, rule->bound->rule->name, &judge->check.problem};
	return verdict;
}

void
sc_judge_answer(ScBuf *buf, const ScVerdict *verdict)
{
	if (verdict->definition == NULL)
	{
		sc_buf_literal(buf, "\"accepted\"");
		return;
	}
	/* the problem's members all sort before "rule" */
	sc_rule_problem_json(buf, verdict->problem);
	if (!buf->failed)
		buf->len--;
	sc_buf_literal(buf, ",\"rule\":");
	sc_json_string(buf, verdict->rule, strlen(verdict->rule));
	sc_buf_char(buf, '}');
}
