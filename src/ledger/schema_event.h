/*
 * schema_event.h
 *	  Texts of the events that tell a chain what happened to a table: canonical JSON objects.
 *
 * Types and names stand there as data, never as SQL.  docs/ledger.md lists
 * the events.
 */
#ifndef SC_LEDGER_SCHEMA_EVENT_H
#define SC_LEDGER_SCHEMA_EVENT_H

#include "postgres.h"

#include "access/attnum.h"
#include "core/buf.h"
#include "nodes/pg_list.h"

typedef struct ScEventColumn
{
	AttrNumber	attnum;
	char	   *column_name;	/* present name */
	char	   *ledger_name;	/* key in leaves */
	Oid			typeid;
	int32		typmod;
} ScEventColumn;

/* what a table is called now; a ledger name alone does not tell schema from name when there are dots in them */
typedef struct ScTableName
{
	const char *schema;
	const char *name;
} ScTableName;

/* a type's name as events have it: with its schema unless that is pg_catalog */
extern const char *sc_event_type_name(Oid typeid);

/*
 * {"columns":[{["base":..,]"name":..,"type":..[,"typmod":..]},...][,"name":..,"schema":..],"type":"join"}: a table joins.
 * base: the built-in type with the same texts, for a type that is none itself;
 * name and schema: those of the table, where the ledger name is not simply schema.name.
 */
extern void sc_event_join(ScBuf *buf, const List *columns, const char *ledger_name, const ScTableName *name);

/* {"columns":[...],"type":"column"}: columns join */
extern void sc_event_columns(ScBuf *buf, const List *columns);

/* {"column":<ledger name>,"new":..,"old":..,"type":"rename"} */
extern void sc_event_rename(ScBuf *buf, const char *column, const char *old_name, const char *new_name);

/* {["name":..,]"new":..,"old":..[,"schema":..],"type":"rename"}: the table was renamed or moved */
extern void sc_event_rename_table(ScBuf *buf, const char *old_name, const char *new_name, const ScTableName *name);

/* {"type":"drop"} */
extern void sc_event_drop(ScBuf *buf);

#endif							/* SC_LEDGER_SCHEMA_EVENT_H */
