/*
 * rule_sql.c
 *	  The rule `sql`: a function in SQL or PL/pgSQL judges rows, for prototypes.
 *
 * The function gets the columns that the contract names, as a JSON object of
 * the texts that leaves hold, and the row's acceptance time; it returns NULL,
 * or why the row is refused.  It keeps no state.
 * Invariant: none that a C rule gives: the function may be replaced, and may
 * look at tables and clocks.  So it is refused on chains that others follow.
 * Context: runs as the user who inserts, as a trigger does.
 */
#include "postgres.h"

#include "contract/rule_sql.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "core/buf.h"
#include "core/json.h"
#include "fmgr.h"
#include "ledger/ledger_time.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "rule_digest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

enum
{
	FUNCTION, COLUMNS
};

static const ScRuleParam params[] = {
	{"function", SC_RULE_TEXT, true, NULL, NULL, "function(jsonb, timestamptz) returning text: NULL, or why the row is refused"},
	{"columns", SC_RULE_COLUMNS, true, NULL, NULL, "columns that the function gets"},
	{0}
};

#define WANTED "Name it with its schema; it takes (jsonb, timestamptz) and returns text."

/* is it what a rule can call?  Asked each time: it may have been made anew since. */
static bool
is_fit(Oid function)
{
	return OidIsValid(function) && get_func_prokind(function) == PROKIND_FUNCTION &&
		get_func_rettype(function) == TEXTOID && !get_func_retset(function);
}

/* the OID of the function of that name that a rule can call, or InvalidOid */
static Oid
find_function(const char *name)
{
	Oid			types[2] = {JSONBOID, TIMESTAMPTZOID};
	Oid			function;
	List	   *names = NIL;
	List	   *parts;
	ListCell   *cell;

	if (!SplitIdentifierString(pstrdup(name), '.', &parts) || list_length(parts) < 2)
		return InvalidOid;
	foreach(cell, parts)
		names = lappend(names, makeString(lfirst(cell)));
	function = LookupFuncName(names, 2, types, true);
	return is_fit(function) ? function : InvalidOid;
}

static bool
accept(ScRuleCall *call)
{
	if (OidIsValid(find_function(call->args[FUNCTION].text)))
		return true;
	sc_rule_explain(call, NULL, WANTED);
	return sc_rule_refuse(call, "no_function", "there is no function \"%s\" that a rule could be", call->args[FUNCTION].text);
}

/* the columns as an object of texts; null where there is no value */
static Datum
row_object(const ScRuleCall *call)
{
	const ScRuleArg *columns = &call->args[COLUMNS];
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < columns->nitems; i++)
	{
		const char *value = sc_rule_value(call, COLUMNS, i);

		if (i > 0)
			appendStringInfoChar(&json, ',');
		escape_json(&json, columns->items[i]);
		appendStringInfoChar(&json, ':');
		if (value)
			escape_json(&json, value);
		else
			appendStringInfoString(&json, "null");
	}
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* what the function says: palloc'd, or NULL */
static char *
ask(Oid function, Datum object, TimestampTz time)
{
	LOCAL_FCINFO(fcinfo, 2);
	FmgrInfo	flinfo;
	Datum		answer;

	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 2, DEFAULT_COLLATION_OID, NULL, NULL);
	fcinfo->args[0].value = object;
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = TimestampTzGetDatum(time);
	fcinfo->args[1].isnull = false;
	answer = FunctionCallInvoke(fcinfo);
	return fcinfo->isnull ? NULL : TextDatumGetCString(answer);
}

static bool
check(ScRuleCall *call)
{
	Oid			function = find_function(call->args[FUNCTION].text);
	char	   *why;

	if (!OidIsValid(function))
	{
		sc_rule_explain(call, NULL, WANTED);
		return sc_rule_refuse(call, "no_function", "there is no function \"%s\" any more that a rule could be", call->args[FUNCTION].text);
	}
	if (!SC_MAY_EXECUTE(function, GetUserId()))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, get_func_name(function));
	why = ask(function, row_object(call),
			  call->time - SC_UNIX_MICROS);
	return why == NULL || sc_rule_refuse(call, "refused", "%s", why);
}

const ScRule sc_rule_sql = {
	.abi = SEOULCHAIN_RULE_ABI,
	.name = "sql",
	.version = "1",
	.source_digest = SC_DIGEST_RULE_SQL,
	.meaning = "a function in SQL or PL/pgSQL judges the row: for prototypes",
	.params = params,
	.accept = accept,
	.check = check
};
