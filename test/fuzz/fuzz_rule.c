/*
 * fuzz_rule.c
 *	  Parameters and rows in front of every built-in rule: two runs give the same verdicts, and no rule misbehaves.
 *
 * Input: a digit for the rule, a line of parameters, then a line for each row
 * with its values between tabs ("-" is null).
 */
#include "fuzz.h"

#include "core/decimal.h"
#include "core/rule.h"
#include "core/text.h"

#define VALUES_MAX 16
#define JUNE_3 INT64_C(1780434000000000)

static ScRuleMemory stores[2];

/* splits a row, in place, into nvalues texts; missing ones are null */
static void
split(const char **values, int nvalues, char *line)
{
	for (int i = 0; i < nvalues; i++)
	{
		values[i] = line;
		if (line == NULL)
			continue;
		line = strchr(line, '\t');
		if (line)
			*line++ = '\0';
		if (strcmp(values[i], "-") == 0)
			values[i] = NULL;
	}
}

/* the row's verdict on one store; its effect is applied whatever that says, as on history */
static void
judge(ScBuf *verdict, ScRuleRun *run, const ScRuleArgs *args, ScRuleStore *store, const char *const *values, int64_t n)
{
	INVARIANT(sc_rule_run(run, SC_RULE_LOCK, args, store, values, JUNE_3 + n, 0) == SC_OK);
	INVARIANT(sc_rule_run(run, SC_RULE_CHECK, args, store, values, JUNE_3 + n, 0) == SC_OK);
	if (run->problem.refused)
	{
		INVARIANT(run->problem.code.len > 0 && run->problem.message.len > 0);
		sc_rule_problem_json(verdict, &run->problem);
	}
	INVARIANT(sc_rule_run(run, SC_RULE_EFFECT, args, store, values, JUNE_3 + n, n) == SC_OK);
}

/* the two stores hold the same */
static void
compare_stores(void)
{
	ScRuleCursor cursor = {0};
	const char *key,
			   *value;

	INVARIANT(stores[0].count == stores[1].count);
	while (sc_rule_memory_next(&stores[0], &cursor, &key, &value))
	{
		const char *other = stores[1].store.get(&stores[1].store, key);

		INVARIANT(other && strcmp(other, value) == 0);
	}
}

static void
run_rows(const ScRuleArgs *args, char *rows)
{
	ScRuleRun	runs[2];
	const char *values[VALUES_MAX];

	for (int i = 0; i < 2; i++)
	{
		sc_rule_run_init(&runs[i]);
		INVARIANT(sc_rule_memory_init(&stores[i]));
	}
	for (int64_t n = 1; rows; n++)
	{
		ScBuf		verdicts[2] = {SC_BUF_INIT, SC_BUF_INIT};
		char	   *next = strchr(rows, '\n');

		if (next)
			*next++ = '\0';
		split(values, args->nvalues, rows);
		for (int i = 0; i < 2; i++)
			judge(&verdicts[i], &runs[i], args, &stores[i].store, values, n);
		INVARIANT(fuzz_same(&verdicts[0], verdicts[1].data, verdicts[1].len));
		sc_buf_free(&verdicts[0]);
		sc_buf_free(&verdicts[1]);
		rows = next;
	}
	compare_stores();
	for (int i = 0; i < 2; i++)
	{
		sc_rule_memory_free(&stores[i]);
		sc_rule_run_free(&runs[i]);
	}
}

/* canonical JSON asks for UTF-8 rows too: what leaves hold is */
static void
fuzz_text(char *text, size_t size)
{
	const ScRule *rule = sc_rule_builtin()[(unsigned char) text[0] % 6];
	ScRuleProblem problem = SC_RULE_PROBLEM_INIT;
	ScRuleArgs *args = NULL;
	ScJson	   *json;
	char	   *rows = memchr(text + 1, '\n', size - 1);

	if (rows == NULL)
		return;
	if (sc_json_parse(&json, text + 1, (size_t) (rows - text - 1)) != SC_OK)
		return;
	if (sc_rule_args_parse(&args, rule, json, &problem) == SC_OK)
	{
		INVARIANT(!problem.refused);
		if (args->nvalues <= VALUES_MAX)
			run_rows(args, rows + 1);
	}
	else
		INVARIANT(problem.refused && problem.message.len > 0 && args == NULL);
	sc_rule_args_free(args);
	sc_rule_problem_free(&problem);
	sc_json_free(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (size > 0 && sc_text_utf8_ok(text, size))
		fuzz_text(text, size);
	free(text);
	return 0;
}
