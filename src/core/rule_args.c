/*
 * rule_args.c
 *	  The parameters that a contract gives to a rule, read from canonical JSON.
 *
 * Invariant: what is accepted here has a value of the declared type for every
 * required parameter; a wrong or unknown one is refused with the list of what
 * the rule takes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/decimal.h"
#include "core/instant.h"
#include "core/rule.h"
#include "core/text.h"

/* at work: everything the arguments point to is carved out of one piece */
typedef struct Reader
{
	const ScRule *rule;
	ScRuleArgs *out;
	ScRuleProblem *problem;
	const char **texts;			/* the next free slot for a text pointer */
	char	   *bytes;			/* the next free byte */
} Reader;

static const char *
type_name(ScRuleType type)
{
	switch (type)
	{
		case SC_RULE_TEXT:
			return "text";
		case SC_RULE_BOOLEAN:
			return "true or false";
		case SC_RULE_INTEGER:
			return "whole number";
		case SC_RULE_DECIMAL:
			return "number";
		case SC_RULE_TIME:
			return "time with offset";
		case SC_RULE_COLUMN:
			return "column";
		case SC_RULE_COLUMNS:
			return "array of columns";
		case SC_RULE_LIST:
			return "array of texts";
		case SC_RULE_RECORDS:
			return "array of objects";
	}
	return "?";
}

static void
append_fields(ScBuf *buf, const ScRuleParam *param)
{
	const char *separator = " {";

	if (param->type != SC_RULE_RECORDS)
		return;
	for (int i = 0; param->fields[i]; i++, separator = ", ")
	{
		size_t		len = strcspn(param->fields[i], "?");

		sc_buf_string(buf, separator);
		sc_buf_append(buf, param->fields[i], len);
		if (param->fields[i][len] == '?')
			sc_buf_literal(buf, " (optional)");
	}
	sc_buf_char(buf, '}');
}

void
sc_rule_describe(ScBuf *buf, const ScRule *rule)
{
	for (const ScRuleParam *param = rule->params; param->name; param++)
	{
		if (param > rule->params)
			sc_buf_literal(buf, "; ");
		sc_buf_string(buf, param->name);
		sc_buf_literal(buf, ": ");
		sc_buf_string(buf, type_name(param->type));
		append_fields(buf, param);
		if (param->required)
			sc_buf_literal(buf, ", required");
		else if (param->initial)
		{
			sc_buf_literal(buf, ", by default ");
			sc_buf_string(buf, param->initial);
		}
	}
}

static void
append_parameters(ScBuf *buf, const ScRule *rule)
{
	sc_buf_literal(buf, "Rule \"");
	sc_buf_string(buf, rule->name);
	sc_buf_string(buf, rule->params[0].name ? "\" takes: " : "\" takes no parameters");
	sc_rule_describe(buf, rule);
	sc_buf_char(buf, '.');
}

/* `what` has the parameter's name where it says %s */
static ScStatus
refuse(Reader *reader, const char *code, const char *what, const char *name)
{
	ScRuleProblem *problem = reader->problem;
	const char *mark = strstr(what, "%s");

	problem->refused = true;
	sc_buf_string(&problem->code, code);
	sc_buf_literal(&problem->message, "rule \"");
	sc_buf_string(&problem->message, reader->rule->name);
	sc_buf_literal(&problem->message, "\": ");
	sc_buf_append(&problem->message, what, mark ? (size_t) (mark - what) : strlen(what));
	if (mark)
	{
		sc_buf_string(&problem->message, name);
		sc_buf_string(&problem->message, mark + 2);
	}
	append_parameters(&problem->hint, reader->rule);
	return SC_MALFORMED;
}

/* says what it must be and, of a text, what it is */
static ScStatus
refuse_type(Reader *reader, const ScRuleParam *param, const ScJson *given)
{
	ScBuf	   *detail = &reader->problem->detail;

	sc_buf_literal(detail, "It must be: ");
	sc_buf_string(detail, type_name(param->type));
	append_fields(detail, param);
	if (given->kind == SC_JSON_STRING)
	{
		sc_buf_literal(detail, ", but is ");
		sc_json_string(detail, given->string, given->len);
	}
	sc_buf_char(detail, '.');
	return refuse(reader, "parameter_type", "parameter \"%s\" has the wrong type", param->name);
}

static const char *
keep_text(Reader *reader, const char *text)
{
	size_t		len = strlen(text) + 1;
	char	   *kept = reader->bytes;

	memcpy(kept, text, len);
	reader->bytes += len;
	return kept;
}

/* a JSON string that is a C string too */
static bool
is_text(const ScJson *json)
{
	return json->kind == SC_JSON_STRING && strlen(json->string) == json->len;
}

static bool
read_integer(int64_t *out, const char *text)
{
	bool		negative = *text == '-';
	uint64_t	size;

	text += negative;
	if (!sc_text_uint64(&size, text, strlen(text)) || size > (uint64_t) INT64_MAX)
		return false;
	*out = negative ? -(int64_t) size : (int64_t) size;
	return true;
}

/* the value of a scalar; false when the text is not of the type */
static bool
read_scalar(ScRuleArg *arg, ScRuleType type, const char *text)
{
	switch (type)
	{
		case SC_RULE_BOOLEAN:
			arg->number = strcmp(text, "true") == 0;
			return arg->number || strcmp(text, "false") == 0;
		case SC_RULE_INTEGER:
			return read_integer(&arg->number, text);
		case SC_RULE_TIME:
			return sc_instant_read(&arg->number, text);
		case SC_RULE_DECIMAL:
			return sc_decimal_ok(text);
		case SC_RULE_COLUMN:
			return *text != '\0';
		default:
			return true;
	}
}

/* its values will stand behind those of the parameters before */
static void
see_column(Reader *reader, ScRuleArg *arg, const char *name)
{
	if (arg->nitems == 0)
		arg->first_value = reader->out->nvalues;
	reader->out->columns[reader->out->nvalues++] = name;
	arg->nitems++;
}

static ScStatus
read_list(Reader *reader, const ScRuleParam *param, ScRuleArg *arg, const ScJson *json)
{
	if (json->kind != SC_JSON_ARRAY || json->first == NULL)
		return refuse_type(reader, param, json);
	arg->items = reader->texts;
	for (const ScJson *item = json->first; item; item = item->next)
	{
		const char *text;

		if (!is_text(item) || (param->type == SC_RULE_COLUMNS && item->len == 0))
			return refuse_type(reader, param, json);
		text = keep_text(reader, item->string);
		*reader->texts++ = text;
		if (param->type == SC_RULE_COLUMNS)
			see_column(reader, arg, text);
		else
			arg->nitems++;
	}
	return SC_OK;
}

/* which field a member is; -1 = none */
static int
field_index(const ScRuleParam *param, const char *name)
{
	size_t		len = strlen(name);

	for (int i = 0; param->fields[i]; i++)
	{
		if (strncmp(param->fields[i], name, len) == 0 && (param->fields[i][len] == '\0' || param->fields[i][len] == '?'))
			return i;
	}
	return -1;
}

/* puts a record's members into its slots; false when one is unknown, missing or not a text */
static bool
read_record(Reader *reader, const ScRuleParam *param, const char **slots, const ScJson *json)
{
	if (json->kind != SC_JSON_OBJECT)
		return false;
	for (const ScJson *member = json->first; member; member = member->next)
	{
		int			field = field_index(param, member->key);

		if (field < 0 || !is_text(member))
			return false;
		slots[field] = keep_text(reader, member->string);
	}
	for (int i = 0; param->fields[i]; i++)
	{
		if (slots[i] == NULL && strchr(param->fields[i], '?') == NULL)
			return false;
	}
	return true;
}

static int
count_fields(const ScRuleParam *param)
{
	int			n = 0;

	while (param->type == SC_RULE_RECORDS && param->fields[n])
		n++;
	return n;
}

static ScStatus
read_records(Reader *reader, const ScRuleParam *param, ScRuleArg *arg, const ScJson *json)
{
	if (json->kind != SC_JSON_ARRAY || json->first == NULL)
		return refuse_type(reader, param, json);
	arg->items = reader->texts;
	arg->nfields = count_fields(param);
	for (const ScJson *record = json->first; record; record = record->next)
	{
		if (!read_record(reader, param, reader->texts, record))
			return refuse_type(reader, param, json);
		reader->texts += arg->nfields;
		arg->nitems++;
	}
	return SC_OK;
}

static ScStatus
read_arg(Reader *reader, const ScRuleParam *param, ScRuleArg *arg, const ScJson *json)
{
	arg->given = json != NULL || param->initial != NULL;
	if (!arg->given)
		return param->required ? refuse(reader, "parameter_missing", "parameter \"%s\" is missing", param->name) : SC_OK;
	if (param->type == SC_RULE_RECORDS)
		return read_records(reader, param, arg, json);
	if (param->type == SC_RULE_COLUMNS || param->type == SC_RULE_LIST)
		return read_list(reader, param, arg, json);
	if (json && (!is_text(json) || !read_scalar(arg, param->type, json->string)))
		return refuse_type(reader, param, json);
	if (json == NULL && !read_scalar(arg, param->type, param->initial))
		return refuse(reader, "parameter_type", "parameter \"%s\" begins with a value of the wrong type", param->name);
	arg->text = keep_text(reader, json ? json->string : param->initial);
	if (param->type == SC_RULE_COLUMN)
		see_column(reader, arg, arg->text);
	return SC_OK;
}

/* slots for text pointers and bytes of text that the JSON below may need */
static void
measure(const ScJson *json, int nfields, size_t *slots, size_t *bytes)
{
	for (const ScJson *child = json->first; child; child = child->next)
	{
		*slots += child->kind == SC_JSON_OBJECT ? (size_t) nfields : 1;
		if (child->kind == SC_JSON_STRING)
			*bytes += child->len + 1;
		else
			measure(child, nfields, slots, bytes);
	}
}

/* makes room for all that the arguments can hold */
static ScStatus
make_room(Reader *reader, const ScJson *parameters)
{
	const ScRule *rule = reader->rule;
	size_t		slots = 0,
				bytes = 0,
				nparams = 0;
	int			nfields = 1;
	char	   *memory;

	for (const ScRuleParam *param = rule->params; param->name; param++, nparams++)
	{
		if (count_fields(param) > nfields)
			nfields = count_fields(param);
		if (param->initial)
		{
			slots++;
			bytes += strlen(param->initial) + 1;
		}
	}
	measure(parameters, nfields, &slots, &bytes);
	memory = calloc(1, sizeof(ScRuleArgs) + nparams * sizeof(ScRuleArg) + 2 * slots * sizeof(char *) + bytes);
	if (memory == NULL)
		return SC_NO_MEMORY;
	reader->out = (ScRuleArgs *) memory;
	reader->out->rule = rule;
	reader->out->memory = memory;
	reader->out->args = (ScRuleArg *) (memory + sizeof(ScRuleArgs));
	reader->out->columns = (const char **) (reader->out->args + nparams);
	reader->texts = reader->out->columns + slots;
	reader->bytes = (char *) (reader->texts + slots);
	return SC_OK;
}

static ScStatus
refuse_unknown(Reader *reader, const ScJson *parameters)
{
	for (const ScJson *member = parameters->first; member; member = member->next)
	{
		const ScRuleParam *param = reader->rule->params;

		while (param->name && strcmp(param->name, member->key) != 0)
			param++;
		if (param->name == NULL || strlen(member->key) != member->keylen)
			return refuse(reader, "parameter_unknown", "there is no parameter \"%s\"", member->key);
	}
	return SC_OK;
}

static ScStatus
read_all(Reader *reader, const ScJson *parameters)
{
	ScStatus	status = refuse_unknown(reader, parameters);

	for (int i = 0; status == SC_OK && reader->rule->params[i].name; i++)
	{
		const ScRuleParam *param = &reader->rule->params[i];

		status = read_arg(reader, param, &reader->out->args[i], sc_json_member(parameters, param->name));
	}
	return status;
}

/* the rule's own word on arguments that are good one by one */
static ScStatus
ask_rule(Reader *reader)
{
	ScRuleRun	run;
	ScStatus	status;

	sc_rule_run_init(&run);
	status = sc_rule_run(&run, SC_RULE_ACCEPT, reader->out, NULL, NULL, 0, 0);
	if (status == SC_OK && run.problem.refused && sc_buf_cstr(&run.problem.message))
	{
		status = refuse(reader, "parameter_conflict", "%s", run.problem.message.data);
		sc_buf_append(&reader->problem->detail, run.problem.detail.data, run.problem.detail.len);
	}
	sc_rule_run_free(&run);
	return status;
}

ScStatus
sc_rule_args_parse(ScRuleArgs **out, const ScRule *rule, const ScJson *parameters, ScRuleProblem *problem)
{
	Reader		reader = {.rule = rule, .problem = problem};
	ScStatus	status;

	*out = NULL;
	sc_rule_problem_reset(problem);
	if (parameters->kind != SC_JSON_OBJECT)
		return refuse(&reader, "parameter_type", "parameters are not an object", "");
	status = make_room(&reader, parameters);
	if (status != SC_OK)
		return status;
	status = read_all(&reader, parameters);
	if (status == SC_OK)
		status = ask_rule(&reader);
	if (problem->message.failed || problem->detail.failed || problem->hint.failed)
		status = SC_NO_MEMORY;
	if (status == SC_OK)
		*out = reader.out;
	else
		sc_rule_args_free(reader.out);
	return status;
}

void
sc_rule_args_free(ScRuleArgs *args)
{
	if (args)
		free(args->memory);
}

static bool
is_among(const char *name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

ScStatus
sc_rule_args_columns(const ScRuleArgs *args, const char *const *columns, int ncolumns, ScRuleProblem *problem)
{
	Reader		reader = {.rule = args->rule, .problem = problem};

	sc_rule_problem_reset(problem);
	for (int i = 0; i < args->nvalues; i++)
	{
		if (is_among(args->columns[i], columns, ncolumns))
			continue;
		(void) refuse(&reader, "column_unknown", "the table has no column \"%s\"", args->columns[i]);
		sc_buf_reset(&problem->hint);
		sc_buf_literal(&problem->hint, "Columns: ");
		for (int c = 0; c < ncolumns; c++)
		{
			if (c > 0)
				sc_buf_literal(&problem->hint, ", ");
			sc_buf_string(&problem->hint, columns[c]);
		}
		sc_buf_char(&problem->hint, '.');
		return problem->hint.failed || problem->message.failed ? SC_NO_MEMORY : SC_MALFORMED;
	}
	return SC_OK;
}
