/*
 * city_source.c
 *	  The tables of one name that the agencies keep, and the columns of a view over them all.
 *
 * Columns are matched by their ledger names, which no rename changes.  A
 * column has the built-in type that all its tables have for it, domains
 * counting as what they stand on, else it is text, as it is in a copy.
 *
 * Invariant: every name and literal in the query is quoted; nothing of what
 * another node sent is SQL.  The query's first branch gives no row: it fixes
 * names and types, and keeps the view whole when a table has gone.
 * Locks: AccessShareLock on the tables, to the end of the transaction.
 */
#include "postgres.h"

#include "network/city_source.h"

#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "ledger/registry_column.h"
#include "ledger/row_types.h"
#include "lib/stringinfo.h"
#include "seal/node.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* the columns that every such view begins with */
#define SC_CITY_NODE "ledger_node"
#define SC_CITY_CHAIN "ledger_chain"

/* is it the ledger name of a table of that name?  <schema>.<name>, or that with #2, #3, ... behind */
static bool
names_table(const char *ledger_name, const char *name)
{
	const char *dot = strrchr(ledger_name, '.');
	size_t		len = strlen(name);
	const char *rest;

	if (dot == NULL || strncmp(dot + 1, name, len) != 0)
		return false;
	rest = dot + 1 + len;
	return *rest == '\0' || (*rest == '#' && rest[1] != '\0' && strspn(rest + 1, "0123456789") == strlen(rest + 1));
}

/* a column of a table, if it is there */
static void
add_field(ScCitySource *source, Relation rel, AttrNumber attnum, const char *ledger_name)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	ScCityField *field;

	if (att->attisdropped || strcmp(ledger_name, SC_CITY_NODE) == 0 || strcmp(ledger_name, SC_CITY_CHAIN) == 0 ||
		strlen(ledger_name) >= NAMEDATALEN)
		return;
	field = palloc0(sizeof(ScCityField));
	field->name = pstrdup(ledger_name);
	field->column = pstrdup(NameStr(att->attname));
	field->type = att->atttypid;
	field->collation = att->attcollation;
	source->fields = lappend(source->fields, field);
}

/* a table with the columns that it has now */
static ScCitySource *
make_source(ScChain *chain, ScLedgerTable *table)
{
	Relation	rel = try_table_open(table->relation, AccessShareLock);
	ScCitySource *source;
	TupleDesc	tupdesc;
	ListCell   *lc;

	if (rel == NULL)
		return NULL;
	source = palloc0(sizeof(ScCitySource));
	source->chain = chain;
	source->table = table;
	tupdesc = RelationGetDescr(rel);
	foreach(lc, sc_ledger_columns(table->table_id))
	{
		ScLedgerColumn *column = lfirst(lc);

		if (column->attnum > 0 && column->attnum <= tupdesc->natts)
			add_field(source, rel, column->attnum, column->ledger_name);
	}
	for (AttrNumber attnum = 1; attnum <= tupdesc->natts; attnum++)
		if (strcmp(NameStr(TupleDescAttr(tupdesc, attnum - 1)->attname), SC_LEDGER_TIME) == 0)
			add_field(source, rel, attnum, SC_LEDGER_TIME);
	table_close(rel, NoLock);
	return source;
}

List *
sc_city_sources(const char *name)
{
	List	   *own = NIL;
	List	   *copies = NIL;
	ListCell   *lc;
	ListCell   *tc;

	foreach(lc, sc_chain_list())
	{
		ScChain    *chain = lfirst(lc);

		foreach(tc, sc_ledger_list(chain->chain_id))
		{
			ScLedgerTable *table = lfirst(tc);
			ScCitySource *source;

			if (!OidIsValid(table->relation) || table->dropped_seq != 0 || !names_table(table->ledger_name, name) ||
				!sc_is_ledger_relation(table->relation) || (source = make_source(chain, table)) == NULL)
				continue;
			if (chain->copy)
				copies = lappend(copies, source);
			else
				own = lappend(own, source);
		}
	}
	return list_concat(own, copies);
}

/* the type that a view shows a column of this type in */
static Oid
shown_type(Oid type)
{
	Oid			plain = sc_type_plain(type);

	return OidIsValid(plain) ? plain : TEXTOID;
}

/* the column of a name, or NULL */
static ScCityColumn *
find_column(List *columns, const char *name)
{
	ListCell   *lc;

	foreach(lc, columns)
		if (strcmp(((ScCityColumn *) lfirst(lc))->name, name) == 0)
			return lfirst(lc);
	return NULL;
}

List *
sc_city_columns(List *sources, List *kept, bool *retyped)
{
	List	   *columns = NIL;
	ListCell   *lc;
	ListCell   *fc;

	*retyped = false;
	foreach(lc, kept)
	{
		ScCityColumn *copy = palloc(sizeof(ScCityColumn));

		*copy = *(ScCityColumn *) lfirst(lc);
		columns = lappend(columns, copy);
	}
	foreach(lc, sources)
	{
		foreach(fc, ((ScCitySource *) lfirst(lc))->fields)
		{
			ScCityField *field = lfirst(fc);
			ScCityColumn *column = find_column(columns, field->name);

			if (column == NULL)
			{
				column = palloc(sizeof(ScCityColumn));
				column->name = field->name;
				column->type = shown_type(field->type);
				columns = lappend(columns, column);
			}
			else if (column->type != shown_type(field->type) && column->type != TEXTOID)
			{
				*retyped |= find_column(kept, field->name) != NULL;
				column->type = TEXTOID;
			}
		}
	}
	return columns;
}

/* a type's name as SQL takes it, without a modifier: all are of pg_catalog */
static const char *
type_sql(Oid type)
{
	Oid			elem = get_element_type(type);

	if (OidIsValid(elem))
		return psprintf("%s[]", type_sql(elem));
	return format_type_extended(type, -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

/* a column of a table as the view's column has it */
static void
put_field(StringInfo sql, const ScCityField *field, const ScCityColumn *column)
{
	Oid			collation = get_typcollation(column->type);

	appendStringInfo(sql, "t.%s", quote_identifier(field->column));
	if (field->type != column->type)
		appendStringInfo(sql, "::%s", type_sql(column->type));
	if (OidIsValid(collation) && OidIsValid(field->collation) && field->collation != collation)
		appendStringInfo(sql, " COLLATE pg_catalog.%s", quote_identifier(get_collation_name(collation)));
}

/* the branch that gives no row */
static void
put_shape(StringInfo sql, List *columns)
{
	ListCell   *lc;

	appendStringInfoString(sql, "SELECT NULL::pg_catalog.text AS " SC_CITY_NODE ", NULL::pg_catalog.text AS " SC_CITY_CHAIN
						   ", NULL::pg_catalog.int8 AS " SC_LEDGER_SEQ);
	foreach(lc, columns)
	{
		ScCityColumn *column = lfirst(lc);

		appendStringInfo(sql, ", NULL::%s AS %s", type_sql(column->type), quote_identifier(column->name));
	}
	appendStringInfoString(sql, " WHERE false");
}

/* a table's branch */
static void
put_source(StringInfo sql, const ScCitySource *source, List *columns)
{
	const char *slash = strrchr(source->chain->origin, '/');
	char	   *node = slash ? pnstrdup(source->chain->origin, slash - source->chain->origin) : source->chain->origin;
	Oid			relid = source->table->relation;
	ListCell   *lc;
	ListCell   *fc;

	appendStringInfo(sql, "\nUNION ALL SELECT %s, %s, t." SC_LEDGER_SEQ, quote_literal_cstr(node),
					 quote_literal_cstr(source->chain->origin));
	foreach(lc, columns)
	{
		ScCityColumn *column = lfirst(lc);
		const ScCityField *found = NULL;

		foreach(fc, source->fields)
			if (strcmp(((ScCityField *) lfirst(fc))->name, column->name) == 0)
				found = lfirst(fc);
		appendStringInfoString(sql, ", ");
		if (found != NULL)
			put_field(sql, found, column);
		else
			appendStringInfo(sql, "NULL::%s", type_sql(column->type));
	}
	appendStringInfo(sql, " FROM ONLY %s t", quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid)));
}

char *
sc_city_query(List *sources, List *columns)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	put_shape(&sql, columns);
	foreach(lc, sources)
		put_source(&sql, lfirst(lc), columns);
	return sql.data;
}
