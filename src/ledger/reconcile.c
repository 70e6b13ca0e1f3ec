/*
 * reconcile.c
 *	  After a DDL command: registry and chain learn what changed about a ledger table.
 *
 * Invariant: after every command the registry's columns are those of the
 * relation, generated columns and the ledger's own apart.  This is the second line
 * behind the guards: it judges what the catalogs say now, by whatever path
 * they came to say so.
 * Locks: AccessShareLock on the relation; registry tables as registry_write.c.
 * Effects: registry rows, event leaves, a relcache invalidation.
 * Does not: know former column types; ALTER COLUMN TYPE is guard_alter.c's.
 */
#include "postgres.h"

#include "ledger/reconcile.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "ledger/alone.h"
#include "ledger/copy.h"
#include "ledger/join.h"
#include "ledger/own_column.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "ledger/registry_column.h"
#include "ledger/registry_write.h"
#include "ledger/settings.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* records an event of the table and forgets the buffer */
static int64
record_event(const ScLedgerTable *table, ScBuf *event)
{
	const ScChain *chain = sc_chain_by_id(table->chain_id, false);
	int64		seq;

	sc_alone_table(chain);
	seq = sc_event_record(chain, table->table_id, table->ledger_name, event);
	sc_buf_free(event);
	return seq;
}

/* the registered column of that attribute number, or NULL */
static ScLedgerColumn *
column_by_attnum(List *known, AttrNumber attnum)
{
	ListCell   *cell;

	foreach(cell, known)
	{
		ScLedgerColumn *column = lfirst(cell);

		if (column->attnum == attnum)
			return column;
	}
	return NULL;
}

/* is the name a registered column's ledger name? */
static bool
ledger_name_used(List *known, const char *name)
{
	ListCell   *cell;

	foreach(cell, known)
	{
		if (strcmp(((ScLedgerColumn *) lfirst(cell))->ledger_name, name) == 0)
			return true;
	}
	return false;
}

/* errors when a registered column is gone or computed now */
static void
check_known(Relation rel, List *known)
{
	TupleDesc	desc = RelationGetDescr(rel);
	ListCell   *cell;

	foreach(cell, known)
	{
		ScLedgerColumn *column = lfirst(cell);

		if (column->attnum < 1 || column->attnum > desc->natts ||
			TupleDescAttr(desc, column->attnum - 1)->attisdropped)
			sc_refuse(RelationGetRelationName(rel), "DROP COLUMN",
					  "Leave the column; it can be renamed, and its NOT NULL dropped.");
		if (TupleDescAttr(desc, column->attnum - 1)->attgenerated)
			sc_refuse(RelationGetRelationName(rel), "SET EXPRESSION",
					  "Add a new generated column.");
	}
}

/* columns that are not registered join with one event */
static bool
add_columns(Relation rel, const ScLedgerTable *table, List *known, List *present)
{
	List	   *joining = NIL;
	ScBuf		event = SC_BUF_INIT;
	ListCell   *cell;
	int64		seq;

	foreach(cell, present)
	{
		ScEventColumn *column = lfirst(cell);

		if (column_by_attnum(known, column->attnum) != NULL)
			continue;
		for (int n = 2; ledger_name_used(known, column->ledger_name); n++)
			column->ledger_name = psprintf("%s#%d", column->column_name, n);
		joining = lappend(joining, column);
	}
	if (joining == NIL)
		return false;
	sc_ledger_check_columns(joining);

	sc_event_columns(&event, joining);
	seq = record_event(table, &event);
	foreach(cell, joining)
		sc_registry_add_column(table->table_id, lfirst(cell), seq);
	return true;
}

/* each registered column with another name now gets an event */
static bool
rename_columns(const ScLedgerTable *table, List *known, List *present)
{
	bool		changed = false;
	ListCell   *cell;

	foreach(cell, present)
	{
		ScEventColumn *column = lfirst(cell);
		ScLedgerColumn *old = column_by_attnum(known, column->attnum);
		ScBuf		event = SC_BUF_INIT;

		if (old == NULL || strcmp(old->column_name, column->column_name) == 0)
			continue;
		sc_event_rename(&event, old->ledger_name, old->column_name, column->column_name);
		(void) record_event(table, &event);
		sc_registry_rename_column(table->table_id, column->attnum, column->column_name);
		changed = true;
	}
	return changed;
}

/* an event when the table has another name or schema now */
static void
rename_table(Relation rel, const ScLedgerTable *table, const char *old_name)
{
	char	   *new_name = sc_ledger_present_name(rel);
	ScTableName name = {get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel)};
	ScBuf		event = SC_BUF_INIT;

	if (old_name == NULL || strcmp(old_name, new_name) == 0)
		return;
	sc_event_rename_table(&event, old_name, new_name, &name);
	(void) record_event(table, &event);
	/* when its schema is renamed nothing else tells those who decode changes of its rows */
	CacheInvalidateRelcache(rel);
}

/* errors when the relation is no more what it was when it was registered */
static void
check_kept(Relation rel, const ScLedgerTable *table, List *known)
{
	if (rel->rd_rel->relam != sc_ledger_am_oid())
		sc_refuse(RelationGetRelationName(rel), "SET ACCESS METHOD",
				  "Create another table and INSERT ... SELECT the rows.");
	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		sc_refuse(RelationGetRelationName(rel), "SET UNLOGGED", "Leave the table logged.");
	sc_own_columns_check(rel, table->time_seq != 0);
	check_known(rel, known);
}

/* a registered relation: checks it and records the differences */
static void
reconcile_table(Relation rel, const ScLedgerTable *table, const char *old_name)
{
	List	   *known = sc_ledger_columns(table->table_id);
	List	   *present;
	bool		changed;

	check_kept(rel, table, known);
	present = sc_ledger_present_columns(rel);
	changed = rename_columns(table, known, present);
	changed |= add_columns(rel, table, known, present);
	rename_table(rel, table, old_name);
	if (changed)
	{
		/* an insert may come before the next command */
		CacheInvalidateRelcache(rel);
		CommandCounterIncrement();
	}
}

/* columns, names and all: as the copy's chain has said */
static void
reconcile_copy(Relation rel, const ScLedgerTable *table, const char *old_name)
{
	List	   *known = sc_ledger_columns(table->table_id);
	List	   *present = sc_ledger_present_columns(rel);
	ListCell   *cell;

	check_kept(rel, table, known);
	sc_copy_check_plain(rel);
	foreach(cell, present)
	{
		const ScEventColumn *column = lfirst(cell);
		const ScLedgerColumn *found = column_by_attnum(known, column->attnum);

		if (found == NULL || strcmp(found->column_name, column->column_name) != 0)
			sc_copy_refuse(RelationGetRelid(rel), found ? "RENAME COLUMN" : "ADD COLUMN");
	}
	if (old_name != NULL && !sc_copy_changing && strcmp(old_name, sc_ledger_present_name(rel)) != 0)
		sc_copy_refuse(RelationGetRelid(rel), "RENAME or SET SCHEMA");
}

/* the registered column of that present name, or NULL */
static ScLedgerColumn *
column_by_name(List *known, const char *name)
{
	ListCell   *cell;

	foreach(cell, known)
	{
		ScLedgerColumn *column = lfirst(cell);

		if (strcmp(column->column_name, name) == 0)
			return column;
	}
	return NULL;
}

/* columns have the same names as in the registry, which numbers may not fit yet */
static bool
same_names(Relation rel, List *known)
{
	List	   *present = sc_ledger_present_columns(rel);
	ListCell   *cell;

	if (list_length(present) != list_length(known))
		return false;
	foreach(cell, present)
	{
		if (column_by_name(known, ((ScEventColumn *) lfirst(cell))->column_name) == NULL)
			return false;
	}
	return true;
}

void
sc_reconcile_closed(const ScLedgerTable *table)
{
	Relation	rel = relation_open(table->relation, AccessShareLock);

	sc_own_columns_check(rel, table->time_seq != 0);
	if (!same_names(rel, sc_ledger_columns(table->table_id)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("columns of ledger table \"%s\" are not those of its chain", RelationGetRelationName(rel)),
				 errdetail("Its chain is closed: it was written by another cluster or database, and this is a copy of it."),
				 errhint("SELECT seoulchain.open_chain('%s'); comes before any change of its tables.",
						 sc_chain_by_id(table->chain_id, false)->name)));
	relation_close(rel, NoLock);
}

/* is the table's chain another cluster's or database's? */
static bool
is_closed(const ScLedgerTable *table)
{
	return !sc_chain_id_is_open(table->chain_id);
}

void
sc_reconcile(Oid relid, const char *old_name, bool was_ledger)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	ScLedgerTable *table;

	if (rel == NULL)
		return;
	table = sc_ledger_by_relation(relid, true);
	if (OidIsValid(rel->rd_rel->relrewrite))
		 /* the new storage of a rewrite, not a table */ ;
	else if (table != NULL)
	{
		if (sc_copy_of_relation(relid) != NULL)
			reconcile_copy(rel, table, old_name);
		else if (!is_closed(table))
			reconcile_table(rel, table, old_name);
		else if (!sc_restore)	/* while a dump is loaded, the registry may not be whole yet */
		{
			if (old_name != NULL && strcmp(old_name, sc_ledger_present_name(rel)) != 0)
				sc_chain_require_open(sc_chain_by_id(table->chain_id, false));
			sc_reconcile_closed(table);
		}
	}
	else if (!sc_restore && sc_is_ledger_relation(relid))
	{
		/* one that has been a ledger table for longer was left behind by a restore; inserts are refused */
		if (!was_ledger || rel->rd_createSubid != InvalidSubTransactionId)
			sc_ledger_join(relid);
	}
	relation_close(rel, NoLock);
}

/* errors when others may still need the table's rows: they check blocks by rows, whenever they begin to follow */
static void
require_unshared(const ScLedgerTable *table)
{
	const ScChain *chain = sc_chain_by_id(table->chain_id, false);
	Relation	rel;
	bool		empty;

	if (!chain->shared)
		return;
	rel = relation_open(table->relation, AccessShareLock);
	empty = RelationGetNumberOfBlocks(rel) == 0;
	relation_close(rel, NoLock);
	if (empty)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("ledger table \"%s\" cannot be dropped", get_rel_name(table->relation)),
			 errdetail("Chain \"%s\" is shared: nodes that begin to follow it need the rows to check its blocks.", chain->name),
			 errhint("Leave the table; it can be renamed, moved to another schema, and its privileges revoked.")));
}

void
sc_reconcile_drop(Oid relid)
{
	ScLedgerTable *table = sc_ledger_by_relation(relid, true);
	ScBuf		event = SC_BUF_INIT;

	/* --clean of a restore takes tables of a copy away; the copy's chain cannot be told */
	if (table == NULL || (sc_restore && is_closed(table)) || sc_copy_changing)
		return;
	if (sc_copy_of_relation(relid) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("ledger table \"%s\" is a copy", get_rel_name(relid)),
				 errdetail("A copy is dropped as a whole, with its blocks."),
				 errhint("SELECT seoulchain.drop_copy(%s); once it is not followed any more.",
						 quote_literal_cstr(sc_copy_of_relation(relid)->origin))));
	require_unshared(table);
	sc_event_drop(&event);
	sc_registry_drop_table(table, record_event(table, &event));
}
