/*
 * guard_place.c
 *	  Where ledger tables may stand in partition and inheritance trees.
 *
 * Invariant: a partition tree that has ledger partitions gets no new
 * partition that stores rows otherwise; its partitioned tables have the column
 * ledger_seq and are not divided by it; no ledger table inherits, or is
 * inherited from.
 * Context: after the command that gave a relation a parent; its locks on
 * parent and child keep the tree as it is.
 * Effects: errors.
 */
#include "postgres.h"

#include "ledger/guard.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"

/* the error of a place in an inheritance tree that does not go with ledger tables */
static void
refuse_place(Oid relid, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 errmsg("table \"%s\" does not fit its parent", get_rel_name(relid)),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

/* the error of a ledger partition whose partitioned table has no ledger_seq */
static void
require_seq(Oid ledger, Oid parent)
{
	if (get_attnum(parent, SC_LEDGER_SEQ) == InvalidAttrNumber)
		refuse_place(ledger, psprintf("Partitioned table \"%s\" has no column \"%s\".", get_rel_name(parent), SC_LEDGER_SEQ),
					 psprintf("SELECT seoulchain.add_ledger_seq(%s);", sc_refuse_literal(parent)));
}

/* the error of an attached table and parent of which only one, not relid, has an acceptance time */
static void
require_time(Oid attached, Oid relid, Oid other)
{
	if (get_attnum(other, SC_LEDGER_TIME) != InvalidAttrNumber && get_attnum(relid, SC_LEDGER_TIME) == InvalidAttrNumber)
		refuse_place(attached, psprintf("\"%s\" has no column \"%s\", \"%s\" has.",
										get_rel_name(relid), SC_LEDGER_TIME, get_rel_name(other)),
					 psprintf("SELECT seoulchain.add_ledger_time(%s);", sc_refuse_literal(relid)));
}

void
sc_guard_attach(Oid parent, const PartitionCmd *cmd)
{
	Oid			relid = RangeVarGetRelid(cmd->name, NoLock, true);
	Oid			ledger = OidIsValid(relid) ? sc_guard_ledger_in_tree(relid, true) : InvalidOid;

	if (!OidIsValid(ledger))
		return;
	require_seq(ledger, parent);
	require_time(relid, relid, parent);
	require_time(relid, parent, relid);
}

/* among relids, is there a relation that stores rows and is (or is not) a ledger table? */
static Oid
find_storing(List *relids, bool ledger)
{
	ListCell   *cell;

	foreach(cell, relids)
	{
		Oid			relid = lfirst_oid(cell);

		if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE && sc_is_ledger_relation(relid) == ledger)
			return relid;
	}
	return InvalidOid;
}

/* is the partitioned table divided by that own column?  Rows are routed before they get it */
static bool
divided_by(Oid relid, const char *column)
{
	Relation	rel = table_open(relid, AccessShareLock);
	PartitionKey key = RelationGetPartitionKey(rel);
	AttrNumber	attno = get_attnum(relid, column);
	Bitmapset  *used = NULL;

	for (int i = 0; key != NULL && i < key->partnatts; i++)
		used = bms_add_member(used, key->partattrs[i] - FirstLowInvalidHeapAttributeNumber);
	if (key != NULL)
		pull_varattnos((Node *) key->partexprs, 1, &used);
	table_close(rel, NoLock);
	return attno != InvalidAttrNumber && bms_is_member(attno - FirstLowInvalidHeapAttributeNumber, used);
}

/* errors when a partitioned table is divided by that own column */
static void
check_divided(Oid ledger, Oid parent, const char *column)
{
	if (divided_by(parent, column))
		refuse_place(ledger, psprintf("Partitioned table \"%s\" is divided by \"%s\", which rows get after they are routed.",
									  get_rel_name(parent), column),
					 "Partition by columns of the application.");
}

/* errors unless the parents of a ledger partition can have one */
static void
check_parents(Oid ledger)
{
	List	   *ancestors = get_partition_ancestors(ledger);
	ListCell   *cell;

	foreach(cell, ancestors)
	{
		check_divided(ledger, lfirst_oid(cell), SC_LEDGER_SEQ);
		check_divided(ledger, lfirst_oid(cell), SC_LEDGER_TIME);
	}
}

/* a partition: heap and ledger partitions are not added to one tree any more once it has ledger ones */
static void
check_partition(Oid relid)
{
	Oid			root = llast_oid(get_partition_ancestors(relid));
	List	   *added = find_all_inheritors(relid, NoLock, NULL);
	List	   *others = list_difference_oid(find_all_inheritors(root, NoLock, NULL), added);
	Oid			heap = find_storing(added, false);
	Oid			ledger = find_storing(added, true);

	if (OidIsValid(ledger))
	{
		require_seq(ledger, root);
		check_parents(ledger);
	}
	if (OidIsValid(heap))
	{
		Oid			sibling = find_storing(others, true);

		if (OidIsValid(sibling))
			refuse_place(heap, psprintf("It is no ledger table, but partition \"%s\" of \"%s\" is.",
										get_rel_name(sibling), get_rel_name(root)),
						 "Create the partition USING ledger.");
	}
}

/* the direct parents of a relation */
static List *
find_parents(Oid relid)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	List	   *parents = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return parents;
}

/* a relation has been given a parent: does it fit? */
void
sc_guard_inherit(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	bool		partition;

	if (rel == NULL)
		return;
	partition = rel->rd_rel->relispartition;
	relation_close(rel, NoLock);
	if (partition)
		check_partition(relid);
	else if (has_superclass(relid))
	{
		if (sc_is_ledger_relation(relid))
			refuse_place(relid, "A ledger table cannot inherit from another table.", "Use partitions, or LIKE.");
		if (OidIsValid(find_storing(find_parents(relid), true)))
			refuse_place(relid, "A ledger table cannot have children.", "Use partitions, or LIKE.");
	}
}
