/*
 * definition.c
 *	  A contract's definition: canonical JSON, taken apart and checked.
 *
 * Invariant: the set of members is closed at every level; what is not known
 * is refused, so that no word of a definition is without effect.
 * Context: palloc in the current memory context; strings stay where they are.
 * Does not know: tables, rules and members (definition_bind.c).
 */
#include "postgres.h"

#include "contract/definition.h"

#include "contract/json_tree.h"
#include "contract/memory.h"
#include "core/instant.h"
#include "core/text.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* the longest name of a contract, in bytes */
#define NAME_MAX_BYTES 100

/* room for what a message says, and a value in it */
#define MESSAGE_BYTES 512

/* the most members that a policy may name */
#define MEMBERS_MAX 1000

static void refuse(const char *where, const char *hint, const char *format,...)
			__attribute__((format(printf, 3, 4), noreturn));

static void
refuse(const char *where, const char *hint, const char *format,...)
{
	char		message[MESSAGE_BYTES];
	va_list		args;
	int			len;

	va_start(args, format);
	len = vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	/* a long value is cut, but not within a character */
	if (len >= (int) sizeof(message))
		message[pg_mbcliplen(message, sizeof(message) - 1, sizeof(message) - 1 - MAX_MULTIBYTE_CHAR_LEN)] = '\0';
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("contract definition: %s", message),
			 where[0] != '\0' ? errdetail("At %s.", where) : 0,
			 hint ? errhint("%s", hint) : 0));
}

/* an object with these members only; names is NULL-terminated, a '?' in front means that it may be left out */
static void
check_object(const ScJson *json, const char *where, const char *const *names)
{
	StringInfoData known;

	if (json->kind != SC_JSON_OBJECT)
		refuse(where, NULL, "an object is needed here");
	initStringInfo(&known);
	for (int i = 0; names[i]; i++)
	{
		const char *name = names[i] + (names[i][0] == '?');

		appendStringInfo(&known, "%s%s", i ? ", " : "", name);
		if (names[i][0] != '?' && sc_json_member(json, name) == NULL)
			refuse(where, NULL, "\"%s\" is missing", name);
	}
	for (const ScJson *member = json->first; member; member = member->next)
	{
		bool		found = false;

		for (int i = 0; names[i] && !found; i++)
			found = strcmp(member->key, names[i] + (names[i][0] == '?')) == 0;
		if (!found)
			refuse(where, psprintf("Known members here: %s.", known.data), "unknown member \"%s\"", member->key);
	}
	pfree(known.data);
}

/* a member that is a string; NULL when it may be left out and is */
static const char *
string_member(const ScJson *object, const char *where, const char *name)
{
	const ScJson *member = sc_json_member(object, name);

	if (member == NULL)
		return NULL;
	if (member->kind != SC_JSON_STRING)
		refuse(where, NULL, "\"%s\" must be a string", name);
	if (member->len == 0)
		refuse(where, NULL, "\"%s\" must not be empty", name);
	return member->string;
}

/* a member that is an array; NULL when it is left out */
static const ScJson *
array_member(const ScJson *object, const char *where, const char *name)
{
	const ScJson *member = sc_json_member(object, name);

	if (member != NULL && member->kind != SC_JSON_ARRAY)
		refuse(where, NULL, "\"%s\" must be an array", name);
	return member;
}

static int32
count_member(const ScJson *object, const char *where, const char *name)
{
	const char *text = string_member(object, where, name);
	uint64_t	value;

	if (!sc_text_uint64(&value, text, strlen(text)) || value < 1 || value > PG_INT32_MAX)
		refuse(where, NULL, "\"%s\" must be a whole number from 1 on, but is \"%s\"", name, text);
	return (int32) value;
}

/* names in messages, files and URLs to come: nothing that needs quoting */
static const char *
read_name(const ScJson *json)
{
	const char *name = string_member(json, "", "contract");

	if (strlen(name) > NAME_MAX_BYTES)
		refuse("contract", NULL, "the name has more than %d bytes", NAME_MAX_BYTES);
	for (const char *c = name; *c; c++)
		if ((unsigned char) *c <= ' ' || *c == '"' || *c == '\'' || *c == '/' || *c == '\\' || *c == 0x7f)
			refuse("contract", "Letters, digits, '.', '-' and '_' are fine.", "\"%s\" is no name of a contract", name);
	return name;
}

static void
check_date(const ScJson *object, const char *where, const char *name)
{
	const char *text = string_member(object, where, name);
	int64_t		instant;

	if (text && (strlen(text) != 10 || !sc_instant_read(&instant, psprintf("%sT00:00:00Z", text))))
		refuse(where, "A date is written YYYY-MM-DD.", "\"%s\" must be a date, but is \"%s\"", name, text);
}

static void
check_ordinance(const ScJson *json)
{
	static const char *const names[] = {"name", "number", "from", "?article", "?until", NULL};
	const char *from;
	const char *until;

	check_object(json, "ordinance", names);
	for (int i = 0; names[i]; i++)
		(void) string_member(json, "ordinance", names[i] + (names[i][0] == '?'));
	check_date(json, "ordinance", "from");
	check_date(json, "ordinance", "until");
	from = string_member(json, "ordinance", "from");
	until = string_member(json, "ordinance", "until");
	if (until && strcmp(until, from) < 0)
		refuse("ordinance", NULL, "\"until\" (%s) is before \"from\" (%s)", until, from);
}

static bool
has_string(const List *strings, const char *string)
{
	ListCell   *cell;

	foreach(cell, strings)
		if (strcmp(lfirst(cell), string) == 0)
			return true;
	return false;
}

static void
read_approval(ScDefinition *definition, const ScJson *json)
{
	static const char *const names[] = {"members", "quorum", NULL};
	const ScJson *members;

	check_object(json, "approval", names);
	members = array_member(json, "approval", "members");
	for (const ScJson *member = members->first; member; member = member->next)
	{
		if (member->kind != SC_JSON_STRING || member->len == 0)
			refuse("approval.members", NULL, "a member is a string that is not empty");
		if (has_string(definition->members, member->string))
			refuse("approval.members", NULL, "member \"%s\" stands there twice", member->string);
		definition->members = lappend(definition->members, member->string);
	}
	if (list_length(definition->members) > MEMBERS_MAX)
		refuse("approval.members", NULL, "there are more than %d members", MEMBERS_MAX);
	definition->quorum = count_member(json, "approval", "quorum");
	if (definition->quorum > list_length(definition->members))
		refuse("approval", NULL, "\"quorum\" asks for %d of %d members",
			   definition->quorum, list_length(definition->members));
}

static ScDefRule *
read_rule(const ScJson *json, const char *where, int ordinal)
{
	static const char *const names[] = {"name", "parameters", "version", NULL};
	ScDefRule  *rule = palloc0(sizeof(ScDefRule));

	check_object(json, where, names);
	rule->name = string_member(json, where, "name");
	rule->version = string_member(json, where, "version");
	rule->parameters = sc_json_member(json, "parameters");
	rule->ordinal = ordinal;
	if (rule->parameters->kind != SC_JSON_OBJECT)
		refuse(where, NULL, "\"parameters\" must be an object");
	return rule;
}

static ScDefTable *
read_table(const ScJson *json, const char *where)
{
	static const char *const names[] = {"rules", "table", NULL};
	ScDefTable *table = palloc0(sizeof(ScDefTable));
	const ScJson *rules;
	int			ordinal = 0;

	check_object(json, where, names);
	table->ledger_name = string_member(json, where, "table");
	rules = array_member(json, where, "rules");
	for (const ScJson *rule = rules->first; rule; rule = rule->next)
	{
		ordinal++;
		if (ordinal > PG_INT16_MAX)
			refuse(where, NULL, "there are more than %d rules", PG_INT16_MAX);
		table->rules = lappend(table->rules, read_rule(rule, psprintf("%s.rules[%d]", where, ordinal), ordinal));
	}
	if (table->rules == NIL)
		refuse(where, "Leave a table without rules out.", "table \"%s\" has no rules", table->ledger_name);
	return table;
}

ScDefTable *
sc_definition_table(const ScDefinition *definition, const char *ledger_name)
{
	ListCell   *cell;

	foreach(cell, definition->tables)
	{
		ScDefTable *table = lfirst(cell);

		if (strcmp(table->ledger_name, ledger_name) == 0)
			return table;
	}
	return NULL;
}

static void
read_tables(ScDefinition *definition, const ScJson *json)
{
	int			n = 0;

	for (const ScJson *element = json->first; element; element = element->next)
	{
		ScDefTable *table = read_table(element, psprintf("tables[%d]", ++n));

		if (sc_definition_table(definition, table->ledger_name) != NULL)
			refuse(psprintf("tables[%d]", n), "List all its rules in one place.",
				   "table \"%s\" stands there twice", table->ledger_name);
		definition->tables = lappend(definition->tables, table);
	}
	if (definition->tables == NIL)
		refuse("tables", "To end a contract: seoulchain.retire_contract().", "there are no tables");
}

/* "accepted", or a refusal as sc_judge_answer() writes it */
static void
check_answer(const ScJson *answer, const char *where)
{
	static const char *const names[] = {"code", "message", "rule", "?detail", "?hint", NULL};

	if (answer->kind == SC_JSON_OBJECT)
	{
		check_object(answer, where, names);
		for (int i = 0; names[i]; i++)
			(void) string_member(answer, where, names[i] + (names[i][0] == '?'));
	}
	else if (answer->kind != SC_JSON_STRING || strcmp(answer->string, "accepted") != 0)
		refuse(where, "\"accepted\", or {\"code\":..., \"message\":..., \"rule\":..., ...} as the rule says it.",
			   "\"answer\" is neither \"accepted\" nor a refusal");
}

static ScDefTestRow *
read_test_row(const ScDefinition *definition, const ScJson *json, const char *where)
{
	static const char *const names[] = {"answer", "columns", "table", "time", NULL};
	ScDefTestRow *row = palloc0(sizeof(ScDefTestRow));
	int64_t		instant;

	check_object(json, where, names);
	row->table = string_member(json, where, "table");
	row->time = string_member(json, where, "time");
	row->columns = sc_json_member(json, "columns");
	row->answer = sc_json_member(json, "answer");
	if (sc_definition_table(definition, row->table) == NULL)
		refuse(where, NULL, "table \"%s\" has no rules in this definition", row->table);
	if (!sc_instant_read(&instant, row->time) || instant == SC_INSTANT_END || instant == SC_INSTANT_BEGIN)
		refuse(where, "For example 2026-06-03T06:00:00+09:00.", "\"%s\" is no time", row->time);
	if (row->columns->kind != SC_JSON_OBJECT)
		refuse(where, NULL, "\"columns\" must be an object");
	for (const ScJson *column = row->columns->first; column; column = column->next)
		if (column->kind != SC_JSON_STRING)
			refuse(where, NULL, "the value of column \"%s\" must be a string", column->key);
	check_answer(row->answer, where);
	return row;
}

static void
read_tests(ScDefinition *definition, const ScJson *json)
{
	static const char *const names[] = {"name", "rows", NULL};
	List	   *seen = NIL;
	int			n = 0;

	for (const ScJson *element = json->first; element; element = element->next)
	{
		char	   *where = psprintf("tests[%d]", ++n);
		ScDefTest  *test = palloc0(sizeof(ScDefTest));
		int			r = 0;

		check_object(element, where, names);
		test->name = string_member(element, where, "name");
		if (has_string(seen, test->name))
			refuse(where, NULL, "there are two tests \"%s\"", test->name);
		seen = lappend(seen, unconstify(char *, test->name));
		for (const ScJson *row = array_member(element, where, "rows")->first; row; row = row->next)
			test->rows = lappend(test->rows, read_test_row(definition, row, psprintf("%s.rows[%d]", where, ++r)));
		if (test->rows == NIL)
			refuse(where, NULL, "test \"%s\" has no rows", test->name);
		definition->tests = lappend(definition->tests, test);
	}
}

ScDefinition *
sc_definition_read(const ScJson *json)
{
	static const char *const names[] = {"contract", "ordinance", "tables", "version", "?approval", "?tests", NULL};
	ScDefinition *definition = palloc0(sizeof(ScDefinition));
	const ScJson *approval;
	const ScJson *tests;

	check_object(json, "", names);
	definition->contract = read_name(json);
	definition->version = count_member(json, "", "version");
	check_ordinance(sc_json_member(json, "ordinance"));
	approval = sc_json_member(json, "approval");
	if (approval != NULL)
		read_approval(definition, approval);
	read_tables(definition, array_member(json, "", "tables"));
	tests = array_member(json, "", "tests");
	if (tests != NULL)
		read_tests(definition, tests);
	return definition;
}

ScDefinition *
sc_definition_parse(const char *text)
{
	return sc_definition_read(sc_context_json(text, "contract definition"));
}
