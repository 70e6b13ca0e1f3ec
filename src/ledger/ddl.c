/*
 * ddl.c
 *	  The hooks through which the ledger room watches DDL and statements.
 *
 * Guards judge a utility statement before it runs (guard.c).  While it runs,
 * the object access hook notes which relations are created or altered, and
 * refuses what must not happen at once.  When it has run, every noted
 * relation is compared with the registry (reconcile.c).
 *
 * Invariant: nothing is inserted into a ledger table between a change of its
 * columns and the moment when registry and chain know of it.
 * Context: hooks chain to those installed before; nothing is done in
 * databases without the extension, or in binary upgrade.
 * Effects: those of guards and reconcile.c.
 * Does not: rely on event triggers.
 */
#include "postgres.h"

#include "ledger/ddl.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "commands/tablecmds.h"
#include "compat.h"
#include "executor/executor.h"
#include "ledger/guard.h"
#include "ledger/ledger_seq.h"
#include "ledger/reconcile.h"
#include "ledger/recorder.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* a relation that a command created or altered */
typedef struct Noted
{
	Oid			relid;
	SubTransactionId subid;		/* what was noted in it goes when it is rolled back */
	char	   *old_name;		/* schema.table before; NULL when it is new */
	bool		was_ledger;		/* its access method was ledger before */
	bool		inherits;		/* it was given a parent */
} Noted;

bool		sc_ddl_waiting = false;

static List *noted = NIL;		/* of Noted *, in TopTransactionContext */
static int	utility_depth = 0;	/* utility statements running */
static int	floor_noted = 0;	/* entries of noted before this one are those of statements around the innermost */
static int	tables_dropped = 0; /* ledger tables dropped by the innermost one */

static ProcessUtility_hook_type prev_utility = NULL;
static object_access_hook_type prev_access = NULL;
static ExecutorStart_hook_type prev_executor_start = NULL;

/* the entry of a relation that the innermost statement noted, or NULL */
static Noted *
find_noted(Oid relid)
{
	for (int i = floor_noted; i < list_length(noted); i++)
	{
		Noted	   *entry = list_nth(noted, i);

		if (entry->relid == relid)
			return entry;
	}
	return NULL;
}

/* is a running statement altering the relation? */
static bool
is_altered(Oid relid)
{
	ListCell   *cell;

	foreach(cell, noted)
	{
		Noted	   *entry = lfirst(cell);

		if (entry->relid == relid && entry->old_name != NULL)
			return true;
	}
	return false;
}

/* "schema.table" as the catalogs say before the running change is visible, or NULL */
static char *
present_name(Oid relid)
{
	char	   *name = get_rel_name(relid);
	char	   *schema = name ? get_namespace_name(get_rel_namespace(relid)) : NULL;

	return schema ? psprintf("%s.%s", schema, name) : NULL;
}

/* notes a relation; a relation noted before keeps its first name */
static Noted *
note_relation(Oid relid)
{
	Noted	   *entry = find_noted(relid);
	MemoryContext old;

	if (entry != NULL)
		return entry;
	old = MemoryContextSwitchTo(TopTransactionContext);
	entry = palloc0(sizeof(Noted));
	entry->relid = relid;
	entry->subid = GetCurrentSubTransactionId();
	entry->old_name = present_name(relid);
	entry->was_ledger = sc_is_ledger_relation(relid);
	noted = lappend(noted, entry);
	MemoryContextSwitchTo(old);
	sc_ddl_waiting = true;
	return entry;
}

/* a schema was renamed: its ledger tables have other names now */
static void
note_schema(Oid schema)
{
	ListCell   *cell;

	foreach(cell, sc_ledger_list(-1))
	{
		ScLedgerTable *table = lfirst(cell);

		if (OidIsValid(table->relation) && get_rel_namespace(table->relation) == schema)
			note_relation(table->relation);
	}
}

/* the relation's changes up to now are recorded: statements around need not record them again */
static void
refresh_old_names(Oid relid)
{
	ListCell   *cell;

	foreach(cell, noted)
	{
		Noted	   *entry = lfirst(cell);
		MemoryContext old;

		if (entry->relid != relid || entry->old_name == NULL)
			continue;
		old = MemoryContextSwitchTo(TopTransactionContext);
		entry->old_name = present_name(relid);
		MemoryContextSwitchTo(old);
	}
}

/* compares the relations noted from an index on */
static void
finish_from(int from)
{
	while (list_length(noted) > from)
	{
		Noted	   *entry = list_nth(noted, from);

		/* out of the list first: making a chain may run commands that come here too */
		noted = list_delete_nth_cell(noted, from);
		if (entry->inherits)
			sc_guard_inherit(entry->relid);
		sc_reconcile(entry->relid, entry->old_name, entry->was_ledger);
		refresh_old_names(entry->relid);
	}
	sc_ddl_waiting = noted != NIL;
}

/*
 * What statements around the innermost one noted stays: they are not done,
 * and the rows of their tables may be half rewritten.
 */
void
sc_ddl_finish(void)
{
	finish_from(floor_noted);
}

void
sc_ddl_before_insert(Relation rel)
{
	if (utility_depth == 0)
	{
		finish_from(0);
		return;
	}
	if (!is_altered(RelationGetRelid(rel)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("ledger table \"%s\" is being altered", RelationGetRelationName(rel)),
			 errdetail("A function that the command calls inserts into the table."),
			 errhint("Insert before or after the command.")));
}

/* takes a column that LIKE copied out of a new table */
static void
drop_column(Oid relid, const char *column)
{
	AlterTableCmd *cmd = makeNode(AlterTableCmd);

	cmd->subtype = AT_DropColumn;
	cmd->name = pstrdup(column);
	cmd->behavior = DROP_RESTRICT;
	AlterTableInternal(relid, list_make1(cmd), false);
	CommandCounterIncrement();
}

/* takes the own columns that LIKE copied out of the tables that were created after `from` others were noted */
static void
drop_copied_columns(int from)
{
	for (int i = from; i < list_length(noted); i++)
	{
		Noted	   *entry = list_nth(noted, i);
		char		relkind = get_rel_relkind(entry->relid);

		if (entry->old_name != NULL || (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) ||
			get_attnum(entry->relid, SC_LEDGER_SEQ) == InvalidAttrNumber)
			continue;
		drop_column(entry->relid, SC_LEDGER_SEQ);
		if (get_attnum(entry->relid, SC_LEDGER_TIME) != InvalidAttrNumber)
			drop_column(entry->relid, SC_LEDGER_TIME);
	}
}

/* runs the statement, as others hooked in wish */
static void
run_utility(PlannedStmt *pstmt, const char *query, bool read_only, ProcessUtilityContext context,
			ParamListInfo params, QueryEnvironment *env, DestReceiver *dest, QueryCompletion *qc)
{
	if (prev_utility)
		prev_utility(pstmt, query, read_only, context, params, env, dest, qc);
	else
		standard_ProcessUtility(pstmt, query, read_only, context, params, env, dest, qc);
}

/* a copy of the statement's frame around what the guard returned */
static PlannedStmt *
with_statement(PlannedStmt *pstmt, Node *stmt)
{
	PlannedStmt *copy;

	if (stmt == pstmt->utilityStmt)
		return pstmt;
	copy = makeNode(PlannedStmt);
	memcpy(copy, pstmt, sizeof(PlannedStmt));
	copy->utilityStmt = stmt;
	return copy;
}

/* ProcessUtility_hook: guard, run, compare */
static void
ddl_utility(PlannedStmt *pstmt, const char *query, bool read_only, ProcessUtilityContext context,
			ParamListInfo params, QueryEnvironment *env, DestReceiver *dest, QueryCompletion *qc)
{
	bool		copied_seq = false;
	int			from = list_length(noted);
	int			save_floor = floor_noted;
	int			save_dropped = tables_dropped;

	floor_noted = utility_depth == 0 ? 0 : from;
	tables_dropped = 0;
	utility_depth++;
	PG_TRY();
	{
		Node	   *stmt = pstmt->utilityStmt;

		/* a transaction that failed can only end, and nothing may be looked up in it */
		if (IsTransactionState() && OidIsValid(sc_ledger_am_oid()))
			stmt = sc_guard_utility(stmt, &copied_seq);
		run_utility(with_statement(pstmt, stmt), query, read_only, context, params, env, dest, qc);
		if (copied_seq)
			drop_copied_columns(from);
		if (sc_ddl_waiting && IsTransactionState())
			sc_ddl_finish();
	}
	PG_FINALLY();
	{
		utility_depth--;
		floor_noted = save_floor;
		tables_dropped = save_dropped;
	}
	PG_END_TRY();
}

/* a relation, or a column of one, is created */
static void
relation_created(Oid relid, int column, const ObjectAccessPostCreate *arg)
{
	Oid			rewritten = InvalidOid;

	note_relation(relid);
	if (column == 0 && arg != NULL && arg->is_internal)
		rewritten = sc_guard_rewrite(relid);

	/* rows inserted now by an index expression or constraint would stay in the storage that is left behind */
	if (OidIsValid(rewritten))
		note_relation(rewritten);
}

/* the relation of a constraint that was created a moment ago and nobody sees yet, if it says NOT NULL */
static Oid
not_null_relation(Oid constraint)
{
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			relid = InvalidOid;

	ScanKeyInit(&key, Anum_pg_constraint_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(constraint));
	scan = systable_beginscan(rel, ConstraintOidIndexId, true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple) && ((Form_pg_constraint) GETSTRUCT(tuple))->contype == 'n')
		relid = ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relid;
}

/* a constraint is created: NOT NULL may be meant for ledger_seq */
static void
constraint_created(Oid constraint)
{
	Oid			relid = not_null_relation(constraint);

	if (OidIsValid(relid) && sc_is_ledger_relation(relid))
		note_relation(relid);
}

/* something is about to be dropped */
static void
object_dropped(Oid class, Oid object, int column)
{
	/* the access method goes before the extension it belongs to */
	if ((class == ExtensionRelationId && object == get_extension_oid("seoulchain", true)) ||
		(class == AccessMethodRelationId && object == sc_ledger_am_oid()))
	{
		sc_guard_extension_drop(tables_dropped > 0);
		sc_recorder_forget_journal();
	}
	else if (class == RelationRelationId && sc_is_ledger_relation(object))
	{
		/*
		 * A column may go a moment before its whole table (DROP SCHEMA takes
		 * a column's type first): whether the table stays is known at the end
		 * of the command.
		 */
		if (column != 0)
		{
			note_relation(object);
			return;
		}
		tables_dropped++;
		sc_reconcile_drop(object);
	}
}

/* something was altered, not yet visibly */
static void
object_altered(Oid class, Oid object, const ObjectAccessPostAlter *arg)
{
	if (class == InheritsRelationId)
		note_relation(object)->inherits = true;
	else if (class == NamespaceRelationId)
		note_schema(object);
	else if (class == RelationRelationId)
	{
		char		relkind = get_rel_relkind(object);

		if (relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW || relkind == '\0')
			note_relation(object);
	}
}

/* object_access_hook */
static void
ddl_object_access(ObjectAccessType access, Oid class, Oid object, int column, void *arg)
{
	if (prev_access)
		prev_access(access, class, object, column, arg);

	if (access == OAT_NAMESPACE_SEARCH || access == OAT_FUNCTION_EXECUTE || !OidIsValid(sc_ledger_am_oid()))
		return;
	if (access == OAT_POST_CREATE && class == RelationRelationId)
		relation_created(object, column, arg);
	else if (access == OAT_POST_CREATE && class == ConstraintRelationId && SC_NOT_NULL_IS_CONSTRAINT)
		constraint_created(object);
	else if (access == OAT_POST_CREATE && class == ProcedureRelationId)
		sc_guard_handler(object);
	else if (access == OAT_POST_ALTER)
		object_altered(class, object, arg);
	else if (access == OAT_DROP)
		object_dropped(class, object, column);
	else if (access == OAT_TRUNCATE && sc_is_ledger_relation(object))
		sc_refuse_truncate(object);
}

/* ExecutorStart_hook */
static void
ddl_executor_start(QueryDesc *query, int eflags)
{
	sc_guard_query(query->plannedstmt);
	if (prev_executor_start)
		prev_executor_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

/* what is noted lives as long as the transaction; DDL below SQL is looked at before it commits */
static void
ddl_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (sc_ddl_waiting)
				finish_from(0);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			noted = NIL;
			sc_ddl_waiting = false;
			break;
		default:
			break;
	}
}

/* what a subtransaction noted is its parent's when it commits, and nobody's when it is rolled back */
static void
ddl_subtransaction(SubXactEvent event, SubTransactionId subid, SubTransactionId parent_subid, void *arg)
{
	ListCell   *cell;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	foreach(cell, noted)
	{
		Noted	   *entry = lfirst(cell);

		if (entry->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			entry->subid = parent_subid;
		else
			noted = foreach_delete_current(noted, cell);
	}
	sc_ddl_waiting = noted != NIL;
}

void
sc_ddl_init(void)
{
	if (IsBinaryUpgrade)
		return;

	prev_utility = ProcessUtility_hook;
	ProcessUtility_hook = ddl_utility;
	prev_access = object_access_hook;
	object_access_hook = ddl_object_access;
	prev_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = ddl_executor_start;
	RegisterXactCallback(ddl_transaction, NULL);
	RegisterSubXactCallback(ddl_subtransaction, NULL);
}
