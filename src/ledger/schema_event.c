/*
 * schema_event.c
 *	  Texts of the events that tell a chain what happened to a table: canonical JSON objects.
 *
 * Invariant: members stand in the order of RFC 8785, every value is a string,
 * and the text does not depend on search_path or any other setting.
 * Context: a transaction (type names come from the catalogs); palloc in the
 * current memory context.
 * Effects: appends to the caller's buffer.
 */
#include "postgres.h"

#include "ledger/schema_event.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "core/json.h"
#include "fmgr.h"
#include "ledger/row_types.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

const char *
sc_event_type_name(Oid typeid)
{
	static const char prefix[] = "pg_catalog.";
	const char *name = format_type_extended(typeid, -1, FORMAT_TYPE_FORCE_QUALIFY);

	return strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? name + sizeof(prefix) - 1 : name;
}

/* a type modifier as the type writes it, such as (10,2) */
static const char *
typmod_text(Oid typeid, int32 typmod)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typeid));
	Oid			function;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", typeid);
	function = ((Form_pg_type) GETSTRUCT(tuple))->typmodout;
	ReleaseSysCache(tuple);

	if (!OidIsValid(function))
		return psprintf("(%d)", typmod);
	return DatumGetCString(OidFunctionCall1(function, Int32GetDatum(typmod)));
}

/* ,"<key>":"<value>" (no comma when first) */
static void
append_member(ScBuf *buf, bool first, const char *key, const char *value)
{
	if (!first)
		sc_buf_char(buf, ',');
	sc_json_string(buf, key, strlen(key));
	sc_buf_char(buf, ':');
	sc_json_string(buf, value, strlen(value));
}

/* one element of the array of columns */
static void
append_column(ScBuf *buf, const ScEventColumn *column)
{
	Oid			plain = sc_type_plain(column->typeid);
	bool		based = OidIsValid(plain) && plain != column->typeid;

	sc_buf_char(buf, '{');
	if (based)
		append_member(buf, true, "base", sc_event_type_name(plain));
	append_member(buf, !based, "name", column->ledger_name);
	append_member(buf, false, "type", sc_event_type_name(column->typeid));
	if (column->typmod >= 0)
		append_member(buf, false, "typmod", typmod_text(column->typeid, column->typmod));
	sc_buf_char(buf, '}');
}

/* {"columns":[...] */
static void
append_columns(ScBuf *buf, const List *columns)
{
	ListCell   *cell;

	sc_buf_literal(buf, "{\"columns\":[");
	foreach(cell, columns)
	{
		if (cell != list_head(columns))
			sc_buf_char(buf, ',');
		append_column(buf, lfirst(cell));
	}
	sc_buf_char(buf, ']');
}

/* is <schema>.<name> what the ledger name says, to be taken apart at its only dot? */
static bool
name_is_plain(const char *ledger_name, const ScTableName *name)
{
	return strchr(name->schema, '.') == NULL && strchr(name->name, '.') == NULL &&
		strcmp(ledger_name, psprintf("%s.%s", name->schema, name->name)) == 0;
}

void
sc_event_join(ScBuf *buf, const List *columns, const char *ledger_name, const ScTableName *name)
{
	append_columns(buf, columns);
	if (!name_is_plain(ledger_name, name))
	{
		append_member(buf, false, "name", name->name);
		append_member(buf, false, "schema", name->schema);
	}
	append_member(buf, false, "type", "join");
	sc_buf_char(buf, '}');
}

void
sc_event_columns(ScBuf *buf, const List *columns)
{
	append_columns(buf, columns);
	append_member(buf, false, "type", "column");
	sc_buf_char(buf, '}');
}

void
sc_event_rename(ScBuf *buf, const char *column, const char *old_name, const char *new_name)
{
	sc_buf_literal(buf, "{");
	append_member(buf, true, "column", column);
	append_member(buf, false, "new", new_name);
	append_member(buf, false, "old", old_name);
	append_member(buf, false, "type", "rename");
	sc_buf_char(buf, '}');
}

void
sc_event_rename_table(ScBuf *buf, const char *old_name, const char *new_name, const ScTableName *name)
{
	bool		plain = name_is_plain(new_name, name);

	sc_buf_char(buf, '{');
	if (!plain)
		append_member(buf, true, "name", name->name);
	append_member(buf, plain, "new", new_name);
	append_member(buf, false, "old", old_name);
	if (!plain)
		append_member(buf, false, "schema", name->schema);
	append_member(buf, false, "type", "rename");
	sc_buf_char(buf, '}');
}

void
sc_event_drop(ScBuf *buf)
{
	sc_buf_literal(buf, "{\"type\":\"drop\"}");
}
