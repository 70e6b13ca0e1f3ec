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

/* {"columns":[{"name":..,"type":..[,"typmod":..]},...],"type":<type>}: a table ("join") or columns ("column") join */
extern void sc_event_columns(ScBuf *buf, const char *type, const List *columns);

/* {["column":<ledger name>,]"new":..,"old":..,"type":"rename"}; column is NULL when the table was renamed or moved */
extern void sc_event_rename(ScBuf *buf, const char *column, const char *old_name, const char *new_name);

/* {"type":"drop"} */
extern void sc_event_drop(ScBuf *buf);

#endif							/* SC_LEDGER_SCHEMA_EVENT_H */
