/*
 * guard_alter.c
 *	  ALTER TABLE on ledger tables and their parents: what would rewrite history is refused.
 *
 * Invariant: types of sealed columns, the access method and persistence of a
 * ledger table never change; new columns bring no value that was computed for
 * stored rows at the time.
 * Locks: the lock ALTER TABLE itself needs, on the named relation; none on
 * its descendants, which the parent's lock keeps from joining the tree.
 * Effects: errors; pins the relation's name.
 * Does not: judge parents and partitions (guard_place.c).
 */
#include "postgres.h"

#include "ledger/guard.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "compat.h"
#include "ledger/copy.h"
#include "ledger/own_column.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "ledger/registry_column.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define HINT_COPY_ROWS "Create another table and INSERT ... SELECT the rows."
#define HINT_ADD_COLUMN "Add a new column and let new rows fill it."

/* the error of a command on one of the ledger's own columns */
static void
refuse_own(Oid ledger, const char *column, const char *command)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 errmsg("column \"%s\" of ledger table \"%s\" cannot be changed", column, get_rel_name(ledger)),
			 errdetail("%s was refused.", command),
			 errhint("The column belongs to the ledger; %s index on it is allowed.",
					 strcmp(column, SC_LEDGER_SEQ) == 0 ? "a unique" : "an")));
}

/* what a command would do to a column named in it, or NULL when it is harmless */
static const char *
column_command(AlterTableType subtype)
{
	switch (subtype)
	{
		case AT_ColumnDefault:
		case AT_CookedColumnDefault:
			return "SET DEFAULT";
		case AT_SetNotNull:
			return "SET NOT NULL";
		case AT_AlterColumnType:
			return "ALTER COLUMN TYPE";
		case AT_DropColumn:
			return "DROP COLUMN";
		case AT_AddIdentity:
			return "ADD GENERATED AS IDENTITY";
		default:
			return NULL;
	}
}

/* SET ACCESS METHOD works on the named relation only */
static void
guard_access_method(Oid relid, const char *name)
{
	/* no name: SET ACCESS METHOD DEFAULT, from 17 on */
	Oid			wanted = get_table_am_oid(name ? name : default_table_access_method, true);

	if (sc_is_ledger_relation(relid) && wanted != sc_ledger_am_oid())
		sc_refuse(get_rel_name(relid), "SET ACCESS METHOD", HINT_COPY_ROWS);
	if (!sc_is_ledger_relation(relid) && OidIsValid(wanted) && wanted == sc_ledger_am_oid() &&
		get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" cannot become a ledger table", get_rel_name(relid)),
				 errdetail("SET ACCESS METHOD was refused."),
				 errhint("Create a table USING ledger and INSERT ... SELECT the rows.")));
}

/* is it NOT NULL on one of the ledger's own columns, a table constraint from 18 on? */
static bool
is_not_null_own(const Constraint *constraint)
{
	return constraint->contype == CONSTR_NOTNULL && constraint->keys != NIL &&
		sc_own_column(strVal(linitial(constraint->keys)));
}

/* one subcommand; ledger is the ledger table it would reach, named relation or descendant */
static void
guard_command(Oid ledger, const AlterTableCmd *cmd)
{
	const char *relname = get_rel_name(ledger);
	const char *on_column = column_command(cmd->subtype);

	sc_copy_guard_alter(ledger, cmd);
	if (on_column != NULL && cmd->name != NULL && sc_own_column(cmd->name))
		refuse_own(ledger, cmd->name, on_column);
	if (cmd->subtype == AT_AddConstraint && is_not_null_own((Constraint *) cmd->def))
		refuse_own(ledger, strVal(linitial(((Constraint *) cmd->def)->keys)), "ADD NOT NULL");
	if (cmd->subtype == AT_AddColumn && strcmp(((ColumnDef *) cmd->def)->colname, SC_LEDGER_TIME) == 0)
		sc_own_column_reserved(relname, SC_LEDGER_TIME);

	switch (cmd->subtype)
	{
		case AT_AlterColumnType:
			sc_refuse(relname, "ALTER COLUMN TYPE", HINT_ADD_COLUMN);
			break;
		case AT_DropColumn:
			sc_refuse(relname, "DROP COLUMN", "Leave the column; it can be renamed, and its NOT NULL dropped.");
			break;
		case AT_SetUnLogged:
			sc_refuse(relname, "SET UNLOGGED", "Leave the table logged.");
			break;
		case AT_AddInherit:
			sc_refuse(relname, "INHERIT", "Use partitions.");
			break;
		case AT_DropInherit:
			sc_refuse(relname, "NO INHERIT", "Use partitions.");
			break;
		case AT_AddOf:
			sc_refuse(relname, "OF", "Leave the table without a type.");
			break;
		default:
			if (SC_IS_SET_EXPRESSION(cmd->subtype))
				sc_refuse(relname, "SET EXPRESSION", "Add a new generated column.");
			break;
	}
}

void
sc_guard_alter(AlterTableStmt *stmt)
{
	Oid			relid;
	Oid			ledger;
	ListCell   *cell;

	if (stmt->objtype != OBJECT_TABLE && stmt->objtype != OBJECT_MATVIEW)
		return;
	relid = AlterTableLookupRelation(stmt, AlterTableGetLockLevel(stmt->cmds));
	if (!OidIsValid(relid))
		return;
	sc_guard_pin(stmt->relation, relid);

	ledger = sc_guard_ledger_in_tree(relid, stmt->relation->inh);
	foreach(cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(cell);

		if (cmd->subtype == AT_SetAccessMethod)
			guard_access_method(relid, cmd->name);
		else if (cmd->subtype == AT_AttachPartition)
			sc_guard_attach(relid, (PartitionCmd *) cmd->def);
		else if (OidIsValid(ledger))
			guard_command(ledger, cmd);
	}
}

void
sc_guard_rename(const RenameStmt *stmt)
{
	Oid			relid;
	Oid			ledger;

	if (stmt->renameType != OBJECT_COLUMN || stmt->relation == NULL ||
		(!sc_own_column(stmt->subname) && strcmp(stmt->newname, SC_LEDGER_TIME) != 0))
		return;
	relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	ledger = OidIsValid(relid) ? sc_guard_ledger_in_tree(relid, stmt->relation->inh) : InvalidOid;
	if (!OidIsValid(ledger))
		return;
	if (!sc_own_column(stmt->subname))
		sc_own_column_reserved(get_rel_name(ledger), stmt->newname);
	refuse_own(ledger, stmt->subname, "RENAME COLUMN");
}

/* the relation whose new storage relid is, by its row in pg_class that is not visible to others yet */
static Oid
rewritten_relation(Oid relid)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			rewritten = InvalidOid;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, ClassOidIndexId, true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		rewritten = ((Form_pg_class) GETSTRUCT(tuple))->relrewrite;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return rewritten;
}

/* is the attribute registered? */
static bool
is_known(List *known, AttrNumber attnum)
{
	ListCell   *cell;

	foreach(cell, known)
	{
		if (((ScLedgerColumn *) lfirst(cell))->attnum == attnum)
			return true;
	}
	return false;
}

/* errors when a column that is just being added would get computed values in stored rows */
static void
check_new_columns(Relation rel, List *known)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || att->attgenerated || is_known(known, att->attnum) ||
			sc_own_column(NameStr(att->attname)))
			continue;
		/* an identity column's sequence is tied to it later: its default cannot be built yet */
		if (att->attidentity || contain_volatile_functions(build_column_default(rel, att->attnum)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" cannot be added to ledger table \"%s\" with a volatile default",
							NameStr(att->attname), RelationGetRelationName(rel)),
					 errdetail("The rows already stored would be rewritten with values that were never recorded."),
					 errhint("Add the column without a default first, then ALTER COLUMN ... SET DEFAULT.")));
	}
}

/*
 * A relation was created for internal reasons: when it is a ledger table's new
 * storage, the rewrite must be an honest one.
 */
Oid
sc_guard_rewrite(Oid relid)
{
	Oid			rewritten = rewritten_relation(relid);
	ScLedgerTable *table = OidIsValid(rewritten) ? sc_ledger_by_relation(rewritten, true) : NULL;
	Relation	rel;

	if (table == NULL)
		return InvalidOid;
	rel = table_open(rewritten, AccessShareLock);
	check_new_columns(rel, sc_ledger_columns(table->table_id));
	table_close(rel, NoLock);
	return rewritten;
}
