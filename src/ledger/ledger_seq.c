/*
 * ledger_seq.c
 *	  The column ledger_seq, and giving it to partitioned parents.
 *
 * Locks: add_ledger_seq takes AccessExclusiveLock on the parent and its
 * partitions.
 * Effects: add_ledger_seq adds the column.
 * Does not: judge the column (own_column.c).
 */
#include "postgres.h"

#include "ledger/ledger_seq.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "compat.h"
#include "fmgr.h"
#include "ledger/ddl.h"
#include "ledger/registry.h"
#include "ledger/settings.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(sc_add_ledger_seq);

AttrNumber
sc_ledger_seq_attno(Relation rel)
{
	return get_attnum(RelationGetRelid(rel), SC_LEDGER_SEQ);
}

ColumnDef *
sc_ledger_seq_column(void)
{
	return makeColumnDef(SC_LEDGER_SEQ, INT8OID, -1, InvalidOid);
}

/*
 * seoulchain.add_ledger_seq(parent regclass) returns void
 *
 * Gives a partitioned table, and the partitions it has, the column
 * ledger_seq, so that it can have ledger partitions.  For its owner.
 * Errors: WRONG_OBJECT_TYPE when it is not partitioned, DUPLICATE_COLUMN.
 */
Datum
sc_add_ledger_seq(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Relation	rel;
	AlterTableCmd *cmd = makeNode(AlterTableCmd);

	sc_require_encoding();
	/* nobody gets to lock, or queue for, a table that is not his */
	if (!SC_OWNS_RELATION(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
	rel = table_open(relid, AccessExclusiveLock);
	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a partitioned table", RelationGetRelationName(rel)),
				 errhint("Other tables get the column when they are created USING ledger.")));
	table_close(rel, NoLock);

	cmd->subtype = AT_AddColumn;
	cmd->name = NULL;
	cmd->def = (Node *) sc_ledger_seq_column();
	cmd->behavior = DROP_RESTRICT;
	AlterTableInternal(relid, list_make1(cmd), true);
	sc_ddl_finish();
	PG_RETURN_VOID();
}
