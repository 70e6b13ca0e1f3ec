/*
 * copy_table.c
 *	  Tables of copies, made and changed as the events of their chains say.
 *
 * A copy's table has the columns that leaves hold, ledger_seq and, where rows
 * have one, ledger_time; no other thing that an insert could fail on.  Types
 * are built-in ones, compared by name with a list, or text.  Type modifiers
 * are left out: values have been cut to them where they were inserted.
 *
 * Invariant: relation and registry change together; what is in the way of a
 * name is never touched, except the copy of a table that its origin dropped.
 * Context: copy_apply.h.
 * Locks: as the DDL command of the same effect.
 * Effects: tables, indexes, privileges, registry rows.
 */
#include "postgres.h"

#include "network/copy_apply.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "catalog/toasting.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "compat.h"
#include "ledger/copy.h"
#include "ledger/ledger_seq.h"
#include "ledger/own_column.h"
#include "ledger/registry_column.h"
#include "ledger/registry_write.h"
#include "ledger/row_types.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* a column of an event, as it will be in the copy */
static ScEventColumn *
read_column(const ScCopyEvent *event, const ScJson *json)
{
	ScEventColumn *column = palloc0(sizeof(ScEventColumn));
	const char *type = sc_copy_string(event, json, "type");
	const ScJson *base = sc_json_member(json, "base");

	column->ledger_name = pstrdup(sc_copy_string(event, json, "name"));
	column->column_name = column->ledger_name;
	column->typeid = sc_type_by_event_name(base ? sc_copy_string(event, json, "base") : type);
	if (!OidIsValid(column->typeid))
		column->typeid = TEXTOID;
	column->typmod = -1;
	return column;
}

/* the columns of a join or column event */
static List *
read_columns(const ScCopyEvent *event)
{
	const ScJson *array = sc_copy_list(event, event->event, "columns", SC_JSON_ARRAY);
	List	   *columns = NIL;

	if (sc_json_count(array) > MaxHeapAttributeNumber)
		sc_copy_malformed(event, "it has too many columns");
	for (const ScJson *json = array->first; json; json = json->next)
		columns = lappend(columns, read_column(event, json));
	return columns;
}

/* errors unless the text can name a column of the table */
static void
check_column_name(const ScCopyEvent *event, const char *name)
{
	sc_copy_check_name(event, name);
	if (sc_own_column(name))
		sc_copy_malformed(event, psprintf("a column cannot be named \"%s\"", name));
}

/* a column's definition */
static ColumnDef *
column_def(const ScCopyEvent *event, const ScEventColumn *column)
{
	check_column_name(event, column->column_name);
	return makeColumnDef(column->column_name, column->typeid, -1, get_typcollation(column->typeid));
}

/* the error of a name that something else has */
static void
refuse_taken(const ScCopyEvent *event, const ScTableName *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_TABLE),
			 errmsg("there is another relation \"%s.%s\", so the table of chain \"%s\" cannot be copied",
					name->schema, name->name, event->message->origin),
			 errhint("Logical replication finds tables by their names: give each agency a schema of its own, and rename what is in the way.")));
}

/* is the relation a copy of a table that the chain's node has dropped? */
static bool
was_dropped(const ScCopyEvent *event, Oid relid)
{
	const ScLedgerTable *table = sc_ledger_by_relation(relid, true);

	return table != NULL && event->chain != NULL && table->chain_id == event->chain->chain_id && table->dropped_seq != 0;
}

/* gives a relation another name, in its schema */
static void
rename_relation(Oid relid, const char *name)
{
	RenameRelationInternal(relid, name, true, false);
	CommandCounterIncrement();
}

/* errors when the name is taken; what the origin dropped makes room */
static void
make_room(const ScCopyEvent *event, Oid schema, const ScTableName *name)
{
	Oid			relid = get_relname_relid(name->name, schema);

	if (!OidIsValid(relid))
		return;
	if (!was_dropped(event, relid))
		refuse_taken(event, name);
	rename_relation(relid, psprintf("%.*s#%u", NAMEDATALEN - 12, name->name, relid));
}

void
sc_copy_index(Oid relid, const List *columns)
{
	IndexStmt  *stmt = makeNode(IndexStmt);
	const ListCell *cell;

	stmt->relation = makeRangeVar(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), -1);
	stmt->accessMethod = "btree";
	stmt->transformed = true;
	foreach(cell, columns)
	{
		IndexElem  *elem = makeNode(IndexElem);
		Oid			type = get_atttype(relid, get_attnum(relid, lfirst(cell)));

		elem->name = pstrdup(lfirst(cell));
		if (OidIsValid(get_typcollation(type)))
			elem->collation = list_make2(makeString("pg_catalog"), makeString("C"));
		stmt->indexParams = lappend(stmt->indexParams, elem);
	}
	(void) sc_define_index(relid, stmt);
	CommandCounterIncrement();
}

/* makes the relation; its OID */
static Oid
create_table(const ScCopyEvent *event, const ScTableName *name, List *columns)
{
	CreateStmt *stmt = makeNode(CreateStmt);
	Oid			relid;
	ListCell   *cell;

	stmt->relation = makeRangeVar(pstrdup(name->schema), pstrdup(name->name), -1);
	foreach(cell, columns)
		stmt->tableElts = lappend(stmt->tableElts, column_def(event, lfirst(cell)));
	stmt->tableElts = lappend(stmt->tableElts, sc_ledger_seq_column());
	stmt->oncommit = ONCOMMIT_NOOP;
	stmt->accessMethod = "ledger";
	relid = DefineRelation(stmt, RELKIND_RELATION, GetUserId(), NULL, NULL).objectId;
	CommandCounterIncrement();
	NewRelationCreateToastTable(relid, (Datum) 0);
	CommandCounterIncrement();
	return relid;
}

/* the registry's rows of columns that have just come into the relation */
static void
register_columns(const ScLedgerTable *table, List *columns, int64 seq)
{
	ListCell   *cell;

	foreach(cell, columns)
	{
		ScEventColumn *column = lfirst(cell);

		column->attnum = get_attnum(table->relation, column->column_name);
		sc_registry_add_column(table->table_id, column, seq);
	}
	CacheInvalidateRelcacheByRelid(table->relation);
	CommandCounterIncrement();
}

void
sc_copy_join(ScCopyEvent *event)
{
	ScLedgerTable *table = palloc0(sizeof(ScLedgerTable));
	List	   *columns = read_columns(event);
	ScTableName name;

	if (event->ledger_name == NULL)
		sc_copy_malformed(event, "it names no table");
	if (event->table != NULL)
		sc_copy_malformed(event, psprintf("a table of the name \"%s\" has joined before", event->ledger_name));
	name = sc_copy_table_name(event, event->ledger_name);
	make_room(event, sc_copy_schema(event, name.schema), &name);

	table->table_id = sc_registry_next_table_id();
	table->chain_id = event->chain->chain_id;
	table->ledger_name = pstrdup(event->ledger_name);
	table->joined_seq = event->seq;
	table->relation = create_table(event, &name, columns);
	sc_registry_add_table(table);
	register_columns(table, columns, event->seq);
	sc_copy_index(table->relation, list_make1(SC_LEDGER_SEQ));
	sc_copy_grant(OBJECT_TABLE, name.schema, name.name);
	event->table = table;
}

/* errors when the table is not here any more */
static void
require_relation(const ScCopyEvent *event)
{
	if (!OidIsValid(event->table->relation) || get_rel_name(event->table->relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("ledger table \"%s\" of chain \"%s\" is missing", event->ledger_name, event->message->origin),
				 errhint("SELECT * FROM seoulchain.verify(); tells what else was changed.")));
}

/* adds columns to the relation */
static void
add_to_relation(const ScCopyEvent *event, List *columns)
{
	List	   *cmds = NIL;
	ListCell   *cell;

	foreach(cell, columns)
	{
		AlterTableCmd *cmd = makeNode(AlterTableCmd);

		cmd->subtype = AT_AddColumn;
		cmd->def = (Node *) column_def(event, lfirst(cell));
		cmd->behavior = DROP_RESTRICT;
		cmds = lappend(cmds, cmd);
	}
	AlterTableInternal(event->table->relation, cmds, true);
	CommandCounterIncrement();
}

void
sc_copy_add_columns(ScCopyEvent *event)
{
	List	   *columns = read_columns(event);

	require_relation(event);
	add_to_relation(event, columns);
	register_columns(event->table, columns, event->seq);
}

void
sc_copy_time(ScCopyEvent *event)
{
	AlterTableCmd *cmd = makeNode(AlterTableCmd);

	require_relation(event);
	if (event->table->time_seq != 0)
		sc_copy_malformed(event, "its table has acceptance times already");
	cmd->subtype = AT_AddColumn;
	cmd->def = (Node *) makeColumnDef(SC_LEDGER_TIME, TIMESTAMPTZOID, -1, InvalidOid);
	cmd->behavior = DROP_RESTRICT;
	event->table->time_seq = event->seq;
	sc_registry_set_time(event->table);
	AlterTableInternal(event->table->relation, list_make1(cmd), true);
	CacheInvalidateRelcacheByRelid(event->table->relation);
	CommandCounterIncrement();
}

/* gives a column its new name */
static void
rename_column(ScCopyEvent *event)
{
	const char *ledger_name = sc_copy_string(event, event->event, "column");
	const char *new_name = sc_copy_string(event, event->event, "new");
	ScLedgerColumn *column = NULL;
	RenameStmt *stmt = makeNode(RenameStmt);
	ListCell   *cell;

	foreach(cell, sc_ledger_columns(event->table->table_id))
	{
		if (strcmp(((ScLedgerColumn *) lfirst(cell))->ledger_name, ledger_name) == 0)
			column = lfirst(cell);
	}
	if (column == NULL || strcmp(column->column_name, sc_copy_string(event, event->event, "old")) != 0)
		sc_copy_early(event, "its column has another name here");
	check_column_name(event, new_name);
	stmt->renameType = OBJECT_COLUMN;
	stmt->relationType = OBJECT_TABLE;
	stmt->relation = makeRangeVar(get_namespace_name(get_rel_namespace(event->table->relation)),
								  get_rel_name(event->table->relation), -1);
	stmt->subname = pstrdup(column->column_name);
	stmt->newname = pstrdup(new_name);
	(void) renameatt(stmt);
	CommandCounterIncrement();
	sc_registry_rename_column(event->table->table_id, column->attnum, new_name);
	CacheInvalidateRelcacheByRelid(event->table->relation);
	CommandCounterIncrement();
}

/* moves the relation into another schema, under its present name */
static void
move_relation(Oid relid, Oid schema)
{
	Relation	rel = relation_open(relid, AccessExclusiveLock);
	ObjectAddresses *moved = new_object_addresses();

	AlterTableNamespaceInternal(rel, RelationGetNamespace(rel), schema, moved);
	free_object_addresses(moved);
	relation_close(rel, NoLock);
	CommandCounterIncrement();
}

/* gives the table its new name and schema */
static void
rename_table(ScCopyEvent *event)
{
	Oid			relid = event->table->relation;
	Oid			old_schema = get_rel_namespace(relid);
	char	   *present = psprintf("%s.%s", get_namespace_name(old_schema), get_rel_name(relid));
	ScTableName name;
	Oid			schema;

	if (strcmp(present, sc_copy_string(event, event->event, "old")) != 0)
		sc_copy_early(event, "its table has another name here");
	name = sc_copy_table_name(event, sc_copy_string(event, event->event, "new"));
	schema = sc_copy_schema(event, name.schema);
	make_room(event, schema, &name);
	if (schema != old_schema)
	{
		/* neither the old name in the new schema nor the new one in the old has to be free */
		rename_relation(relid, psprintf("seoulchain_moving_%u", relid));
		move_relation(relid, schema);
	}
	if (strcmp(get_rel_name(relid), name.name) != 0)
		rename_relation(relid, name.name);
}

void
sc_copy_rename(ScCopyEvent *event)
{
	require_relation(event);
	if (sc_json_member(event->event, "column") != NULL)
		rename_column(event);
	else
		rename_table(event);
}

/* the origin has dropped the table; the copy keeps its rows, which are leaves */
void
sc_copy_drop(ScCopyEvent *event)
{
	if (event->table->dropped_seq != 0)
		sc_copy_malformed(event, "its table was dropped before");
	sc_registry_retire_table(event->table, event->seq);
}
