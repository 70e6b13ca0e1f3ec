/*
 * guard_alter.c
 *	  ALTER TABLE on ledger tables and their parents: what would rewrite history is refused.
 *
 * Invariant: types of sealed columns, the access method, persistence and the
 * place in an inheritance tree of a ledger table never change; new columns
 * bring no value that was computed for stored rows at the time.
 * Locks: the lock ALTER TABLE itself needs, on the named relation; none on
 * its descendants, which the parent's lock keeps from joining the tree.
 * Effects: errors; pins the relation's name.
 */
#include "postgres.h"

#include "ledger/guard.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "compat.h"
#include "ledger/ledger_seq.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "ledger/registry_column.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define HINT_COPY_ROWS "Create another table and INSERT ... SELECT the rows."
#define HINT_ADD_COLUMN "Add a new column and let new rows fill it."

/* the error of a command on the column ledger_seq */
static void
refuse_seq(Oid ledger, const char *command)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 errmsg("column \"%s\" of ledger table \"%s\" cannot be changed", SC_LEDGER_SEQ, get_rel_name(ledger)),
			 errdetail("%s was refused.", command),
			 errhint("The column belongs to the ledger; a unique index on it is allowed.")));
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

/* one subcommand; ledger is the ledger table it would reach, named relation or descendant */
static void
guard_command(Oid ledger, const AlterTableCmd *cmd)
{
	const char *relname = get_rel_name(ledger);
	const char *on_column = column_command(cmd->subtype);

	if (on_column != NULL && cmd->name != NULL && strcmp(cmd->name, SC_LEDGER_SEQ) == 0)
		refuse_seq(ledger, on_column);

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

/* the error of a place in an inheritance tree that does not go with ledger tables */
static void
refuse_place(Oid relid, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 errmsg("table \"%s\" does not fit its parent", get_rel_name(relid)),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

/* the error of a ledger partition whose partitioned table has no ledger_seq */
static void
require_seq(Oid ledger, Oid parent)
{
	if (get_attnum(parent, SC_LEDGER_SEQ) == InvalidAttrNumber)
		refuse_place(ledger, psprintf("Partitioned table \"%s\" has no column \"%s\".", get_rel_name(parent), SC_LEDGER_SEQ),
					 psprintf("SELECT seoulchain.add_ledger_seq('%s');", get_rel_name(parent)));
}

/* ATTACH PARTITION of a ledger table: the core's own error would not say what to do */
static void
guard_attach(Oid parent, const PartitionCmd *cmd)
{
	Oid			relid = RangeVarGetRelid(cmd->name, NoLock, true);
	Oid			ledger = OidIsValid(relid) ? sc_guard_ledger_in_tree(relid, true) : InvalidOid;

	if (OidIsValid(ledger))
		require_seq(ledger, parent);
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
			guard_attach(relid, (PartitionCmd *) cmd->def);
		else if (OidIsValid(ledger))
			guard_command(ledger, cmd);
	}
}

void
sc_guard_rename(const RenameStmt *stmt)
{
	Oid			relid;
	Oid			ledger;

	if (stmt->renameType != OBJECT_COLUMN || stmt->relation == NULL || strcmp(stmt->subname, SC_LEDGER_SEQ) != 0)
		return;
	relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	ledger = OidIsValid(relid) ? sc_guard_ledger_in_tree(relid, stmt->relation->inh) : InvalidOid;
	if (OidIsValid(ledger))
		refuse_seq(ledger, "RENAME COLUMN");
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
			strcmp(NameStr(att->attname), SC_LEDGER_SEQ) == 0)
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
void
sc_guard_rewrite(Oid relid)
{
	Oid			rewritten = rewritten_relation(relid);
	ScLedgerTable *table = OidIsValid(rewritten) ? sc_ledger_by_relation(rewritten, true) : NULL;
	Relation	rel;

	if (table == NULL)
		return;
	rel = table_open(rewritten, AccessShareLock);
	check_new_columns(rel, sc_ledger_columns(table->table_id));
	table_close(rel, NoLock);
}

/* among relids, is there a relation that stores rows and is (or is not) a ledger table? */
static Oid
find_storing(List *relids, bool ledger)
{
	ListCell   *cell;

	foreach(cell, relids)
	{
		Oid			relid = lfirst_oid(cell);

		if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE && sc_is_ledger_relation(relid) == ledger)
			return relid;
	}
	return InvalidOid;
}

/* is the partitioned table divided by ledger_seq?  Rows are routed before they are numbered */
static bool
divided_by_seq(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	PartitionKey key = RelationGetPartitionKey(rel);
	AttrNumber	attno = sc_ledger_seq_attno(rel);
	Bitmapset  *used = NULL;

	for (int i = 0; key != NULL && i < key->partnatts; i++)
		used = bms_add_member(used, key->partattrs[i] - FirstLowInvalidHeapAttributeNumber);
	if (key != NULL)
		pull_varattnos((Node *) key->partexprs, 1, &used);
	table_close(rel, NoLock);
	return attno != InvalidAttrNumber && bms_is_member(attno - FirstLowInvalidHeapAttributeNumber, used);
}

/* errors unless the parents of a ledger partition can have one */
static void
check_parents(Oid ledger)
{
	List	   *ancestors = get_partition_ancestors(ledger);
	ListCell   *cell;

	foreach(cell, ancestors)
	{
		if (divided_by_seq(lfirst_oid(cell)))
			refuse_place(ledger, psprintf("Partitioned table \"%s\" is divided by \"%s\", which rows get after they are routed.",
										  get_rel_name(lfirst_oid(cell)), SC_LEDGER_SEQ),
						 "Partition by columns of the application.");
	}
}

/* a partition: heap and ledger partitions are not added to one tree any more once it has ledger ones */
static void
check_partition(Oid relid)
{
	Oid			root = llast_oid(get_partition_ancestors(relid));
	List	   *added = find_all_inheritors(relid, NoLock, NULL);
	List	   *others = list_difference_oid(find_all_inheritors(root, NoLock, NULL), added);
	Oid			heap = find_storing(added, false);
	Oid			ledger = find_storing(added, true);

	if (OidIsValid(ledger))
	{
		require_seq(ledger, root);
		check_parents(ledger);
	}
	if (OidIsValid(heap))
	{
		Oid			sibling = find_storing(others, true);

		if (OidIsValid(sibling))
			refuse_place(heap, psprintf("It is no ledger table, but partition \"%s\" of \"%s\" is.",
										get_rel_name(sibling), get_rel_name(root)),
						 "Create the partition USING ledger.");
	}
}

/* the direct parents of a relation */
static List *
find_parents(Oid relid)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	List	   *parents = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return parents;
}

/* a relation has been given a parent: does it fit? */
void
sc_guard_inherit(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	bool		partition;

	if (rel == NULL)
		return;
	partition = rel->rd_rel->relispartition;
	relation_close(rel, NoLock);
	if (partition)
		check_partition(relid);
	else if (has_superclass(relid))
	{
		if (sc_is_ledger_relation(relid))
			refuse_place(relid, "A ledger table cannot inherit from another table.", "Use partitions, or LIKE.");
		if (OidIsValid(find_storing(find_parents(relid), true)))
			refuse_place(relid, "A ledger table cannot have children.", "Use partitions, or LIKE.");
	}
}
