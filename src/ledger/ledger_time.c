/*
 * ledger_time.c
 *	  Acceptance time: the column ledger_time and the event that announces it.
 *
 * Whatever depends on time, rules and signatures, compares recorded times.
 * A table whose rows are judged so has a column for it, which the access
 * method fills when it takes the row's number; leaves hold it as `time`.
 *
 * Invariant: a registered ledger table has the column exactly if
 * seoulchain.ledger.time_seq is set, and every row with a greater ledger_seq
 * has a value in it.
 * Locks: AccessExclusiveLock on the table, and on the whole tree of a
 * partition, from before the event's number is taken: no row in between.
 * Effects: the column, an event leaf, registry rows.
 */
#include "postgres.h"

#include "ledger/ledger_time.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "compat.h"
#include "fmgr.h"
#include "ledger/alone.h"
#include "ledger/ddl.h"
#include "ledger/join.h"
#include "ledger/own_column.h"
#include "ledger/refuse.h"
#include "ledger/registry_write.h"
#include "ledger/settings.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(sc_add_ledger_time);

bool
sc_time_column_there(Relation rel)
{
	return get_attnum(RelationGetRelid(rel), SC_LEDGER_TIME) != InvalidAttrNumber;
}

void
sc_time_announce(ScLedgerTable *table)
{
	const ScChain *chain = sc_chain_by_id(table->chain_id, false);
	ScBuf		event = SC_BUF_INIT;

	sc_alone_table(chain);
	sc_buf_literal(&event, "{\"type\":\"time\"}");
	table->time_seq = sc_event_record(chain, table->table_id, table->ledger_name, &event);
	sc_buf_free(&event);
	sc_registry_set_time(table);
	CacheInvalidateRelcacheByRelid(table->relation);
}

/* the topmost parent of a partition, or the relation itself */
static Oid
tree_root(Oid relid)
{
	List	   *ancestors = get_rel_relispartition(relid) ? get_partition_ancestors(relid) : NIL;

	return ancestors == NIL ? relid : llast_oid(ancestors);
}

/* one relation of the tree, locked, before the column is there */
static void
announce_if_ledger(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	ScLedgerTable *table;

	CheckTableNotInUse(rel, "ALTER TABLE");
	table_close(rel, NoLock);
	if (!sc_is_ledger_relation(relid))
		return;
	sc_ledger_join(relid);
	table = sc_ledger_by_relation(relid, false);
	sc_chain_require_open(sc_chain_by_id(table->chain_id, false));
	sc_time_announce(table);
}

/* gives the tree the column; the root, and with it everything below, has none yet */
static void
add_to_tree(Oid root)
{
	AlterTableCmd *cmd = makeNode(AlterTableCmd);
	ListCell   *cell;

	if (!SC_OWNS_RELATION(root, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(root));

	/* the event first: the column is looked at as soon as it is there */
	foreach(cell, find_all_inheritors(root, AccessExclusiveLock, NULL))
		announce_if_ledger(lfirst_oid(cell));
	CommandCounterIncrement();

	cmd->subtype = AT_AddColumn;
	cmd->def = (Node *) makeColumnDef(SC_LEDGER_TIME, TIMESTAMPTZOID, -1, InvalidOid);
	cmd->behavior = DROP_RESTRICT;
	AlterTableInternal(root, list_make1(cmd), true);
	sc_ddl_finish();
}

void
sc_time_require(Oid relid)
{
	Oid			root;

	sc_ledger_join(relid);
	if (sc_ledger_by_relation(relid, false)->time_seq != 0)
		return;
	root = tree_root(relid);
	LockRelationOid(root, AccessExclusiveLock);
	/* another session may have been faster */
	if (sc_ledger_by_relation(relid, false)->time_seq == 0)
		add_to_tree(root);
}

/*
 * seoulchain.add_ledger_time(relation regclass) returns void
 *
 * Rows of a ledger table have an acceptance time from now on; a partitioned
 * table gets the column for all its partitions.  For its owner.
 * Errors: WRONG_OBJECT_TYPE when it is neither; DUPLICATE_COLUMN.
 */
Datum
sc_add_ledger_time(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);

	sc_require_encoding();
	/* nobody gets to lock, or queue for, a table that is not his */
	if (!SC_OWNS_RELATION(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
	LockRelationOid(relid, AccessExclusiveLock);
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
	{
		(void) sc_ledger_by_relation(relid, false);
		sc_time_require(relid);
	}
	else if (get_attnum(relid, SC_LEDGER_TIME) == InvalidAttrNumber)
		add_to_tree(tree_root(relid));
	PG_RETURN_VOID();
}
