/*
 * guard_create.c
 *	  CREATE TABLE in all its forms: ledger tables get their column ledger_seq.
 *
 * Invariant: a statement that makes a ledger table makes it with exactly one
 * column ledger_seq bigint, last among those it names.
 * Locks: AccessShareLock on LIKE's source, until the transaction ends.
 * Effects: changes the guard's copy of the statement.
 * Does not: register the table (join.c), which happens when it is there.
 */
#include "postgres.h"

#include "ledger/guard.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "ledger/ledger_seq.h"
#include "ledger/own_column.h"
#include "ledger/registry.h"
#include "ledger/settings.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* does the statement's access method, or the default one, say ledger? */
static bool
means_ledger(const char *access_method)
{
	const char *name = access_method ? access_method : default_table_access_method;

	return strcmp(name, "ledger") == 0 && OidIsValid(sc_ledger_am_oid());
}

/* the error of a definition that cannot be a ledger table */
static void
refuse_definition(const RangeVar *name, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("table \"%s\" cannot be a ledger table", name->relname),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

/* errors for definitions that the words alone rule out */
static void
check_persistence(const RangeVar *name)
{
	if (name->relpersistence == RELPERSISTENCE_TEMP)
		refuse_definition(name, "It is a temporary table.", "Create it USING heap.");
	if (name->relpersistence == RELPERSISTENCE_UNLOGGED)
		refuse_definition(name, "It is unlogged, so a crash would empty it.",
						  "Create it without UNLOGGED, or USING heap.");
}

/* is the relation one whose ledger_seq LIKE must not copy? */
static bool
has_ledger_seq(Oid relid)
{
	AttrNumber	attno = get_attnum(relid, SC_LEDGER_SEQ);

	return attno != InvalidAttrNumber && get_atttype(relid, attno) == INT8OID &&
		(sc_is_ledger_relation(relid) || get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE);
}

/* the columns of a relation as LIKE without INCLUDING gives them, the ledger's own apart */
static List *
expand_like(Oid relid)
{
	AclResult	acl = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *columns = NIL;

	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, get_relkind_objtype(rel->rd_rel->relkind), RelationGetRelationName(rel));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		ColumnDef  *column;

		if (att->attisdropped || sc_own_column(NameStr(att->attname)))
			continue;
		column = makeColumnDef(NameStr(att->attname), att->atttypid, att->atttypmod, att->attcollation);
		if (att->attnotnull)
			column->constraints = list_make1(sc_not_null_constraint());
		columns = lappend(columns, column);
	}
	table_close(rel, NoLock);
	return columns;
}

/*
 * LIKE clauses that would bring a ledger_seq with them: plain ones are
 * replaced by the other columns; returns how many are left, because INCLUDING
 * wants the copy to have all columns for a moment.
 */
static int
handle_like(CreateStmt *stmt)
{
	List	   *elements = NIL;
	int			left = 0;
	ListCell   *cell;

	foreach(cell, stmt->tableElts)
	{
		TableLikeClause *like = lfirst(cell);
		Oid			relid = IsA(like, TableLikeClause) ? RangeVarGetRelid(like->relation, AccessShareLock, true) : InvalidOid;

		if (!OidIsValid(relid) || !has_ledger_seq(relid))
			elements = lappend(elements, like);
		else if (like->options == 0)
			elements = list_concat(elements, expand_like(relid));
		else
		{
			sc_guard_pin(like->relation, relid);
			elements = lappend(elements, like);
			left++;
		}
	}
	stmt->tableElts = elements;
	return left;
}

/* the ledger's own column that the definition names itself, or NULL */
static const char *
names_own_column(const CreateStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->tableElts)
	{
		ColumnDef  *column = lfirst(cell);

		if (IsA(column, ColumnDef) && sc_own_column(column->colname))
			return column->colname;
	}
	return NULL;
}

void
sc_guard_create(CreateStmt *stmt, bool *drop_copied_seq)
{
	bool		ledger = means_ledger(stmt->accessMethod) &&
		(stmt->partspec == NULL || stmt->accessMethod != NULL);
	int			copied = handle_like(stmt);

	if (!ledger)
	{
		/* a plain table keeps a column of that name only if it asks for it by name */
		*drop_copied_seq = copied > 0;
		return;
	}
	sc_require_encoding();
	check_persistence(stmt->relation);
	if (stmt->ofTypename != NULL)
		refuse_definition(stmt->relation, "It is a typed table.", "Create it with a list of columns, without OF.");
	if (stmt->inhRelations != NIL && stmt->partbound == NULL)
		refuse_definition(stmt->relation, "It inherits from another table.", "Use partitions, or LIKE.");
	if (copied > 1)
		refuse_definition(stmt->relation, "It is LIKE more than one ledger table, INCLUDING more than columns.",
						  "Leave INCLUDING out of all but one.");
	if (names_own_column(stmt) != NULL)
	{
		/* pg_dump writes the columns out */
		if (!sc_restore)
			sc_own_column_reserved(stmt->relation->relname, names_own_column(stmt));
	}
	else if (copied == 0 && stmt->partbound == NULL)
		stmt->tableElts = lappend(stmt->tableElts, sc_ledger_seq_column());
}

/* NULL::bigint AS ledger_seq */
static TargetEntry *
null_target(AttrNumber resno)
{
	return makeTargetEntry((Expr *) makeNullConst(INT8OID, -1, InvalidOid), resno, pstrdup(SC_LEDGER_SEQ), false);
}

/* adds the column behind the visible ones; ORDER BY's hidden columns move up */
static void
append_target(Query *query, int visible)
{
	ListCell   *cell;

	foreach(cell, query->targetList)
	{
		TargetEntry *target = lfirst(cell);

		if (target->resno > visible)
			target->resno++;
	}
	query->targetList = list_insert_nth(query->targetList, visible, null_target(visible + 1));
}

/* SELECT q.*, NULL::bigint AS ledger_seq FROM (query) q, for queries whose columns mean more than output */
static Query *
wrap_query(Query *inner)
{
	Query	   *outer = makeNode(Query);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblRef *ref = makeNode(RangeTblRef);
	AttrNumber	attno = 0;
	ListCell   *cell;

	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = inner;
	rte->inh = false;
	rte->inFromCl = true;
	rte->alias = makeAlias("q", NIL);
	rte->eref = makeAlias("q", NIL);
	foreach(cell, inner->targetList)
	{
		TargetEntry *target = lfirst(cell);
		Var		   *var;

		if (target->resjunk)
			continue;
		attno++;
		rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup(target->resname)));
		var = makeVar(1, attno, exprType((Node *) target->expr), exprTypmod((Node *) target->expr),
					  exprCollation((Node *) target->expr), 0);
		outer->targetList = lappend(outer->targetList,
									makeTargetEntry((Expr *) var, attno, pstrdup(target->resname), false));
	}
	outer->targetList = lappend(outer->targetList, null_target(attno + 1));

	ref->rtindex = 1;
	outer->commandType = CMD_SELECT;
	outer->querySource = QSRC_ORIGINAL;
	outer->canSetTag = true;
	outer->rtable = list_make1(rte);
	outer->jointree = makeFromExpr(list_make1(ref), NULL);
	outer->hasModifyingCTE = inner->hasModifyingCTE;
	return outer;
}

/* adds NULL::bigint AS ledger_seq to what the query returns */
static Query *
add_ledger_seq(Query *query, const IntoClause *into)
{
	int			visible = 0;
	ListCell   *cell;

	foreach(cell, query->targetList)
	{
		TargetEntry *target = lfirst(cell);

		if (target->resjunk)
			continue;
		visible++;
		if (visible > list_length(into->colNames) && sc_own_column(target->resname))
			sc_own_column_reserved(into->rel->relname, target->resname);
	}
	foreach(cell, into->colNames)
	{
		if (sc_own_column(strVal(lfirst(cell))))
			sc_own_column_reserved(into->rel->relname, strVal(lfirst(cell)));
	}
	if (list_length(into->colNames) > visible)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("too many column names were specified")));

	if (query->setOperations != NULL || (query->distinctClause != NIL && !query->hasDistinctOn))
		return wrap_query(query);
	append_target(query, visible);
	return query;
}

void
sc_guard_create_as(CreateTableAsStmt *stmt)
{
	Query	   *query = castNode(Query, stmt->query);

	if (!means_ledger(stmt->into->accessMethod))
		return;
	sc_require_encoding();
	if (stmt->objtype == OBJECT_MATVIEW)
		refuse_definition(stmt->into->rel, "It is a materialized view.", "Create it USING heap.");
	check_persistence(stmt->into->rel);
	if (query->commandType != CMD_SELECT)
		refuse_definition(stmt->into->rel, "Its rows come from EXECUTE.",
						  "CREATE TABLE ... USING ledger first, then prepare and execute an INSERT ... SELECT.");
	stmt->query = (Node *) add_ledger_seq(query, stmt->into);
}
