/*
 * guard_query.c
 *	  Statements that would change rows of a ledger table are refused before they run.
 *
 * Invariant: a statement that names a ledger table as the target of UPDATE,
 * DELETE, MERGE's UPDATE or DELETE, or ON CONFLICT DO UPDATE never starts,
 * whether it would touch a row or not, data-modifying WITH included.
 * The same for a partitioned table all of whose partitions are ledger tables.
 * Context: ExecutorStart; the plan's relations are locked.
 * Does not: judge single rows.  Where a partitioned table has heap partitions
 * too, rows of its ledger partitions are refused by the access method.
 */
#include "postgres.h"

#include "ledger/guard.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

/* what a MERGE would do to existing rows, or NULL */
static const char *
merge_change(const ModifyTable *node)
{
	ListCell   *outer;
	ListCell   *inner;

	foreach(outer, node->mergeActionLists)
	{
		foreach(inner, (List *) lfirst(outer))
		{
			CmdType		command = ((MergeAction *) lfirst(inner))->commandType;

			if (command == CMD_UPDATE)
				return "MERGE ... UPDATE";
			if (command == CMD_DELETE)
				return "MERGE ... DELETE";
		}
	}
	return NULL;
}

/* what the node would do to existing rows, or NULL */
static const char *
node_change(const ModifyTable *node)
{
	switch (node->operation)
	{
		case CMD_UPDATE:
			return "UPDATE";
		case CMD_DELETE:
			return "DELETE";
		case CMD_MERGE:
			return merge_change(node);
		case CMD_INSERT:
			return node->onConflictAction == ONCONFLICT_UPDATE ? "ON CONFLICT DO UPDATE" : NULL;
		default:
			return NULL;
	}
}

/* is every relation that the node may change a ledger table? */
static bool
all_ledger(const ModifyTable *node, List *rtable)
{
	ListCell   *cell;

	foreach(cell, node->resultRelations)
	{
		if (!sc_is_ledger_relation(rt_fetch(lfirst_int(cell), rtable)->relid))
			return false;
	}
	return node->resultRelations != NIL;
}

/* a ledger partition of a partitioned table that has no others, or InvalidOid */
static Oid
only_ledger_partitions(Oid relid)
{
	Oid			ledger = InvalidOid;
	ListCell   *cell;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE || get_attnum(relid, SC_LEDGER_SEQ) == InvalidAttrNumber)
		return InvalidOid;
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
	{
		if (sc_is_ledger_relation(lfirst_oid(cell)))
			ledger = OidIsValid(ledger) ? ledger : lfirst_oid(cell);
		else if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_PARTITIONED_TABLE)
			return InvalidOid;
	}
	return ledger;
}

/* the ledger table whose rows the node would change, or InvalidOid */
static Oid
find_target(const ModifyTable *node, List *rtable)
{
	Oid			target = rt_fetch(node->nominalRelation, rtable)->relid;

	if (sc_is_ledger_relation(target))
		return target;
	if (all_ledger(node, rtable))
		return rt_fetch(linitial_int(node->resultRelations), rtable)->relid;
	return only_ledger_partitions(target);
}

/* errors when the plan node changes rows of a ledger table */
static void
check_node(const Plan *plan, List *rtable)
{
	const ModifyTable *node = (const ModifyTable *) plan;
	const char *change;
	Oid			target;

	if (plan == NULL || !IsA(plan, ModifyTable))
		return;
	change = node_change(node);
	if (change == NULL)
		return;
	target = find_target(node, rtable);
	if (OidIsValid(target))
		sc_refuse(get_rel_name(target), change, "Insert a correcting row.");
}

void
sc_guard_query(const PlannedStmt *plan)
{
	ListCell   *cell;

	if (plan->commandType == CMD_SELECT && !plan->hasModifyingCTE)
		return;
	check_node(plan->planTree, plan->rtable);
	foreach(cell, plan->subplans)
		check_node(lfirst(cell), plan->rtable);
}
