/*
 * ledger_seq.c
 *	  The column ledger_seq: what it must look like, and giving it to partitioned parents.
 *
 * Invariant: in every ledger table, outside a running DDL command, the column
 * is a nullable bigint without default, identity or expression, and no
 * generated column computes from it: the access method fills it after all
 * expressions have been computed.
 * Locks: the caller holds one on the relation; add_ledger_seq takes
 * AccessExclusiveLock on the parent and its partitions.
 * Effects: add_ledger_seq adds the column.
 */
#include "postgres.h"

#include "ledger/ledger_seq.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "compat.h"
#include "fmgr.h"
#include "ledger/ddl.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "ledger/settings.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
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

void
sc_ledger_seq_reserved(const char *relname)
{
	ereport(ERROR,
			(errcode(ERRCODE_RESERVED_NAME),
			 errmsg("column name \"%s\" is reserved in ledger tables", SC_LEDGER_SEQ),
			 errdetail("Table \"%s\" gets a column of that name from the ledger.", relname),
			 errhint("Choose another name for the column.  To load a dump: PGOPTIONS='-c seoulchain.restore=on'.")));
}

/* the error of a table without the column */
static void
refuse_missing(Relation rel)
{
	if (rel->rd_rel->relispartition)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("partition \"%s\" cannot be a ledger table", RelationGetRelationName(rel)),
				 errdetail("Its partitioned table has no column \"%s\".", SC_LEDGER_SEQ),
				 errhint("SELECT seoulchain.add_ledger_seq(%s);",
						 sc_refuse_literal(get_partition_parent(RelationGetRelid(rel), false)))));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 errmsg("ledger table \"%s\" has no column \"%s\"", RelationGetRelationName(rel), SC_LEDGER_SEQ),
			 errhint("The column belongs to the ledger: leave it as it is.")));
}

/* the error of a column that is not as it must be */
static void
refuse_shape(Relation rel, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 errmsg("column \"%s\" of ledger table \"%s\" cannot be changed",
					SC_LEDGER_SEQ, RelationGetRelationName(rel)),
			 errdetail("%s", detail),
			 errhint("The column belongs to the ledger; a unique index on it is allowed.")));
}

/* does a generated column compute from attribute attno? */
static bool
used_by_generated(Relation rel, AttrNumber attno)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Bitmapset  *used = NULL;

		if (att->attisdropped || !att->attgenerated)
			continue;
		pull_varattnos(build_column_default(rel, att->attnum), 1, &used);
		if (bms_is_member(attno - FirstLowInvalidHeapAttributeNumber, used) ||
			bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used))
			return true;
	}
	return false;
}

void
sc_ledger_seq_check(Relation rel)
{
	AttrNumber	attno = sc_ledger_seq_attno(rel);
	Form_pg_attribute att;

	if (attno == InvalidAttrNumber)
		refuse_missing(rel);
	att = TupleDescAttr(RelationGetDescr(rel), attno - 1);
	if (att->atttypid != INT8OID)
		refuse_shape(rel, "Its type must stay bigint.");
	if (att->attidentity || att->attgenerated || att->atthasdef)
		refuse_shape(rel, "It can have no default, identity or expression.");
	if (att->attnotnull)
		refuse_shape(rel, "It must stay nullable, because the ledger fills it last; so it cannot be in a primary key.");
	if (used_by_generated(rel, attno))
		refuse_shape(rel, "A generated column cannot compute from it, because the ledger fills it last.");
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
