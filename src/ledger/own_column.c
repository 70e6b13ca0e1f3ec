/*
 * own_column.c
 *	  The ledger's own columns, ledger_seq and ledger_time: their names, and what they must look like.
 *
 * Invariant: in every ledger table, outside a running DDL command, they are
 * nullable, of their type, without default, identity or expression, and no
 * generated column computes from them: the access method fills them after all
 * expressions have been computed.
 * Locks: the caller holds one on the relation.
 * Effects: none but errors.
 */
#include "postgres.h"

#include "ledger/own_column.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* one of them */
typedef struct OwnColumn
{
	const char *name;
	Oid			typeid;
	const char *type;
	const char *add;			/* the function that gives it to a partitioned table */
} OwnColumn;

static const OwnColumn own_seq = {SC_LEDGER_SEQ, INT8OID, "bigint", "add_ledger_seq"};
static const OwnColumn own_time = {SC_LEDGER_TIME, TIMESTAMPTZOID, "timestamp with time zone", "add_ledger_time"};

bool
sc_own_column(const char *name)
{
	return strcmp(name, SC_LEDGER_SEQ) == 0 || strcmp(name, SC_LEDGER_TIME) == 0;
}

void
sc_own_column_reserved(const char *relname, const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_RESERVED_NAME),
			 errmsg("column name \"%s\" is reserved in ledger tables", column),
			 strcmp(column, SC_LEDGER_SEQ) == 0
			 ? errdetail("Table \"%s\" gets a column of that name from the ledger.", relname)
			 : errdetail("Table \"%s\" gets a column of that name from the ledger when its rows need an acceptance time.",
						 relname),
			 errhint("Choose another name for the column.  To load a dump: PGOPTIONS='-c seoulchain.restore=on'.")));
}

/* the error of a table without the column */
static void
refuse_missing(Relation rel, const OwnColumn *own)
{
	if (rel->rd_rel->relispartition)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("partition \"%s\" cannot be a ledger table", RelationGetRelationName(rel)),
				 errdetail("Its partitioned table has no column \"%s\".", own->name),
				 errhint("SELECT seoulchain.%s(%s);", own->add,
						 sc_refuse_literal(get_partition_parent(RelationGetRelid(rel), false)))));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 errmsg("ledger table \"%s\" has no column \"%s\"", RelationGetRelationName(rel), own->name),
			 errhint("The column belongs to the ledger: leave it as it is.")));
}

/* the error of a column that is not as it must be */
static void
refuse_shape(Relation rel, const OwnColumn *own, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 errmsg("column \"%s\" of ledger table \"%s\" cannot be changed", own->name, RelationGetRelationName(rel)),
			 errdetail("%s", detail),
			 errhint("The column belongs to the ledger; %s index on it is allowed.",
					 own == &own_seq ? "a unique" : "an")));
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

/* one column, which has to be there */
static void
check_column(Relation rel, const OwnColumn *own)
{
	AttrNumber	attno = get_attnum(RelationGetRelid(rel), own->name);
	Form_pg_attribute att;

	if (attno == InvalidAttrNumber)
		refuse_missing(rel, own);
	att = TupleDescAttr(RelationGetDescr(rel), attno - 1);
	if (att->atttypid != own->typeid || att->atttypmod >= 0)
		refuse_shape(rel, own, psprintf("Its type must stay %s.", own->type));
	if (att->attidentity || att->attgenerated || att->atthasdef)
		refuse_shape(rel, own, "It can have no default, identity or expression.");
	if (att->attnotnull)
		refuse_shape(rel, own, "It must stay nullable, because the ledger fills it last; so it cannot be in a primary key.");
	if (used_by_generated(rel, attno))
		refuse_shape(rel, own, "A generated column cannot compute from it, because the ledger fills it last.");
}

void
sc_own_columns_check(Relation rel, bool timed)
{
	check_column(rel, &own_seq);
	if (timed)
		check_column(rel, &own_time);
	else if (get_attnum(RelationGetRelid(rel), SC_LEDGER_TIME) != InvalidAttrNumber)
		sc_own_column_reserved(RelationGetRelationName(rel), SC_LEDGER_TIME);
}
