/*
 * guard.c
 *	  Rules on the insert path: the row guard of contracts.
 *
 * Invariant: a row of a table with rules is stored only after every rule in
 * force at its acceptance time has accepted it, with the state that all rows
 * before it left; its effects are part of its transaction.  Rules that are
 * activated for a time to come already take effects, and do not judge yet.
 * Order: keys of all rules, locked by rule and key; then checks; then, with
 * the row in the heap, effects.  So two rows with the same two keys never wait
 * for each other.
 * Locks: the keys that rules name (state.c), to the end of the transaction.
 * Context: row_guard.h.  A rule that raises or refuses ends the statement.
 */
#include "postgres.h"

#include "contract/contract_init.h"
#include "contract/contract_verify.h"

#include "compat.h"
#include "contract/rules.h"
#include "contract/state.h"
#include "contract/state_verify.h"
#include "contract/table_rules.h"
#include "core/instant.h"
#include "ledger/error.h"
#include "ledger/ledger_time.h"
#include "ledger/row.h"
#include "ledger/row_guard.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* the row at hand, from its locks to its effects */
typedef struct Row
{
	ScRuleStore store;			/* first: what the rules talk to */
	Oid			relid;			/* InvalidOid when there is none */
	const TupleTableSlot *slot;
	const ScTableRules *rules;
	const char **texts;			/* by place in rules->attnums */
	const ScTableRule *rule;	/* that is called now */
	ScState		state;
	bool		open;			/* state is */
	int			nkeys;
	int			capacity;
	ScStateKey *keys;			/* sorted once all are locked */
} Row;

static MemoryContext row_context = NULL;
static Row	row;
static ScRuleRun run;
static bool running = false;	/* a rule is being called */

/* the state's tables, opened when they are first needed */
static ScState *
state(void)
{
	if (!row.open)
		sc_state_open(&row.state);
	row.open = true;
	return &row.state;
}

static void
close_state(void)
{
	if (row.open)
		sc_state_close(&row.state);
	row.open = false;
}

static int
compare_keys(const void *a, const void *b)
{
	const ScStateKey *x = a;
	const ScStateKey *y = b;

	if (x->rule_id != y->rule_id)
		return x->rule_id < y->rule_id ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* the key among those that the row has locked, or NULL */
static ScStateKey *
find_key(const char *key)
{
	ScStateKey	wanted = {.rule_id = row.rule->rule_id, .key = key};

	return row.nkeys == 0 ? NULL : bsearch(&wanted, row.keys, row.nkeys, sizeof(ScStateKey), compare_keys);
}

static ScStateKey *
require_key(const char *key)
{
	ScStateKey *found = find_key(key);

	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("rule \"%s\" uses a key that it has not locked", row.rule->rule->name),
				 errdetail("The key is %s.", key)));
	return found;
}

static void
store_lock(ScRuleStore *store, const char *key)
{
	if (row.nkeys == row.capacity)
	{
		row.capacity = Max(8, 2 * row.capacity);
		row.keys = row.keys ? repalloc(row.keys, row.capacity * sizeof(ScStateKey)) :
			palloc(row.capacity * sizeof(ScStateKey));
	}
	row.keys[row.nkeys++] = (ScStateKey) {
		.rule_id = row.rule->rule_id,.key = pstrdup(key),.sums = row.rule->rule->sums
	};
}

static const char *
store_get(ScRuleStore *store, const char *key)
{
	return sc_state_get(state(), require_key(key));
}

static void
store_put(ScRuleStore *store, const char *key, const char *value)
{
	sc_state_put(state(), require_key(key), value);
}

static void
store_add(ScRuleStore *store, const char *key, const char *amount)
{
	ScStateKey *found = row.rule->rule->sums ? find_key(key) : require_key(key);

	if (found == NULL)
		sc_state_add(state(), row.rule->rule_id, key, amount);
	else
		sc_state_put(state(), found, sc_state_sum(sc_state_get(state(), found), amount));
}

static void
store_pulse(ScRuleStore *store)
{
	CHECK_FOR_INTERRUPTS();
}

/* says which rule was at work when something else failed */
static void
add_context(void *arg)
{
	if (row.rule != NULL)
		errcontext("rule \"%s\" of contract \"%s\", version %d",
				   row.rule->rule->name, row.rule->contract, row.rule->version);
}

/* puts the row's texts into the order of the rule's values */
static const char *const *
rule_values(const ScTableRule *rule)
{
	const char **values = palloc(Max(rule->args->nvalues, 1) * sizeof(char *));

	for (int i = 0; i < rule->args->nvalues; i++)
		values[i] = row.texts[rule->columns[i]];
	return values;
}

/* calls a rule for one phase; true when it does not refuse */
static bool
call_rule(const ScTableRule *rule, ScRulePhase phase, TimestampTz time, int64 ledger_seq)
{
	ErrorContextCallback context = {.previous = error_context_stack,.callback = add_context};
	ScStatus	status = SC_OK;

	row.rule = rule;
	error_context_stack = &context;
	running = true;
	PG_TRY();
	{
		status = sc_rule_run(&run, phase, rule->args, &row.store, rule_values(rule), time + SC_UNIX_MICROS, ledger_seq);
	}
	PG_FINALLY();
	{
		running = false;
	}
	PG_END_TRY();
	if (status == SC_INTERNAL)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("rule \"%s\" does what a rule may not do", rule->rule->name),
				 errdetail("It refused without a reason, wrote before the row was accepted, or added what is no number.")));
	sc_status_report(status, "a rule's work");
	error_context_stack = context.previous;
	return !run.problem.refused;
}

/* texts of the columns that rules look at */
static void
read_texts(Relation rel, TupleTableSlot *slot)
{
	const ScRowFormat *format = sc_row_format(rel);
	int			nestlevel = sc_row_settings_begin(format);
	static ScBuf buf = SC_BUF_INIT;

	slot_getallattrs(slot);
	row.texts = palloc0(Max(row.rules->ncolumns, 1) * sizeof(char *));
	for (int i = 0; i < row.rules->ncolumns; i++)
	{
		int			column = sc_row_column(format, row.rules->attnums[i]);

		if (column >= 0 && sc_row_text(&buf, format, column, slot->tts_values, slot->tts_isnull, PG_INT64_MAX))
			row.texts[i] = pnstrdup(buf.data, buf.len);
	}
	sc_row_settings_end(nestlevel);
}

/* forgets the row before, and what it allocated */
static void
begin_row(Relation rel, const ScTarget *target, TupleTableSlot *slot)
{
	if (running)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("a rule cannot insert rows")));
	if (row_context == NULL)
		row_context = AllocSetContextCreate(TopMemoryContext, "seoulchain row before rules", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(row_context);
	row = (Row) {
		.store = {store_lock, store_get, store_put, store_add, store_pulse, false},
		.rules = sc_table_rules(rel, target->table_id),
		.slot = slot
	};
}

/* sorts the keys and leaves each once */
static void
sort_keys(void)
{
	int			n = 0;

	if (row.nkeys == 0)
		return;
	qsort(row.keys, row.nkeys, sizeof(ScStateKey), compare_keys);
	for (int i = 1; i < row.nkeys; i++)
		if (compare_keys(&row.keys[n], &row.keys[i]) != 0)
			row.keys[++n] = row.keys[i];
	row.nkeys = n + 1;
}

static bool
guard_wanted(Relation rel, const ScTarget *target)
{
	return sc_table_has_rules(target->table_id);
}

/* keys of every rule that may have to judge the row or take its effect */
static void
guard_lock(Relation rel, const ScTarget *target, TupleTableSlot *slot)
{
	TimestampTz now = GetCurrentTimestamp();
	MemoryContext old;

	begin_row(rel, target, slot);
	old = MemoryContextSwitchTo(row_context);
	read_texts(rel, slot);
	for (int i = 0; i < row.rules->nrules; i++)
		if (now < row.rules->rules[i].until)
			(void) call_rule(&row.rules->rules[i], SC_RULE_LOCK, now, 0);
	sort_keys();
	for (int i = 0; i < row.nkeys; i++)
		sc_state_lock(state(), &row.keys[i]);
	row.relid = RelationGetRelid(rel);
	MemoryContextSwitchTo(old);
}

/* the text of a buffer, palloc'd */
static char *
buf_text(const ScBuf *buf)
{
	return pnstrdup(buf->len > 0 ? buf->data : "", buf->len);
}

SC_NORETURN
static void
refuse(Relation rel, const ScTableRule *rule)
{
	const ScRuleProblem *problem = &run.problem;
	const char *detail = buf_text(&problem->detail);

	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("contract \"%s\" refuses the row: %s", rule->contract, buf_text(&problem->message)),
			 errdetail("Rule \"%s\" on ledger table \"%s\", contract version %d, reason %s.%s%s",
					   rule->rule->name, RelationGetRelationName(rel), rule->version, buf_text(&problem->code),
					   *detail ? "  " : "", detail),
			 problem->hint.len > 0 ? errhint("%s", buf_text(&problem->hint)) : 0,
			 errtable(rel),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, rule->contract)));
}

/* without a row at hand that is this one (an index expression inserted others meanwhile) locks it again */
static void
require_row(Relation rel, const ScTarget *target, TupleTableSlot *slot)
{
	if (row.relid != RelationGetRelid(rel) || row.slot != slot)
		guard_lock(rel, target, slot);
}

static void
guard_check(Relation rel, const ScTarget *target, TupleTableSlot *slot, TimestampTz time)
{
	MemoryContext old;

	require_row(rel, target, slot);
	old = MemoryContextSwitchTo(row_context);
	for (int i = 0; i < row.rules->nrules; i++)
	{
		const ScTableRule *rule = &row.rules->rules[i];

		if (rule->from <= time && time < rule->until && !call_rule(rule, SC_RULE_CHECK, time, 0))
			refuse(rel, rule);
	}
	close_state();
	MemoryContextSwitchTo(old);
}

static void
guard_effect(Relation rel, const ScTarget *target, TupleTableSlot *slot, int64 ledger_seq, TimestampTz time)
{
	MemoryContext old;

	require_row(rel, target, slot);
	old = MemoryContextSwitchTo(row_context);
	for (int i = 0; i < row.rules->nrules; i++)
		if (time < row.rules->rules[i].until)
			(void) call_rule(&row.rules->rules[i], SC_RULE_EFFECT, time, ledger_seq);
	close_state();
	row.relid = InvalidOid;
	MemoryContextSwitchTo(old);
}

static const ScRowGuard guard = {
	.wanted = guard_wanted,
	.lock = guard_lock,
	.check = guard_check,
	.effect = guard_effect
};

void
sc_contract_init(void)
{
	sc_rule_run_init(&run);
	sc_rules_init();
	sc_table_rules_init();
	sc_row_guard_register(&guard);
	sc_state_verify_init();
	sc_contract_verify_init();
}
