/*
 * dispute_rule.c
 *	  Proven leaves that together break a built-in rule of a contract.
 *
 * Invariant: whatever rows were left out, the last row breaks the rule: what
 * the judged rules keep only grows (the largest value, keys that are taken,
 * uses), so more rows in between change nothing.  Rules whose sources are not
 * this program's are not judged.
 *
 * What it cannot know: whether the version had ended before the row; who is
 * accused can show the event that ended it.
 * Source: docs/format.md 13 and 14, docs/contract.md.
 */
#include "core/dispute_rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/instant.h"
#include "core/text.h"

/* the member's string, or NULL */
static const char *
string_of(const ScJson *object, const char *key)
{
	const ScJson *member = object && object->kind == SC_JSON_OBJECT ? sc_json_member(object, key) : NULL;

	return member && member->kind == SC_JSON_STRING && strlen(member->string) == member->len ? member->string : NULL;
}

static const ScJson *
array_of(const ScJson *object, const char *key)
{
	const ScJson *member = object && object->kind == SC_JSON_OBJECT ? sc_json_member(object, key) : NULL;

	return member && member->kind == SC_JSON_ARRAY ? member : NULL;
}

static bool
same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* the element of an array whose member has this text, or NULL */
static const ScJson *
element(const ScJson *array, const char *key, const char *text)
{
	for (const ScJson *item = array ? array->first : NULL; item; item = item->next)
	{
		if (same(string_of(item, key), text))
			return item;
	}
	return NULL;
}

/* is it a step of that name in a contract's life? */
static bool
is_step(const ScLeaf *leaf, const char *action)
{
	return leaf->kind == SC_LEAF_EVENT && same(string_of(leaf->event, "type"), "contract") &&
		same(string_of(leaf->event, "action"), action);
}

static bool
copy_text(char *out, size_t cap, const char *text)
{
	return text && (size_t) snprintf(out, cap, "%s", text) < cap;
}

/* are these the leaves that are needed, in their order, and did the version judge the last one? */
static bool
leaves_fit(ScRuleRuling *out, const ScProvenLeaf *leaves, int n)
{
	const ScJson *propose = leaves[0].leaf.event;
	const ScJson *activate = leaves[1].leaf.event;
	const ScLeaf *last = &leaves[n - 1].leaf;
	const char *from;
	int64_t		begins;
	int64_t		time;

	if (!is_step(&leaves[0].leaf, "propose") || !is_step(&leaves[1].leaf, "activate") ||
		!copy_text(out->contract, sizeof(out->contract), string_of(propose, "contract")) ||
		!copy_text(out->version, sizeof(out->version), string_of(propose, "version")) ||
		!same(out->contract, string_of(activate, "contract")) || !same(out->version, string_of(activate, "version")) ||
		leaves[0].index >= leaves[1].index || leaves[1].index >= leaves[n - 1].index)
		return false;
	for (int i = 2; i < n; i++)
	{
		if (leaves[i].leaf.kind != SC_LEAF_ROW || strcmp(leaves[i].leaf.table->string, last->table->string) != 0 ||
			(i > 2 && leaves[i - 1].index >= leaves[i].index))
			return false;
	}
	from = string_of(activate, "from");
	return from && last->time && sc_instant_read_leaf(&begins, from, strlen(from)) &&
		sc_instant_read_leaf(&time, last->time->string, last->time->len) && time >= begins;
}

/* the built-in rule that the contract means, if its sources are this program's */
static const ScRule *
rule_of(const ScJson *use, const ScJson *activate)
{
	const char *name = string_of(use, "name");
	const ScJson *declared = element(array_of(activate, "rules"), "name", name);

	for (const ScRule *const *rule = sc_rule_builtin(); name && *rule; rule++)
	{
		if (strcmp((*rule)->name, name) == 0)
			return same((*rule)->version, string_of(use, "version")) &&
				same((*rule)->source_digest, string_of(declared, "digest")) ? *rule : NULL;
	}
	return NULL;
}

/* does no further row satisfy it again? */
static bool
only_grows(const ScRule *rule, const ScJson *parameters)
{
	return rule == &sc_rule_window || rule == &sc_rule_monotonic || rule == &sc_rule_one_per ||
		(rule == &sc_rule_quota && sc_json_member(parameters, "limit") != NULL);
}

/* the texts that the rule looks at; false when the leaf does not hold them in clear */
static bool
row_values(const char **values, const ScRuleArgs *args, const ScLeaf *row)
{
	for (int i = 0; i < args->nvalues; i++)
	{
		const char *name = args->columns[i];
		const ScJson *value = sc_json_member(row->columns, name);

		if ((row->private && sc_json_member(row->private, name)) || (row->digests && sc_json_member(row->digests, name)))
			return false;
		if (value && (value->kind != SC_JSON_STRING || strlen(value->string) != value->len))
			return false;
		values[i] = value ? value->string : NULL;
	}
	return true;
}

/* one row in front of the rule: its effect, or what the rule says of it */
static ScStatus
run_row(ScRuleRun *run, const ScRuleArgs *args, ScRuleStore *store, const char **values, const ScLeaf *row, bool accused)
{
	int64_t		time = 0;
	uint64_t	seq;
	ScStatus	status;

	if (!row_values(values, args, row) || !sc_text_uint64(&seq, row->seq->string, row->seq->len) || seq > INT64_MAX ||
		(row->time && !sc_instant_read_leaf(&time, row->time->string, row->time->len)))
		return SC_RANGE;
	if (!accused)
		return sc_rule_run(run, SC_RULE_EFFECT, args, store, values, time, (int64_t) seq);
	status = sc_rule_run(run, SC_RULE_LOCK, args, store, values, time, 0);
	return status == SC_OK ? sc_rule_run(run, SC_RULE_CHECK, args, store, values, time, 0) : status;
}

/* all rows in front of the rule; SC_OK with out->problem when the last one breaks it, SC_MISMATCH when not */
static ScStatus
run_rule(ScRuleRuling *out, const ScRuleArgs *args, const ScProvenLeaf *rows, int n)
{
	const char **values = calloc((size_t) args->nvalues + 1, sizeof(char *));
	ScRuleMemory memory;
	ScRuleRun	run;
	ScStatus	status = SC_OK;

	if (values == NULL || !sc_rule_memory_init(&memory))
	{
		free(values);
		return SC_NO_MEMORY;
	}
	sc_rule_run_init(&run);
	for (int i = 0; status == SC_OK && i < n; i++)
		status = run_row(&run, args, &memory.store, values, &rows[i].leaf, i == n - 1);
	if (status == SC_OK && memory.store.failed)
		status = SC_NO_MEMORY;
	if (status == SC_OK && !run.problem.refused)
		status = SC_MISMATCH;
	if (status == SC_OK)
	{
		out->problem = run.problem;
		run.problem = (ScRuleProblem) SC_RULE_PROBLEM_INIT;
	}
	sc_rule_run_free(&run);
	sc_rule_memory_free(&memory);
	free(values);
	return status;
}

/* one use of a rule: as run_rule, SC_RANGE when it cannot be judged */
static ScStatus
judge_use(ScRuleRuling *out, const ScJson *use, const ScJson *activate, const ScProvenLeaf *rows, int n)
{
	const ScRule *rule = rule_of(use, activate);
	const ScJson *parameters = sc_json_member(use, "parameters");
	ScRuleProblem problem = SC_RULE_PROBLEM_INIT;
	ScRuleArgs *args;
	ScStatus	status;

	if (rule == NULL || parameters == NULL || parameters->kind != SC_JSON_OBJECT || !only_grows(rule, parameters) ||
		!copy_text(out->rule, sizeof(out->rule), rule->name))
		return SC_RANGE;
	status = sc_rule_args_parse(&args, rule, parameters, &problem);
	sc_rule_problem_free(&problem);
	if (status != SC_OK)
		return status == SC_MALFORMED ? SC_RANGE : status;
	status = run_rule(out, args, rows, n);
	sc_rule_args_free(args);
	return status;
}

/* the rules of the row's table, one after the other */
static ScStatus
judge_table(ScRuleRuling *out, const ScJson *rules, const ScJson *activate, const ScProvenLeaf *rows, int n)
{
	ScStatus	result = SC_RANGE;

	for (const ScJson *use = rules ? rules->first : NULL; use; use = use->next)
	{
		ScStatus	status = use->kind == SC_JSON_OBJECT ? judge_use(out, use, activate, rows, n) : SC_MALFORMED;

		if (status == SC_MISMATCH)
			result = status;
		else if (status != SC_RANGE)
			return status;
	}
	return result;
}

ScStatus
sc_dispute_rule_judge(ScRuleRuling *out, const ScProvenLeaf *leaves, int n)
{
	const char *text;
	ScJson	   *definition;
	const ScJson *table;
	ScStatus	status;

	memset(out, 0, sizeof(*out));
	if (n < 3 || !leaves_fit(out, leaves, n))
		return SC_MALFORMED;
	text = string_of(leaves[0].leaf.event, "definition");
	if (text == NULL)
		return SC_MALFORMED;
	status = sc_json_parse(&definition, text, strlen(text));
	if (status != SC_OK)
		return status;
	table = element(array_of(definition, "tables"), "table", leaves[n - 1].leaf.table->string);
	status = table == NULL ? SC_MALFORMED :
		judge_table(out, array_of(table, "rules"), leaves[1].leaf.event, leaves + 2, n - 2);
	sc_json_free(definition);
	return status;
}
