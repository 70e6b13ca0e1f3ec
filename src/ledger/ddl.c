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

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "commands/extension.h"
#include "commands/tablecmds.h"
#include "executor/executor.h"
#include "ledger/guard.h"
#include "ledger/ledger_seq.h"
#include "ledger/reconcile.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* a relation that a command created or altered */
typedef struct Noted
{
	Oid			relid;
	char	   *old_name;		/* schema.table before; NULL when it is new */
	bool		was_ledger;		/* its access method was ledger before */
	bool		inherits;		/* it was given a parent */
} Noted;

bool		sc_ddl_waiting = false;

static List *noted = NIL;		/* of Noted *, in TopTransactionContext */
static int	utility_depth = 0;	/* utility statements running */
static int	tables_dropped = 0; /* ledger tables dropped by the outermost one */

static ProcessUtility_hook_type prev_utility = NULL;
static object_access_hook_type prev_access = NULL;
static ExecutorStart_hook_type prev_executor_start = NULL;

/* the entry of a relation, or NULL */
static Noted *
find_noted(Oid relid)
{
	ListCell   *cell;

	foreach(cell, noted)
	{
		if (((Noted *) lfirst(cell))->relid == relid)
			return lfirst(cell);
	}
	return NULL;
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

void
sc_ddl_finish(void)
{
	while (noted != NIL)
	{
		Noted	   *entry = linitial(noted);

		/* out of the list first: making a chain may run commands that come here too */
		noted = list_delete_first(noted);
		if (entry->inherits)
			sc_guard_inherit(entry->relid);
		sc_reconcile(entry->relid, entry->old_name, entry->was_ledger);
	}
	sc_ddl_waiting = false;
}

void
sc_ddl_before_insert(Relation rel)
{
	Noted	   *entry;

	if (utility_depth == 0)
	{
		sc_ddl_finish();
		return;
	}
	entry = find_noted(RelationGetRelid(rel));
	if (entry == NULL || entry->old_name == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("ledger table \"%s\" is being altered", RelationGetRelationName(rel)),
			 errdetail("A function that the command calls inserts into the table."),
			 errhint("Insert before or after the command.")));
}

/* takes the ledger_seq that LIKE copied out of the tables that were created after `from` others were noted */
static void
drop_copied_seq(int from)
{
	for (int i = from; i < list_length(noted); i++)
	{
		Noted	   *entry = list_nth(noted, i);
		char		relkind = get_rel_relkind(entry->relid);
		AlterTableCmd *cmd;

		if (entry->old_name != NULL || (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) ||
			get_attnum(entry->relid, SC_LEDGER_SEQ) == InvalidAttrNumber)
			continue;
		cmd = makeNode(AlterTableCmd);
		cmd->subtype = AT_DropColumn;
		cmd->name = pstrdup(SC_LEDGER_SEQ);
		cmd->behavior = DROP_RESTRICT;
		AlterTableInternal(entry->relid, list_make1(cmd), false);
		CommandCounterIncrement();
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

	if (utility_depth == 0)
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
			drop_copied_seq(from);
		if (sc_ddl_waiting && IsTransactionState())
			sc_ddl_finish();
	}
	PG_FINALLY();
	{
		utility_depth--;
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

/* something is about to be dropped */
static void
object_dropped(Oid class, Oid object, int column)
{
	if (class == ExtensionRelationId && object == get_extension_oid("seoulchain", true))
		sc_guard_extension_drop(tables_dropped > 0);
	else if (class == AccessMethodRelationId && object == sc_ledger_am_oid())
		sc_guard_extension_drop(tables_dropped > 0);
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
				sc_ddl_finish();
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
}
