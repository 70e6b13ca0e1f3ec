/*
 * rules.c
 *	  The rule functions of this node: built in, and those of libraries.
 *
 * Invariant: a name stands for one rule; libraries cannot replace a built-in
 * one or each other's.  A library is loaded once a backend, when a rule is
 * asked for that is not built in, and again only after it could not be loaded.
 * Effects: runs _PG_init of the libraries that the superuser has named.
 */
#include "postgres.h"

#include "contract/rules.h"

#include "contract/rule_sql.h"
#include "core/hash.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/registry.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(sc_rules);

static char *rule_libraries = NULL;
static List *loaded = NIL;		/* of ScNodeRule, in TopMemoryContext */
static List *libraries = NIL;	/* names of libraries that are loaded */

static bool
check_libraries(char **newval, void **extra, GucSource source)
{
	char	   *copy = pstrdup(*newval);
	List	   *names;
	bool		ok = SplitDirectoriesString(copy, ',', &names);

	if (!ok)
		GUC_check_errdetail("List syntax is invalid.");
	return ok;
}

void
sc_rules_init(void)
{
	DefineCustomStringVariable("seoulchain.rule_libraries",
							   "Libraries with rules for contracts, besides the built-in ones.",
							   "Comma-separated names as in shared_preload_libraries; loaded when a rule of theirs is first needed.",
							   &rule_libraries, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY | GUC_LIST_INPUT,
							   check_libraries, NULL, NULL);
}

static const ScNodeRule *
find_among(List *rules, const char *name)
{
	ListCell   *cell;

	foreach(cell, rules)
	{
		const ScNodeRule *entry = lfirst(cell);

		if (strcmp(entry->rule->name, name) == 0)
			return entry;
	}
	return NULL;
}

/* the n-th built-in rule, NULL behind the last: those of core, then those that need the server */
static const ScRule *
builtin_rule(int n)
{
	const ScRule *const *rule = sc_rule_builtin();

	for (; *rule != NULL; rule++, n--)
		if (n == 0)
			return *rule;
	return n == 0 ? &sc_rule_sql : NULL;
}

static const ScRule *
find_builtin(const char *name)
{
	const ScRule *rule;

	for (int n = 0; (rule = builtin_rule(n)) != NULL; n++)
		if (strcmp(rule->name, name) == 0)
			return rule;
	return NULL;
}

/* is the rule one that can be called? */
static void
check_rule(const ScRule *rule, const char *library)
{
	if (rule->abi != SEOULCHAIN_RULE_ABI)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("library \"%s\" has rules of interface %d, this is interface %d",
						library, rule->abi, SEOULCHAIN_RULE_ABI),
				 errhint("Build the library again with this release's seoulchain.h.")));
	if (rule->name == NULL || rule->version == NULL || rule->params == NULL || rule->check == NULL ||
		rule->source_digest == NULL || strlen(rule->source_digest) != 2 * SC_HASH_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("library \"%s\" has an incomplete rule", library),
				 errdetail("A rule needs a name, a version, a source digest of 64 hex digits, parameters and a check.")));
	if (find_builtin(rule->name) != NULL || find_among(loaded, rule->name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("rule \"%s\" of library \"%s\" has a name that is taken", rule->name, library)));
}

/* loads a library and takes its rules, all or none */
static void
load_library(const char *library)
{
	ScRulesFunction function = (ScRulesFunction) load_external_function(library, "seoulchain_rules", true, NULL);
	const ScRule *const *rules = function();
	MemoryContext old;

	for (int i = 0; rules[i] != NULL; i++)
		check_rule(rules[i], library);
	old = MemoryContextSwitchTo(TopMemoryContext);
	libraries = lappend(libraries, pstrdup(library));
	for (int i = 0; rules[i] != NULL; i++)
	{
		ScNodeRule *entry = palloc(sizeof(ScNodeRule));

		entry->rule = rules[i];
		entry->library = llast(libraries);
		loaded = lappend(loaded, entry);
	}
	MemoryContextSwitchTo(old);
}

/* loads it; when that fails returns why, palloc'd.  Loading leaves nothing behind that a rollback would have to undo. */
static char *
try_library(const char *library)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *volatile why = NULL;

	PG_TRY();
	{
		load_library(library);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_OUT_OF_MEMORY)
			ReThrowError(error);
		why = error->message;
	}
	PG_END_TRY();
	return why;
}

static bool
is_loaded(const char *library)
{
	ListCell   *cell;

	foreach(cell, libraries)
		if (strcmp(lfirst(cell), library) == 0)
			return true;
	return false;
}

/* loads what is not yet; the first that fails and why, or NULL */
static char *
load_libraries(char **failed)
{
	char	   *why = NULL;
	List	   *names;
	ListCell   *cell;

	if (!SplitDirectoriesString(pstrdup(rule_libraries), ',', &names))
		return NULL;
	foreach(cell, names)
	{
		char	   *library = lfirst(cell);
		char	   *problem = is_loaded(library) ? NULL : try_library(library);

		if (problem == NULL || why != NULL)
			continue;
		why = problem;
		*failed = library;
	}
	return why;
}

const ScRule *
sc_rule_find(const char *name)
{
	const ScRule *rule = find_builtin(name);
	const ScNodeRule *entry;
	char	   *failed;
	char	   *why;

	if (rule != NULL)
		return rule;
	entry = find_among(loaded, name);
	if (entry != NULL)
		return entry->rule;
	why = load_libraries(&failed);
	entry = find_among(loaded, name);
	if (entry == NULL && why != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FILE),
				 errmsg("rule \"%s\" is not available: a rule library cannot be loaded", name),
				 errdetail("Library \"%s\": %s.", failed, why),
				 errhint("Install the library, or correct seoulchain.rule_libraries.")));
	return entry != NULL ? entry->rule : NULL;
}

List *
sc_rule_all(void)
{
	List	   *all = NIL;
	char	   *failed;
	char	   *why = load_libraries(&failed);

	if (why != NULL)
		ereport(WARNING,
				(errcode(ERRCODE_UNDEFINED_FILE),
				 errmsg("rule library \"%s\" cannot be loaded: %s", failed, why)));
	for (int n = 0; builtin_rule(n) != NULL; n++)
	{
		ScNodeRule *entry = palloc(sizeof(ScNodeRule));

		entry->rule = builtin_rule(n);
		entry->library = NULL;
		all = lappend(all, entry);
	}
	return list_concat(all, loaded);
}

/* "key: array of columns, required; ..." */
static char *
parameters_text(const ScRule *rule)
{
	ScBuf		buf = SC_BUF_INIT;
	char	   *text;

	sc_rule_describe(&buf, rule);
	text = buf.failed ? NULL : pnstrdup(buf.data ? buf.data : "", buf.len);
	sc_buf_free(&buf);
	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	return text;
}

/*
 * seoulchain.rules() -> SETOF (rule, version, library, digest, meaning, parameters)
 */
Datum
sc_rules(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, sc_rule_all())
	{
		const ScNodeRule *entry = lfirst(cell);
		bool		nulls[6] = {false};
		Datum		values[6];

		values[0] = CStringGetTextDatum(entry->rule->name);
		values[1] = CStringGetTextDatum(entry->rule->version);
		nulls[2] = entry->library == NULL;
		values[2] = entry->library ? CStringGetTextDatum(entry->library) : (Datum) 0;
		values[3] = CStringGetTextDatum(entry->rule->source_digest);
		nulls[4] = entry->rule->meaning == NULL;
		values[4] = entry->rule->meaning ? CStringGetTextDatum(entry->rule->meaning) : (Datum) 0;
		values[5] = CStringGetTextDatum(parameters_text(entry->rule));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
