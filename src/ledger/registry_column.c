/*
 * registry_column.c
 *	  Reads seoulchain.ledger_column.
 *
 * Locks: AccessShareLock while it reads.  Context: a transaction; structs are
 * palloc'd in the current memory context.  Sees the latest committed state
 * and the transaction's own changes.
 * Does not: write; the code that joins tables and columns does.
 */
#include "postgres.h"

#include "ledger/registry_column.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* the struct of one row of seoulchain.ledger_column */
static ScLedgerColumn *
column_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	ScLedgerColumn *column = palloc(sizeof(ScLedgerColumn));
	Datum		values[SC_COLUMN_NATTS];
	bool		nulls[SC_COLUMN_NATTS];

	/* every column is NOT NULL */
	heap_deform_tuple(tuple, desc, values, nulls);
	column->attnum = DatumGetInt16(values[SC_COLUMN_ATTR_ATTNUM - 1]);
	column->column_name = pstrdup(NameStr(*DatumGetName(values[SC_COLUMN_ATTR_COLUMN_NAME - 1])));
	column->ledger_name = TextDatumGetCString(values[SC_COLUMN_ATTR_LEDGER_NAME - 1]);
	column->joined_seq = DatumGetInt64(values[SC_COLUMN_ATTR_JOINED_SEQ - 1]);
	return column;
}

List *
sc_ledger_columns(int32 table_id)
{
	Relation	rel = sc_registry_open("ledger_column", AccessShareLock);
	List	   *columns = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, SC_COLUMN_ATTR_TABLE_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(table_id));
	scan = systable_beginscan(rel, sc_registry_relation("ledger_column_pkey"), true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		columns = lappend(columns, column_from_tuple(tuple, RelationGetDescr(rel)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return columns;
}
