/*
 * followed.c
 *	  Rows of a copy in front of the contracts that their origin has recorded.
 *
 * Invariant: the verdict follows from the leaves before the row and the times
 * that the leaves hold, never from this node's clock; so every follower comes
 * to the same, and an honest origin, which judged the row with the same
 * state, accepted it.  What stands in the ledger takes effect, refused or not.
 * A rule in SQL is never called: it is whatever this node's tables make of it.
 * A rule of the same version but other sources may accept a row, not refuse it.
 * Context: the sealing worker, in the transaction that stores the block.
 */
#include "postgres.h"

#include "contract/followed.h"

#include "contract/fold.h"
#include "contract/memory.h"
#include "contract/rule_sql.h"
#include "ledger/error.h"
#include "ledger/ledger_time.h"
#include "ledger/row.h"
#include "utils/memutils.h"

struct ScFollowed
{
	ScFollowedState *state;
	const ScTableRules *rules;
	ScRowFormat *format;
	int		   *columns;		/* the format's places of rules->attnums */
	MemoryContext row_context;
	ScBuf	   *text;
	const char **texts;			/* of the row at hand, by place in rules->attnums */
	const char **values;		/* in the order of one rule */
	ScRuleRun	check;
	ScRuleRun	effect;			/* apart, so that effects leave the check's problem alone */
};

static void
release_run(void *run)
{
	sc_rule_run_free(run);
}

/* errors for what is no rule for several nodes */
static void
require_shared_rule(const ScTableRule *rule)
{
	if (rule->rule == &sc_rule_sql)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("contract \"%s\", version %d, has a rule in SQL, which other nodes do not run", rule->contract, rule->version)));
}

/* the state of a rule that comes new, from the rows of the blocks so far */
static void
make_state(ScFollowed *followed, const ScFold *fold, int i)
{
	ScRuleStore *store = sc_followed_store(followed->state, followed->rules->rules[i].rule_id);
	ScRuleCursor cursor = {0};
	const char *key;
	const char *value;

	while (sc_rule_memory_next(&fold->states[i], &cursor, &key, &value))
		store->put(store, key, value);
	sc_followed_mark(followed->rules->rules[i].rule_id);
}

/* gives state to the rules that have none yet */
static void
make_states(ScFollowed *followed, Relation rel, Snapshot snapshot)
{
	const ScFold *fold = NULL;

	for (int i = 0; i < followed->rules->nrules; i++)
	{
		if (sc_followed_marked(followed->rules->rules[i].rule_id))
			continue;
		if (fold == NULL)
			fold = sc_fold_table(rel, followed->rules, snapshot);
		make_state(followed, fold, i);
	}
}

ScFollowed *
sc_followed_begin(Relation rel, int32 table_id, ScFollowedState *state, Snapshot snapshot)
{
	const ScTableRules *rules = sc_table_rules_ever(table_id);
	ScFollowed *followed;
	int			most = 1;

	if (rules->nrules == 0)
		return NULL;
	followed = palloc0(sizeof(ScFollowed));
	followed->state = state;
	followed->rules = rules;
	followed->format = sc_row_format_copy(rel, CurrentMemoryContext);
	followed->columns = palloc(Max(rules->ncolumns, 1) * sizeof(int));
	for (int i = 0; i < rules->ncolumns; i++)
		followed->columns[i] = sc_row_column(followed->format, rules->attnums[i]);
	for (int i = 0; i < rules->nrules; i++)
	{
		require_shared_rule(&rules->rules[i]);
		most = Max(most, rules->rules[i].args->nvalues);
	}
	followed->texts = palloc0(Max(rules->ncolumns, 1) * sizeof(char *));
	followed->values = palloc(most * sizeof(char *));
	followed->text = sc_context_buf();
	followed->row_context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain row before rules", ALLOCSET_DEFAULT_SIZES);
	sc_rule_run_init(&followed->check);
	sc_rule_run_init(&followed->effect);
	sc_context_release(release_run, &followed->check);
	sc_context_release(release_run, &followed->effect);
	make_states(followed, rel, snapshot);
	return followed;
}

/* the texts that the leaf has of the columns that rules look at */
static void
read_texts(ScFollowed *followed, const ScFollowedRow *row)
{
	int			nestlevel = sc_row_settings_begin(followed->format);

	for (int i = 0; i < followed->rules->ncolumns; i++)
	{
		followed->texts[i] = NULL;
		if (followed->columns[i] >= 0 &&
			sc_row_text(followed->text, followed->format, followed->columns[i], row->values, row->nulls, row->ledger_seq))
			followed->texts[i] = pnstrdup(followed->text->data, followed->text->len);
	}
	sc_row_settings_end(nestlevel);
}

static void
call_rule(ScFollowed *followed, ScRuleRun *run, const ScTableRule *rule, const ScFollowedRow *row, ScRulePhase phase)
{
	ScStatus	status;

	for (int i = 0; i < rule->args->nvalues; i++)
		followed->values[i] = followed->texts[rule->columns[i]];
	status = sc_rule_run(run, phase, rule->args, sc_followed_store(followed->state, rule->rule_id), followed->values,
						 row->timed ? row->time + SC_UNIX_MICROS : 0, phase == SC_RULE_EFFECT ? row->ledger_seq : 0);
	if (status == SC_INTERNAL)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("contract \"%s\": rule \"%s\" does what a rule may not do", rule->contract, rule->rule->name)));
	sc_status_report(status, "a rule's work");
}

/* the first rule in force that refuses the row, or NULL */
static const ScTableRule *
refusing_rule(ScFollowed *followed, const ScFollowedRow *row)
{
	for (int i = 0; i < followed->rules->nrules; i++)
	{
		const ScTableRule *rule = &followed->rules->rules[i];

		if (!row->timed || row->time < rule->from || row->time >= rule->until)
			continue;
		call_rule(followed, &followed->check, rule, row, SC_RULE_LOCK);
		call_rule(followed, &followed->check, rule, row, SC_RULE_CHECK);
		if (followed->check.problem.refused)
			return rule;
	}
	return NULL;
}

/* as on the insert path: rules that have ended by then take no more effects */
static void
take_effect(ScFollowed *followed, const ScFollowedRow *row)
{
	for (int i = 0; i < followed->rules->nrules; i++)
	{
		const ScTableRule *rule = &followed->rules->rules[i];

		if (row->timed && row->time >= rule->until)
			continue;
		call_rule(followed, &followed->effect, rule, row, SC_RULE_LOCK);
		call_rule(followed, &followed->effect, rule, row, SC_RULE_EFFECT);
	}
}

const ScTableRule *
sc_followed_judge(ScFollowed *followed, const ScFollowedRow *row, char **why)
{
	MemoryContext caller = MemoryContextSwitchTo(followed->row_context);
	const ScTableRule *rule;

	MemoryContextReset(followed->row_context);
	read_texts(followed, row);
	rule = refusing_rule(followed, row);
	if (rule != NULL && rule->other_sources)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("contract \"%s\", version %d: rule \"%s\" of this node has other sources than the one that was activated, and refuses the row with ledger_seq %lld",
						rule->contract, rule->version, rule->rule->name, (long long) row->ledger_seq)));
	take_effect(followed, row);
	MemoryContextSwitchTo(caller);
	if (rule != NULL)
		*why = psprintf("contract \"%s\", version %d, rule \"%s\" refuses it: %s", rule->contract, rule->version, rule->rule->name,
						pnstrdup(followed->check.problem.message.data, followed->check.problem.message.len));
	return rule;
}
