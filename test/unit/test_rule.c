/*
 * test_rule.c
 *	  The built-in rules with state in memory: parameters, verdicts, effects, each against a plain model.
 */
#include "harness.h"

#include "core/json.h"
#include "core/rule.h"

#define JUNE_3 INT64_C(1780434000000000)	/* 2026-06-03 06:00 in Seoul */

static ScRuleProblem problem = SC_RULE_PROBLEM_INIT;
static ScRuleRun run;
static ScRuleMemory memory;
static ScRuleArgs *args;

static const ScRule *
find(const char *name)
{
	const ScRule *const *rule = sc_rule_builtin();

	while (*rule && strcmp((*rule)->name, name) != 0)
		rule++;
	return *rule;
}

static const char *
text(ScBuf *buf)
{
	return sc_buf_cstr(buf);
}

static ScStatus
parse(const char *rule, const char *parameters)
{
	ScJson	   *json;
	ScStatus	status = sc_json_parse(&json, parameters, strlen(parameters));

	CHECK_CASE(status == SC_OK, parameters);
	if (status != SC_OK)
		exit(1);
	sc_rule_args_free(args);
	status = sc_rule_args_parse(&args, find(rule), json, &problem);
	sc_json_free(json);
	return status;
}

/* a rule at work from an empty state */
static void
start(const char *rule, const char *parameters)
{
	CHECK_CASE(parse(rule, parameters) == SC_OK, parameters);
	sc_rule_memory_free(&memory);
	CHECK(sc_rule_memory_init(&memory));
}

static bool
check_at(int64_t time, const char *const *values)
{
	REQUIRE(sc_rule_run(&run, SC_RULE_LOCK, args, &memory.store, values, time, 0) == SC_OK);
	REQUIRE(sc_rule_run(&run, SC_RULE_CHECK, args, &memory.store, values, time, 0) == SC_OK);
	return !run.problem.refused;
}

static void
effect_at(int64_t time, int64_t seq, const char *const *values)
{
	REQUIRE(sc_rule_run(&run, SC_RULE_EFFECT, args, &memory.store, values, time, seq) == SC_OK);
}

/* check and, when it is accepted, effect */
static bool
row_at(int64_t time, int64_t seq, const char *const *values)
{
	bool		ok = check_at(time, values);

	if (ok)
		effect_at(time, seq, values);
	return ok;
}

#define ROW(...) row_at(JUNE_3, ++seq, (const char *const[]) {__VA_ARGS__})
#define REFUSED(why, ...) (!row_at(JUNE_3, ++seq, (const char *const[]) {__VA_ARGS__}) && strcmp(text(&run.problem.code), why) == 0)

static int64_t seq;

static void
test_builtin(void)
{
	const ScRule *const *rules = sc_rule_builtin();
	int			n = 0;

	for (; rules[n]; n++)
	{
		CHECK_CASE(rules[n]->abi == SEOULCHAIN_RULE_ABI && rules[n]->check && rules[n]->meaning, rules[n]->name);
		CHECK_CASE(strlen(rules[n]->source_digest) == 64 && strspn(rules[n]->source_digest, "0123456789abcdef") == 64, rules[n]->name);
		CHECK(n == 0 || strcmp(rules[n - 1]->name, rules[n]->name) < 0);
		CHECK(n == 0 || strcmp(rules[n - 1]->source_digest, rules[n]->source_digest) != 0);
	}
	CHECK(n == 6);
}

static void
test_parameters(void)
{
	struct
	{
		const char *rule;
		const char *parameters;
		const char *code;		/* NULL = good */
		const char *says;		/* part of message, detail or hint */
	}			cases[] = {
		{"one_per", "{\"key\":[\"voter\",\"election\"]}", NULL, NULL},
		{"one_per", "{}", "parameter_missing", "parameter \"key\" is missing"},
		{"one_per", "{\"kee\":\"x\",\"key\":[\"voter\"]}", "parameter_unknown", "key: array of columns, required"},
		{"one_per", "{\"key\":\"voter\"}", "parameter_type", "It must be: array of columns, but is \"voter\"."},
		{"one_per", "{\"key\":[]}", "parameter_type", "array of columns"},
		{"one_per", "{\"key\":[[\"voter\"]]}", "parameter_type", "array of columns"},
		{"one_per", "{\"key\":[\"\"]}", "parameter_type", "array of columns"},
		{"one_per", "{\"key\":[\"a\\u0000b\"]}", "parameter_type", "array of columns"},
		{"one_per", "[]", "parameter_type", "not an object"},
		{"one_per", "{\"key\\u0000\":[\"a\"]}", "parameter_unknown", "no parameter"},
		{"window", "{\"from\":\"2026-06-03T06:00+09:00\"}", NULL, NULL},
		{"window", "{}", "parameter_conflict", "one of \"from\" and \"until\""},
		{"window", "{\"from\":\"2026-06-03T06:00+09:00\",\"until\":\"2026-06-02T21:00Z\"}", "parameter_conflict", "no row would"},
		{"window", "{\"from\":\"yesterday\"}", "parameter_type", "It must be: time with offset, but is \"yesterday\"."},
		{"window", "{\"from\":\"2026-06-03 06:00\"}", "parameter_type", "time with offset"},
		{"monotonic", "{\"key\":[\"car\"],\"value\":\"km\"}", NULL, NULL},
		{"monotonic", "{\"key\":[\"car\"],\"strict\":\"true\",\"value\":\"km\"}", NULL, NULL},
		{"monotonic", "{\"key\":[\"car\"],\"strict\":\"yes\",\"value\":\"km\"}", "parameter_type", "true or false"},
		{"monotonic", "{\"key\":[\"car\"],\"value\":\"\"}", "parameter_type", "column"},
		{"monotonic", "{\"key\":[\"car\"],\"value\":[\"km\"]}", "parameter_type", "column"},
		{"transition", "{\"key\":[\"id\"],\"state\":\"s\",\"steps\":[{\"to\":\"a\"}]}", NULL, NULL},
		{"transition", "{\"key\":[\"id\"],\"state\":\"s\",\"steps\":[{\"from\":\"a\"}]}", "parameter_type", "{from (optional), to, by (optional)}"},
		{"transition", "{\"key\":[\"id\"],\"state\":\"s\",\"steps\":[{\"over\":\"x\",\"to\":\"a\"}]}", "parameter_type", "array of objects"},
		{"transition", "{\"key\":[\"id\"],\"state\":\"s\",\"steps\":[{\"to\":[\"a\"]}]}", "parameter_type", "array of objects"},
		{"transition", "{\"key\":[\"id\"],\"state\":\"s\",\"steps\":[\"a\"]}", "parameter_type", "array of objects"},
		{"transition", "{\"key\":[\"id\"],\"state\":\"s\",\"steps\":[]}", "parameter_type", "array of objects"},
		{"transition", "{\"key\":[\"id\"],\"state\":\"s\",\"steps\":{}}", "parameter_type", "array of objects"},
		{"transition", "{\"key\":[\"id\"],\"state\":\"s\",\"steps\":[{\"by\":\"b\",\"to\":\"a\"}]}", "parameter_conflict", "\"actor\" names no column"},
		{"balance", "{\"amount\":\"n\",\"from\":\"a\",\"to\":\"b\"}", NULL, NULL},
		{"balance", "{\"amount\":\"n\",\"from\":\"a\",\"scale\":\"2\",\"to\":\"b\"}", NULL, NULL},
		{"balance", "{\"amount\":\"n\",\"from\":\"a\",\"scale\":\"2.5\",\"to\":\"b\"}", "parameter_type", "whole number"},
		{"balance", "{\"amount\":\"n\",\"from\":\"a\",\"scale\":\"9223372036854775808\",\"to\":\"b\"}", "parameter_type", "whole number"},
		{"balance", "{\"amount\":\"n\",\"from\":\"a\",\"scale\":\"-1\",\"to\":\"b\"}", "parameter_conflict", "between 0 and 1000"},
		{"balance", "{\"amount\":\"n\",\"from\":\"a\",\"issuers\":[\"bank\"],\"to\":\"b\"}", "parameter_conflict", "go together"},
		{"quota", "{\"key\":[\"id\"],\"limit\":\"3\"}", NULL, NULL},
		{"quota", "{\"key\":[\"id\"]}", "parameter_conflict", "exactly one"},
		{"quota", "{\"grant\":\"g\",\"key\":[\"id\"],\"limit\":\"3\"}", "parameter_conflict", "exactly one"},
		{"quota", "{\"expires\":\"e\",\"key\":[\"id\"],\"limit\":\"3\"}", "parameter_conflict", "goes with"},
		{"quota", "{\"key\":[\"id\"],\"limit\":\"-3\"}", "parameter_conflict", "less than zero"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ScStatus	status = parse(cases[i].rule, cases[i].parameters);
		ScBuf		all = SC_BUF_INIT;

		CHECK_CASE(status == (cases[i].code ? SC_MALFORMED : SC_OK), cases[i].parameters);
		CHECK_CASE((args != NULL) == (status == SC_OK), cases[i].parameters);
		if (cases[i].code)
		{
			CHECK_CASE(problem.refused && strcmp(text(&problem.code), cases[i].code) == 0, cases[i].parameters);
			sc_rule_problem_json(&all, &problem);
			sc_buf_reset(&all);
			sc_buf_append(&all, problem.message.data, problem.message.len);
			sc_buf_append(&all, problem.detail.data, problem.detail.len);
			sc_buf_append(&all, problem.hint.data, problem.hint.len);
			CHECK_CASE(strstr(text(&all), cases[i].says) != NULL, text(&all));
		}
		sc_buf_free(&all);
	}
}

static void
test_columns(void)
{
	const char *const columns[] = {"voter", "election", "choice"};

	start("one_per", "{\"key\":[\"voter\",\"election\"]}");
	CHECK(args->nvalues == 2 && strcmp(args->columns[1], "election") == 0);
	CHECK_STATUS(sc_rule_args_columns(args, columns, 3, &problem), SC_OK);
	CHECK_STATUS(sc_rule_args_columns(args, columns, 1, &problem), SC_MALFORMED);
	CHECK(strstr(text(&problem.message), "no column \"election\"") && strcmp(text(&problem.hint), "Columns: voter.") == 0);
}

static void
test_one_per(void)
{
	ScBuf		json = SC_BUF_INIT;
	char		longer[600];

	start("one_per", "{\"key\":[\"voter\",\"election\"]}");
	seq = 0;
	CHECK(ROW("kim", "2026") && ROW("lee", "2026") && ROW("kim", "2027"));
	CHECK(REFUSED("taken", "kim", "2026"));
	sc_rule_problem_json(&json, &run.problem);
	CHECK(strcmp(text(&json), "{\"code\":\"taken\",\"detail\":\"The row with ledger_seq 1 has this key.\","
				 "\"hint\":\"One row for each key is accepted, the first.\","
				 "\"message\":\"there is a row for [\\\"kim\\\",\\\"2026\\\"] already\"}") == 0);
	CHECK(REFUSED("null", NULL, "2026") && REFUSED("null", "kim", NULL));
	/* parts do not run into each other */
	CHECK(ROW("a\",\"b", "c") && ROW("a", "b\",\"c") && ROW("", "") && REFUSED("taken", "", ""));
	/* long keys, which stand by their hash */
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CHECK(ROW(longer, "2026") && REFUSED("taken", longer, "2026"));
	longer[598] = 'y';
	CHECK(ROW(longer, "2026"));
	/* history that breaks the rule: the first row keeps the key */
	effect_at(JUNE_3, 99, (const char *const[]) {"kim", "2026"});
	effect_at(JUNE_3, 99, (const char *const[]) {NULL, "2026"});
	CHECK(memory.count == 8 && REFUSED("taken", "kim", "2026") && strstr(text(&run.problem.detail), "ledger_seq 1 "));
	sc_buf_free(&json);
}

static void
test_window(void)
{
	start("window", "{\"from\":\"2026-06-03T06:00+09:00\",\"until\":\"2026-06-03T18:00+09:00\"}");
	CHECK(args->nvalues == 0);
	CHECK(check_at(JUNE_3, NULL) && check_at(JUNE_3 + INT64_C(12) * 3600000000 - 1, NULL));
	CHECK(!check_at(JUNE_3 - 1, NULL) && strcmp(text(&run.problem.code), "too_early") == 0);
	CHECK(strcmp(text(&run.problem.detail), "The row came at 2026-06-02 20:59:59.999999+00.") == 0);
	CHECK(!check_at(JUNE_3 + INT64_C(12) * 3600000000, NULL) && strcmp(text(&run.problem.code), "too_late") == 0);
	start("window", "{\"from\":\"2026-06-03T06:00+09:00\"}");
	CHECK(check_at(INT64_MAX, NULL) && !check_at(INT64_MIN, NULL));
	start("window", "{\"until\":\"2026-06-03T06:00+09:00\"}");
	CHECK(!check_at(INT64_MAX, NULL) && check_at(INT64_MIN, NULL) && !check_at(JUNE_3, NULL));
}

static void
test_monotonic(void)
{
	start("monotonic", "{\"key\":[\"car\"],\"value\":\"km\"}");
	CHECK(ROW("a", "10") && ROW("a", "10.0") && ROW("a", "10.5") && ROW("b", "-3") && ROW("b", "0"));
	CHECK(REFUSED("backwards", "a", "10.49"));
	CHECK(strcmp(text(&run.problem.message), "\"km\" would go from 10.5 to 10.49") == 0);
	CHECK(strcmp(text(&run.problem.hint), "A value of at least 10.5 is accepted.") == 0);
	CHECK(REFUSED("null", "a", NULL) && REFUSED("not_a_number", "a", "NaN") && REFUSED("not_a_number", "a", "1e9"));
	CHECK(strcmp(text(&run.problem.message), "column \"km\" is 1e9, which is no decimal number") == 0);
	CHECK(ROW(NULL, "5") && REFUSED("backwards", NULL, "4"));
	/* history: what is not a number changes nothing, what is smaller neither */
	effect_at(JUNE_3, 9, (const char *const[]) {"a", "3"});
	effect_at(JUNE_3, 9, (const char *const[]) {"a", "x"});
	effect_at(JUNE_3, 9, (const char *const[]) {"a", NULL});
	CHECK(ROW("a", "10.5"));
	start("monotonic", "{\"key\":[\"car\"],\"strict\":\"true\",\"value\":\"km\"}");
	CHECK(ROW("a", "10") && REFUSED("backwards", "a", "10.0") && ROW("a", "10.01"));
}

/* every path of every length up to 4 through four states, against the table of steps */
static void
test_transition(void)
{
	static const char *const states[] = {"new", "held", "sold", "scrapped"};
	static const bool steps[5][4] = {{1, 0, 0, 0}, {0, 1, 1, 0}, {1, 0, 0, 1}, {0, 1, 0, 0}, {0, 0, 0, 0}};
	int			before = test_failed;

	for (int path = 0; path < 4 * 4 * 4 * 4; path++)
	{
		int			at = 0;		/* 0 = nothing, else index of state + 1 */
		bool		accepted;

		start("transition", "{\"key\":[\"car\"],\"state\":\"state\",\"steps\":[{\"to\":\"new\"},{\"from\":\"new\",\"to\":\"held\"},"
			  "{\"from\":\"new\",\"to\":\"sold\"},{\"from\":\"held\",\"to\":\"new\"},{\"from\":\"held\",\"to\":\"scrapped\"},"
			  "{\"from\":\"sold\",\"to\":\"held\"}]}");
		for (int i = 0; i < 4; i++)
		{
			int			to = path >> (2 * i) & 3;

			accepted = ROW("1", states[to]);
			REQUIRE(accepted == steps[at][to]);
			if (accepted)
				at = to + 1;
		}
	}
	CHECK_NO_NEW_FAILURE(before);
	CHECK(ROW("2", "new") && REFUSED("no_step", "2", "scrapped"));
	CHECK(strcmp(text(&run.problem.message), "no step leads from \"new\" to \"scrapped\"") == 0);
	CHECK(strcmp(text(&run.problem.hint), "Accepted from there: \"held\", \"sold\".") == 0);
	CHECK(REFUSED("no_step", "3", NULL) && REFUSED("no_step", "3", "held"));
	effect_at(JUNE_3, 9, (const char *const[]) {"2", "scrapped"});
	CHECK(REFUSED("no_step", "2", "new") && strcmp(text(&run.problem.hint), "No step leads on from there.") == 0);
}

static void
test_roles(void)
{
	start("transition", "{\"actor\":\"who\",\"key\":[\"car\"],\"roles\":[{\"actor\":\"kim\",\"role\":\"dealer\"},{\"actor\":\"lee\",\"role\":\"dealer\"}],"
		  "\"state\":\"state\",\"steps\":[{\"by\":\"dealer\",\"to\":\"new\"},{\"by\":\"office\",\"from\":\"new\",\"to\":\"scrapped\"},"
		  "{\"by\":\"dealer\",\"from\":\"new\",\"to\":\"scrapped\"},{\"from\":\"scrapped\",\"to\":\"new\"}]}");
	/* values: key, state, actor */
	CHECK(ROW("1", "new", "kim") && REFUSED("no_step", "1", "new", "lee"));
	CHECK(REFUSED("not_allowed", "2", "new", "park"));
	CHECK(strcmp(text(&run.problem.message), "\"park\" may not take the step from nothing to \"new\"") == 0);
	CHECK(strcmp(text(&run.problem.hint), "Accepted from there: \"new\" by dealer.") == 0);
	/* a role with a list is its list alone; one without is its own name */
	CHECK(REFUSED("not_allowed", "2", "new", "dealer") && REFUSED("not_allowed", "2", "new", NULL));
	CHECK(ROW("1", "scrapped", "office") && ROW("1", "new", NULL) && ROW("1", "scrapped", "lee"));
}

/* random transfers against integer accounts */
static void
test_balance(void)
{
	static const char *const names[] = {NULL, "city", "kim", "lee", "park"};
	int			accounts[5] = {0};
	int			before = test_failed;
	int			accepted = 0;
	ScRuleCursor cursor = {0};
	const char *key,
			   *value;
	long		sum = 0;

	start("balance", "{\"amount\":\"coins\",\"from\":\"payer\",\"to\":\"payee\"}");
	seq = 0;
	for (int i = 0; i < 20000; i++)
	{
		int			from = (int) (test_random() % 5);
		int			to = (int) (test_random() % 5);
		int			amount = (int) (test_random() % 120) - 10;
		char		coins[16];
		bool		good = (from > 0 || to > 0) && amount > 0 && (from == 0 || accounts[from] >= amount);

		snprintf(coins, sizeof(coins), "%d", amount);
		REQUIRE(ROW(names[from], names[to], coins) == good);
		if (good)
		{
			accounts[from] -= amount;
			accounts[to] += amount;
			accepted++;
		}
	}
	CHECK(accepted > 1000);
	while (sc_rule_memory_next(&memory, &cursor, &key, &value))
		sum += atol(value);
	CHECK(sum == -accounts[0]);
	for (int i = 1; i < 5; i++)
	{
		char		name[32],
					number[32];

		snprintf(name, sizeof(name), "[\"%s\"]", names[i]);
		snprintf(number, sizeof(number), "%d", accounts[i]);
		CHECK(strcmp(memory.store.get(&memory.store, name), number) == 0);
	}
	CHECK_NO_NEW_FAILURE(before);
}

static void
test_balance_refusals(void)
{
	start("balance", "{\"actor\":\"who\",\"amount\":\"coins\",\"from\":\"payer\",\"issuers\":[\"bank\"],\"scale\":\"2\","
		  "\"to\":\"payee\",\"token\":\"kind\"}");
	/* values: payer, payee, amount, token, actor */
	CHECK(ROW(NULL, "kim", "10.50", "won", "bank") && ROW("kim", "lee", "0.5", "won", "kim"));
	CHECK(REFUSED("not_issuer", NULL, "kim", "1", "won", "kim"));
	CHECK(strcmp(text(&run.problem.message), "\"kim\" may not issue tokens") == 0);
	CHECK(strcmp(text(&run.problem.hint), "Accepted from: \"bank\".") == 0);
	CHECK(REFUSED("not_issuer", "kim", NULL, "1", "won", NULL));
	CHECK(strcmp(text(&run.problem.message), "\"who\" is null, so nobody burns the tokens") == 0);
	CHECK(ROW("kim", NULL, "1", "won", "bank") && REFUSED("no_account", NULL, NULL, "1", "won", "bank"));
	CHECK(REFUSED("insufficient", "kim", "lee", "9.01", "won", NULL));
	CHECK(strcmp(text(&run.problem.detail), "The balance is 9; 0.01 is missing.") == 0);
	CHECK(strcmp(text(&run.problem.hint), "An amount of at most 9 is accepted.") == 0);
	CHECK(REFUSED("insufficient", "kim", "lee", "1", "mile", NULL) && REFUSED("token", "kim", "lee", "1", NULL, NULL));
	CHECK(REFUSED("scale", "kim", "lee", "0.001", "won", NULL) && ROW("kim", "lee", "0.0100", "won", NULL));
	CHECK(REFUSED("amount", "kim", "lee", "0", "won", NULL) && REFUSED("amount", "kim", "lee", "-1", "won", NULL));
	CHECK(REFUSED("amount", "kim", "lee", NULL, "won", NULL) && REFUSED("amount", "kim", "lee", "NaN", "won", NULL));
	CHECK(ROW("kim", "kim", "8.99", "won", NULL) && REFUSED("insufficient", "kim", "kim", "9", "won", NULL));
	/* history may have gone below zero */
	effect_at(JUNE_3, 9, (const char *const[]) {"kim", "lee", "100", "won", NULL});
	CHECK(REFUSED("insufficient", "kim", "lee", "1", "won", NULL) && strstr(text(&run.problem.detail), "is -91.01; 92.01"));
}

static void
test_quota(void)
{
	start("quota", "{\"key\":[\"pass\"],\"limit\":\"2\",\"until\":\"2026-06-03T06:00:01+09:00\"}");
	CHECK(ROW("a") && ROW("a") && REFUSED("used_up", "a") && ROW("b"));
	CHECK(!row_at(JUNE_3 + 1000000, 9, (const char *const[]) {"b"}) && strcmp(text(&run.problem.code), "expired") == 0);

	start("quota", "{\"expires\":\"until\",\"grant\":\"uses_granted\",\"key\":[\"pass\"],\"uses\":\"n\"}");
	/* values: key, grant, expires, uses */
	CHECK(REFUSED("used_up", "a", NULL, NULL, "1"));
	CHECK(ROW("a", "5", "2026-06-03 06:00:00+09", NULL) && !ROW("a", NULL, NULL, "1") && strcmp(text(&run.problem.code), "expired") == 0);
	CHECK(ROW("a", "1", "2026-06-03 06:00:01+09", NULL) && ROW("a", NULL, NULL, "4") && REFUSED("used_up", "a", NULL, NULL, "3"));
	CHECK(strcmp(text(&run.problem.detail), "2 uses are left; the row takes 3.") == 0);
	CHECK(ROW("a", NULL, NULL, "2.0") && REFUSED("used_up", "a", NULL, NULL, "1") && ROW("a", NULL, NULL, "0"));
	CHECK(REFUSED("count", "a", NULL, NULL, NULL) && REFUSED("count", "a", NULL, NULL, "-1") && REFUSED("count", "a", NULL, NULL, "0.5"));
	CHECK(REFUSED("count", "a", "x", "infinity", NULL) && REFUSED("expires", "a", "1", NULL, NULL) && REFUSED("expires", "a", "1", "soon", NULL));
	CHECK(ROW("a", "1", "infinity", NULL) && ROW("a", NULL, NULL, "1"));
}

static bool
misuse(ScRuleCall *call)
{
	sc_rule_put(call, "key", "value");
	return true;
}

static bool
refuses_without_reason(ScRuleCall *call)
{
	(void) call;
	return false;
}

static bool
long_message(ScRuleCall *call)
{
	char		value[4000];

	memset(value, 'a', sizeof(value));
	memcpy(value + 999, "\xED\x95\x9C", 3);
	value[sizeof(value) - 1] = '\0';
	return sc_rule_refuse(call, "long", "%s", value);
}

/* a rule that breaks the rules for rules is found out */
static void
test_misuse(void)
{
	static const ScRuleParam none[] = {{0}};
	ScRule		rule = {.abi = SEOULCHAIN_RULE_ABI, .name = "bad", .params = none, .check = misuse};
	ScRuleArgs	bare = {.rule = &rule};

	CHECK_STATUS(sc_rule_run(&run, SC_RULE_CHECK, &bare, &memory.store, NULL, 0, 0), SC_INTERNAL);
	rule.check = refuses_without_reason;
	CHECK_STATUS(sc_rule_run(&run, SC_RULE_CHECK, &bare, &memory.store, NULL, 0, 0), SC_INTERNAL);
	rule.check = long_message;
	CHECK_STATUS(sc_rule_run(&run, SC_RULE_CHECK, &bare, &memory.store, NULL, 0, 0), SC_OK);
	CHECK(run.problem.message.len == 1002 && strcmp(text(&run.problem.message) + 998, "a...") == 0);
}

/* the store against a plain array */
static void
test_memory(void)
{
	static int	model[5000];
	ScRuleCursor cursor = {0};
	const char *key,
			   *value;
	size_t		n = 0;
	int			before = test_failed;

	sc_rule_memory_free(&memory);
	CHECK(sc_rule_memory_init(&memory));
	for (int i = 0; i < 50000; i++)
	{
		int			k = (int) (test_random() % 5000);
		char		name[16],
					number[16];

		snprintf(name, sizeof(name), "k%d", k);
		snprintf(number, sizeof(number), "%d", i % 1000);
		if (i % 7 == 0)
		{
			sc_rule_memory_remove(&memory, name);
			model[k] = 0;
			REQUIRE(memory.store.get(&memory.store, name) == NULL);
		}
		else if (i % 2 == 0)
		{
			memory.store.put(&memory.store, name, number);
			model[k] = i % 1000;
		}
		else
		{
			memory.store.add(&memory.store, name, number);
			model[k] += i % 1000;
		}
	}
	while (sc_rule_memory_next(&memory, &cursor, &key, &value))
	{
		REQUIRE(model[atoi(key + 1)] == atoi(value));
		n++;
	}
	CHECK(n == memory.count && !memory.store.failed);
	CHECK_NO_NEW_FAILURE(before);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	sc_rule_run_init(&run);
	test_builtin();
	test_parameters();
	test_columns();
	test_one_per();
	test_window();
	test_monotonic();
	test_transition();
	test_roles();
	test_balance();
	test_balance_refusals();
	test_quota();
	test_memory();
	test_misuse();
	sc_rule_args_free(args);
	sc_rule_memory_free(&memory);
	sc_rule_run_free(&run);
	sc_rule_problem_free(&problem);
	return test_end("rule");
}
