/*
 * copy_guard.c
 *	  Tables of copies stay plain: nothing is added to them that replication could fail on.
 *
 * Invariant: a copy's table has no constraint, NOT NULL, default, trigger,
 * policy, rule, parent or child, and no unique, partial or expression index;
 * its columns and its name are those that its chain's events say.
 * Context: before a utility statement runs (first line), and when it has run
 * (second line, for what was altered by whatever path).
 * Effects: errors.
 * Does not: stop a superuser who writes the catalogs.
 */
#include "postgres.h"

#include "ledger/copy.h"

#include "catalog/namespace.h"
#include "ledger/settings.h"
#include "utils/rel.h"

/* what an owner may do to a copy: nothing in it changes columns or what an insert meets */
static bool
harmless(AlterTableType subtype)
{
	switch (subtype)
	{
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_SetStorage:
		case AT_SetCompression:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_SetTableSpace:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_ReplicaIdentity:
		case AT_ChangeOwner:
			return true;
		default:
			return false;
	}
}

void
sc_copy_guard_alter(Oid relid, const AlterTableCmd *cmd)
{
	if (!harmless(cmd->subtype) && !sc_copy_changing && sc_copy_of_relation(relid) != NULL)
		sc_copy_refuse(relid, "ALTER TABLE");
}

/* errors when the name is that of a copy's table */
static void
refuse_on(const RangeVar *name, const char *command)
{
	Oid			relid = name ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;

	if (OidIsValid(relid) && sc_copy_of_relation(relid) != NULL)
		sc_copy_refuse(relid, command);
}

/* an index that can refuse no row */
static bool
is_plain(const IndexStmt *stmt)
{
	ListCell   *cell;

	if (stmt->unique || stmt->primary || stmt->isconstraint || stmt->whereClause != NULL || stmt->excludeOpNames != NIL)
		return false;
	foreach(cell, stmt->indexParams)
	{
		if (((IndexElem *) lfirst(cell))->expr != NULL)
			return false;
	}
	return true;
}

void
sc_copy_guard_statement(Node *stmt)
{
	if (sc_copy_changing)
		return;
	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			if (!is_plain((IndexStmt *) stmt))
				refuse_on(((IndexStmt *) stmt)->relation, "CREATE INDEX with UNIQUE, WHERE or an expression");
			break;
		case T_CreateTrigStmt:
			refuse_on(((CreateTrigStmt *) stmt)->relation, "CREATE TRIGGER");
			break;
		case T_CreatePolicyStmt:
			refuse_on(((CreatePolicyStmt *) stmt)->table, "CREATE POLICY");
			break;
		case T_RuleStmt:
			refuse_on(((RuleStmt *) stmt)->relation, "CREATE RULE");
			break;
		default:
			break;
	}
}

/* has a column something that an insert meets? */
static bool
has_plain_columns(TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && (att->attnotnull || att->atthasdef || att->attidentity || att->attgenerated))
			return false;
	}
	return true;
}

void
sc_copy_check_plain(Relation rel)
{
	if (rel->rd_rel->relispartition || rel->rd_rel->relchecks > 0 || rel->rd_rel->relrowsecurity ||
		!has_plain_columns(RelationGetDescr(rel)))
		sc_copy_refuse(RelationGetRelid(rel), "ALTER TABLE");
}
