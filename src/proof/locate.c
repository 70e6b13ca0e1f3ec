/*
 * locate.c
 *	  Finding a ledger row by its ledger_seq, for a caller who may read it.
 *
 * The tree keeps, beside every leaf, where its row was stored when it was
 * sealed: a hint, since VACUUM FULL, CLUSTER and restore move rows.  So the
 * row there is compared; if it is another, an index on ledger_seq is asked,
 * and without one the table is read.
 *
 * Invariant: nothing about a row is told to a caller who may not SELECT it.
 * Members of seoulchain_auditor may see every row; for others table or column
 * privileges decide, and under row security a query with the caller's rights.
 * Locks: AccessShareLock on the table, kept to the end of the transaction.
 * Does not compare the row with its leaf: verify() does.
 */
#include "postgres.h"

#include "proof/locate.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "compat.h"
#include "executor/spi.h"
#include "ledger/row.h"
#include "miscadmin.h"
#include "seal/tree_store.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

bool
sc_caller_is_auditor(void)
{
	Oid			role;

	if (superuser())
		return true;
	role = get_role_oid("seoulchain_auditor", true);
	return OidIsValid(role) && has_privs_of_role(GetUserId(), role);
}

/* errors unless the caller may read the relation's columns */
static void
require_select(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ALL) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(rel->rd_rel->relkind),
					   RelationGetRelationName(rel));
}

/* the error for a row that is not there, or not there for the caller */
static void
no_such_row(Relation rel, int64 ledger_seq)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("ledger table \"%s\" has no row with ledger_seq %lld",
					RelationGetRelationName(rel), (long long) ledger_seq),
			 errhint("SELECT ledger_seq FROM %s lists the rows that there are.",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)))));
}

/* does a query with the caller's rights see the row under its policies? */
static bool
visible_under_policies(Relation rel, ItemPointer tid, int64 ledger_seq)
{
	Oid			types[2] = {TIDOID, INT8OID};
	Datum		args[2] = {PointerGetDatum(tid), Int64GetDatum(ledger_seq)};
	StringInfoData sql;
	bool		found;

	/* the caller's search_path stays: functions in policies may count on it */
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 1 FROM ONLY %s WHERE ctid OPERATOR(pg_catalog.=) $1 AND %s OPERATOR(pg_catalog.=) $2",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)),
					 SC_LEDGER_SEQ);
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_with_args(sql.data, 2, types, args, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not ask for a row of \"%s\"", RelationGetRelationName(rel));
	found = SPI_processed > 0;
	SPI_finish();
	return found;
}

/* is the slot's row the one with this ledger_seq? */
static bool
slot_has_seq(TupleTableSlot *slot, AttrNumber attno, int64 ledger_seq)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, attno, &isnull);

	return !isnull && DatumGetInt64(value) == ledger_seq;
}

/* fetches the row that the hint names */
static bool
fetch_by_hint(ScRowPlace *place, AttrNumber attno, ItemPointer tid, Snapshot snapshot)
{
	if (!ItemPointerIsValid(tid) ||
		ItemPointerGetBlockNumber(tid) >= RelationGetNumberOfBlocks(place->rel))
		return false;
	return table_tuple_fetch_row_version(place->rel, tid, snapshot, place->slot) &&
		slot_has_seq(place->slot, attno, place->ledger_seq);
}

/* a plain btree whose first column is ledger_seq, open, or NULL */
static Relation
open_seq_index(Relation rel, AttrNumber attno)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (form->indisvalid && form->indkey.values[0] == attno &&
			index->rd_rel->relam == BTREE_AM_OID &&
			index->rd_opfamily[0] == INTEGER_BTREE_FAM_OID &&
			heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
			return index;
		index_close(index, AccessShareLock);
	}
	return NULL;
}

/* looks the row up through an index on ledger_seq, if there is one */
static bool
fetch_by_index(ScRowPlace *place, AttrNumber attno, Snapshot snapshot)
{
	Relation	index = open_seq_index(place->rel, attno);
	IndexScanDesc scan;
	ScanKeyData key;
	bool		found = false;

	if (index == NULL)
		return false;
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(place->ledger_seq));
	scan = sc_index_beginscan(place->rel, index, snapshot, 1, 0);
	index_rescan(scan, &key, 1, NULL, 0);
	while (!found && index_getnext_slot(scan, ForwardScanDirection, place->slot))
		found = slot_has_seq(place->slot, attno, place->ledger_seq);
	if (found)
		ExecMaterializeSlot(place->slot);
	index_endscan(scan);
	index_close(index, AccessShareLock);
	return found;
}

/* reads the table until the row is met; from its end when the row is not sealed, since new rows are there */
static bool
fetch_by_scan(ScRowPlace *place, AttrNumber attno, Snapshot snapshot)
{
	bool		fresh = place->leaf_index < 0;
	TableScanDesc scan = table_beginscan_strat(place->rel, snapshot, 0, NULL, true, !fresh);
	bool		found = false;

	while (!found && table_scan_getnextslot(scan, fresh ? BackwardScanDirection : ForwardScanDirection, place->slot))
	{
		CHECK_FOR_INTERRUPTS();
		found = slot_has_seq(place->slot, attno, place->ledger_seq);
	}
	if (found)
		ExecMaterializeSlot(place->slot);
	table_endscan(scan);
	return found;
}

/* the leaf, if the row is sealed, and through it the hint where the row is */
static void
find_leaf(ScRowPlace *place, ItemPointer hint, Snapshot snapshot)
{
	int32		table_id;

	ItemPointerSetInvalid(hint);
	place->leaf_index = sc_member_leaf_index(place->chain->chain_id, place->ledger_seq, snapshot);
	if (place->leaf_index < 0)
		return;
	sc_tree_leaf(place->chain->chain_id, place->leaf_index, snapshot, &place->leaf_hash, &table_id, hint);
	if (table_id != place->table->table_id)
		ItemPointerSetInvalid(hint);
}

/* opens the relation for a caller who may read it, and looks for the leaf */
static void
begin_row(ScRowPlace *out, Oid relid, int64 ledger_seq, Snapshot snapshot, ItemPointer hint)
{
	/* before the relation is opened: what is no ledger table is told so, whatever it is */
	out->table = sc_ledger_by_relation(relid, false);
	out->rel = table_open(relid, AccessShareLock);
	if (!sc_caller_is_auditor())
		require_select(out->rel);
	out->chain = sc_chain_by_id(out->table->chain_id, false);
	out->ledger_seq = ledger_seq;
	find_leaf(out, hint, snapshot);
}

bool
sc_row_fetch(ScRowPlace *place, ItemPointer hint, Snapshot snapshot)
{
	AttrNumber	attno = sc_row_format_seq_attno(sc_row_format(place->rel));

	return fetch_by_hint(place, attno, hint, snapshot) ||
		fetch_by_index(place, attno, snapshot) ||
		fetch_by_scan(place, attno, snapshot);
}

/* fetches the row, if it is there for the caller */
static void
find_row(ScRowPlace *out, ItemPointer hint, Snapshot snapshot)
{
	out->slot = table_slot_create(out->rel, NULL);
	if (!sc_row_fetch(out, hint, snapshot))
		no_such_row(out->rel, out->ledger_seq);
	if (!sc_caller_is_auditor() &&
		check_enable_rls(RelationGetRelid(out->rel), InvalidOid, true) == RLS_ENABLED &&
		!visible_under_policies(out->rel, &out->slot->tts_tid, out->ledger_seq))
		no_such_row(out->rel, out->ledger_seq);
}

void
sc_row_locate(ScRowPlace *out, Oid relid, int64 ledger_seq, Snapshot snapshot)
{
	ItemPointerData hint;

	begin_row(out, relid, ledger_seq, snapshot, &hint);
	find_row(out, &hint, snapshot);
}

bool
sc_row_locate_sealed(ScRowPlace *out, Oid relid, int64 ledger_seq, Snapshot snapshot)
{
	ItemPointerData hint;

	begin_row(out, relid, ledger_seq, snapshot, &hint);
	if (out->leaf_index < 0)
	{
		table_close(out->rel, NoLock);
		return false;
	}
	find_row(out, &hint, snapshot);
	return true;
}

void
sc_row_done(ScRowPlace *place)
{
	ExecDropSingleTupleTableSlot(place->slot);
	table_close(place->rel, NoLock);
}
