/*
 * guard_query.c
 *	  Statements that would change rows of a ledger table are refused before they run.
 *
 * Invariant: a statement that names a ledger table as the target of UPDATE,
 * DELETE, MERGE's UPDATE or DELETE, or ON CONFLICT DO UPDATE never starts,
 * whether it would touch a row or not, data-modifying WITH included.
 * Context: ExecutorStart; the plan's relations are locked.
 * Does not: judge single rows.  A partitioned table may have heap partitions
 * too; rows of ledger partitions are refused by the access method.
 */
#include "postgres.h"

#include "ledger/guard.h"

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
	target = rt_fetch(node->nominalRelation, rtable)->relid;
	if (!sc_is_ledger_relation(target) && all_ledger(node, rtable))
		target = rt_fetch(linitial_int(node->resultRelations), rtable)->relid;
	if (sc_is_ledger_relation(target))
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
