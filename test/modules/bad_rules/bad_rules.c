/*
 * bad_rules.c
 *	  A rule library in which everything goes wrong: what the host must stand.
 *
 * Each rule misbehaves when the row's column `how` says its name, in the phase
 * that `how` stands for; other rows it accepts.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "seoulchain.h"

PG_MODULE_MAGIC;

static const ScRuleParam params[] = {
	{"how", SC_RULE_COLUMN, true, NULL, NULL, "column that says what to do"},
	{0}
};

static bool
says(const ScRuleCall *call, const char *how)
{
	const char *value = sc_rule_value(call, 0, 0);

	return value != NULL && strcmp(value, how) == 0;
}

static const char *
only_key(ScRuleCall *call)
{
	return sc_rule_key(call, call->values, 1);
}

/* for ever, unless somebody stops the statement */
static void
loop(ScRuleCall *call)
{
	for (;;)
		sc_rule_pulse(call);
}

static void
insert_rows(void)
{
	SPI_connect();
	SPI_execute("INSERT INTO bad VALUES ('nested')", false, 0);
	SPI_finish();
}

static void
bad_lock(ScRuleCall *call)
{
	sc_rule_lock(call, only_key(call));
	if (says(call, "throw in lock"))
		ereport(ERROR, (errcode(ERRCODE_DIVISION_BY_ZERO), errmsg("thrown in lock")));
}

static bool
bad_check(ScRuleCall *call)
{
	if (says(call, "throw"))
		ereport(ERROR, (errcode(ERRCODE_DIVISION_BY_ZERO), errmsg("thrown in check")));
	if (says(call, "loop"))
		loop(call);
	if (says(call, "refuse silently"))
		return false;
	if (says(call, "write early"))
		sc_rule_put(call, only_key(call), "x");
	if (says(call, "insert"))
		insert_rows();
	if (says(call, "get"))
		(void) sc_rule_get(call, "never locked");
	return true;
}

static void
bad_effect(ScRuleCall *call)
{
	sc_rule_put(call, only_key(call), "1");
	if (says(call, "throw in effect"))
		ereport(ERROR, (errcode(ERRCODE_DIVISION_BY_ZERO), errmsg("thrown in effect")));
	if (says(call, "add"))
		sc_rule_add(call, only_key(call), "much");
}

static const ScRule bad_rule = {
	.abi = SEOULCHAIN_RULE_ABI,
	.name = "bad",
	.version = "1",
	.source_digest = "0000000000000000000000000000000000000000000000000000000000000000",
	.meaning = "misbehaves when told to",
	.params = params,
	.lock = bad_lock,
	.check = bad_check,
	.effect = bad_effect
};

SEOULCHAIN_RULES(&bad_rule);
