/*
 * guard.c
 *	  The first line: which guard judges which utility statement.
 *
 * Invariant: the caller's parse tree is never changed (it may be a cached
 * plan's); guards that change a statement get a copy.
 * Locks: those that the statement itself would take, taken a little earlier.
 * Effects: errors.
 */
#include "postgres.h"

#include "ledger/guard.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "ledger/copy.h"
#include "ledger/enum_use.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

void
sc_guard_pin(RangeVar *name, Oid relid)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	if (schema != NULL)
		name->schemaname = schema;
}

Oid
sc_guard_ledger_in_tree(Oid relid, bool inh)
{
	List	   *relids = inh ? find_all_inheritors(relid, NoLock, NULL) : list_make1_oid(relid);
	ListCell   *cell;

	foreach(cell, relids)
	{
		if (sc_is_ledger_relation(lfirst_oid(cell)))
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

/* RENAME VALUE changes the text of values that are in leaves */
static void
guard_enum(const AlterEnumStmt *stmt)
{
	Oid			enumid;
	Oid			user;

	if (stmt->oldVal == NULL)
		return;
	enumid = typenameTypeId(NULL, makeTypeNameFromNameList(stmt->typeName));
	if (get_typtype(enumid) != TYPTYPE_ENUM)
		return;
	LockDatabaseObject(TypeRelationId, enumid, 0, ExclusiveLock);
	user = sc_enum_user(enumid);
	if (!OidIsValid(user))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot rename a value of type %s", format_type_be(enumid)),
			 errdetail("Rows of ledger table \"%s\" were recorded with the present name.", get_rel_name(user)),
			 errhint("Add a new value: ALTER TYPE %s ADD VALUE ...;", format_type_be(enumid))));
}

/* ON SELECT turns a table into a view */
static void
guard_rule(RuleStmt *stmt)
{
	Oid			relid;

	if (stmt->event != CMD_SELECT)
		return;
	relid = RangeVarGetRelid(stmt->relation, AccessExclusiveLock, true);
	if (!OidIsValid(relid))
		return;
	if (sc_is_ledger_relation(relid))
		sc_refuse(get_rel_name(relid), "CREATE RULE ... ON SELECT", "Create a view under another name.");
	sc_guard_pin(stmt->relation, relid);
}

/* parts of this extension stay in it; ledger tables stay out of all extensions */
static void
guard_extension_contents(AlterExtensionContentsStmt *stmt)
{
	if (stmt->action < 0 && strcmp(stmt->extname, "seoulchain") == 0 && !creating_extension)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot take objects out of extension seoulchain"),
				 errdetail("Ledger tables depend on all of them."),
				 errhint("DROP EXTENSION seoulchain; when there are no ledger tables any more.")));
	if (stmt->action > 0 && stmt->objtype == OBJECT_TABLE)
	{
		RangeVar   *name = makeRangeVarFromNameList((List *) stmt->object);
		Oid			relid = RangeVarGetRelid(name, AccessShareLock, true);

		if (OidIsValid(relid) && sc_is_ledger_relation(relid))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("ledger table \"%s\" cannot belong to an extension", get_rel_name(relid)),
					 errdetail("pg_dump would skip its rows, and DROP EXTENSION would take it."),
					 errhint("Leave the table on its own.")));
	}
}

/* the library finds its tables by the name of their schema */
static void
guard_schema(const RenameStmt *stmt)
{
	if (stmt->renameType == OBJECT_SCHEMA && strcmp(stmt->subname, SC_SCHEMA) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot rename schema \"%s\"", SC_SCHEMA),
				 errdetail("Ledger tables could no longer find the registry of their chains."),
				 errhint("Choose another name for your own schema.")));
}

/* CREATE OR REPLACE FUNCTION of the handler would turn every ledger table into another kind of table */
void
sc_guard_handler(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(AMOID, ObjectIdGetDatum(sc_ledger_am_oid()));
	Oid			handler = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		handler = ((Form_pg_am) GETSTRUCT(tuple))->amhandler;
		ReleaseSysCache(tuple);
	}
	if (function == handler && !creating_extension)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot replace the handler of access method ledger"),
				 errdetail("Rows of ledger tables could be changed without it."),
				 errhint("Create your function under another name.")));
}

/* EXPLAIN ANALYZE runs a CREATE TABLE AS without passing it through here again */
static Node *
guard_explain(ExplainStmt *stmt)
{
	Query	   *query = (Query *) stmt->query;
	ExplainStmt *copy;

	if (!IsA(query, Query) || query->commandType != CMD_UTILITY || !IsA(query->utilityStmt, CreateTableAsStmt))
		return (Node *) stmt;
	copy = copyObject(stmt);
	sc_guard_create_as((CreateTableAsStmt *) ((Query *) copy->query)->utilityStmt);
	return (Node *) copy;
}

Node *
sc_guard_utility(Node *stmt, bool *drop_copied_seq)
{
	*drop_copied_seq = false;
	sc_copy_guard_statement(stmt);
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			stmt = copyObject(stmt);
			sc_guard_create((CreateStmt *) stmt, drop_copied_seq);
			break;
		case T_CreateTableAsStmt:
			stmt = copyObject(stmt);
			sc_guard_create_as((CreateTableAsStmt *) stmt);
			break;
		case T_ExplainStmt:
			stmt = guard_explain((ExplainStmt *) stmt);
			break;
		case T_AlterTableStmt:
			stmt = copyObject(stmt);
			sc_guard_alter((AlterTableStmt *) stmt);
			break;
		case T_RenameStmt:
			guard_schema((RenameStmt *) stmt);
			sc_guard_rename((RenameStmt *) stmt);
			break;
		case T_CopyStmt:
			stmt = copyObject(stmt);
			sc_guard_copy((CopyStmt *) stmt);
			break;
		case T_DropStmt:
			sc_guard_drop((DropStmt *) stmt);
			break;
		case T_RuleStmt:
			stmt = copyObject(stmt);
			guard_rule((RuleStmt *) stmt);
			break;
		case T_AlterEnumStmt:
			guard_enum((AlterEnumStmt *) stmt);
			break;
		case T_AlterExtensionContentsStmt:
			guard_extension_contents((AlterExtensionContentsStmt *) stmt);
			break;
		default:
			break;
	}
	return stmt;
}
