/*
 * registry_write.c
 *	  Changing what the registry knows of ledger tables and their columns.
 *
 * Invariant: table numbers and ledger names are never given twice.
 * Locks: ShareRowExclusiveLock on seoulchain.ledger from numbering a table
 * until the transaction ends; RowExclusiveLock otherwise.
 * Effects: rows in seoulchain.ledger and ledger_column, written below SQL
 * (privileges, triggers and rules do not come in) and visible to the next
 * command of the transaction.
 * Does not: record events.
 */
#include "postgres.h"

#include "ledger/registry_write.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_collation.h"
#include "ledger/registry_tables.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

int32
sc_registry_next_table_id(void)
{
	Relation	rel = sc_registry_open("ledger", ShareRowExclusiveLock);
	Relation	index = index_open(sc_registry_relation("ledger_pkey"), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index, NULL, 0, NULL);
	HeapTuple	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	int32		next = 1;
	bool		isnull;

	if (HeapTupleIsValid(tuple))
		next = DatumGetInt32(heap_getattr(tuple, SC_LEDGER_ATTR_ID, RelationGetDescr(rel), &isnull)) + 1;
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, NoLock);
	return next;
}

/* was the name ever used on the chain? */
static bool
name_used(Relation rel, int32 chain_id, const char *name)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	bool		used;

	ScanKeyInit(&keys[0], SC_LEDGER_ATTR_CHAIN_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(chain_id));
	ScanKeyInit(&keys[1], SC_LEDGER_ATTR_NAME, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(name));
	keys[1].sk_collation = DEFAULT_COLLATION_OID;
	scan = systable_beginscan(rel, sc_registry_relation("ledger_chain_id_ledger_name_key"), true, NULL, 2, keys);
	used = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	return used;
}

char *
sc_registry_free_name(int32 chain_id, const char *wanted)
{
	Relation	rel = sc_registry_open("ledger", AccessShareLock);
	char	   *name = pstrdup(wanted);

	for (int n = 2; name_used(rel, chain_id, name); n++)
		name = psprintf("%s#%d", wanted, n);
	table_close(rel, AccessShareLock);
	return name;
}

void
sc_registry_add_table(const ScLedgerTable *table)
{
	Relation	rel = sc_registry_open("ledger", RowExclusiveLock);
	Datum		values[SC_LEDGER_NATTS];
	bool		nulls[SC_LEDGER_NATTS] = {false};

	values[SC_LEDGER_ATTR_ID - 1] = Int32GetDatum(table->table_id);
	values[SC_LEDGER_ATTR_CHAIN_ID - 1] = Int32GetDatum(table->chain_id);
	values[SC_LEDGER_ATTR_RELATION - 1] = ObjectIdGetDatum(table->relation);
	values[SC_LEDGER_ATTR_NAME - 1] = CStringGetTextDatum(table->ledger_name);
	values[SC_LEDGER_ATTR_JOINED_SEQ - 1] = Int64GetDatum(table->joined_seq);
	values[SC_LEDGER_ATTR_DROPPED_SEQ - 1] = (Datum) 0;
	nulls[SC_LEDGER_ATTR_DROPPED_SEQ - 1] = true;
	values[SC_LEDGER_ATTR_TIME_SEQ - 1] = (Datum) 0;
	nulls[SC_LEDGER_ATTR_TIME_SEQ - 1] = true;
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/*
 * Replaces the attributes marked in `replace` of the one tuple that the keys
 * find through the index; an error when there is none.
 */
static void
update_row(const char *table, const char *index, int nkeys, ScanKey keys,
		   Datum *values, bool *nulls, bool *replace)
{
	Relation	rel = sc_registry_open(table, RowExclusiveLock);
	SysScanDesc scan = systable_beginscan(rel, sc_registry_relation(index), true, NULL, nkeys, keys);
	HeapTuple	tuple = systable_getnext(scan);

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a row of table \"%s.%s\" is missing", SC_SCHEMA, table),
				 errhint("SELECT * FROM seoulchain.verify(); tells what else was changed.")));
	CatalogTupleUpdate(rel, &tuple->t_self,
					   heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replace));
	systable_endscan(scan);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

void
sc_registry_drop_table(const ScLedgerTable *table, int64 dropped_seq)
{
	Datum		values[SC_LEDGER_NATTS] = {0};
	bool		nulls[SC_LEDGER_NATTS] = {false};
	bool		replace[SC_LEDGER_NATTS] = {false};
	ScanKeyData key;

	values[SC_LEDGER_ATTR_RELATION - 1] = ObjectIdGetDatum(InvalidOid);
	replace[SC_LEDGER_ATTR_RELATION - 1] = true;
	values[SC_LEDGER_ATTR_DROPPED_SEQ - 1] = Int64GetDatum(dropped_seq);
	replace[SC_LEDGER_ATTR_DROPPED_SEQ - 1] = true;

	ScanKeyInit(&key, SC_LEDGER_ATTR_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(table->table_id));
	update_row("ledger", "ledger_pkey", 1, &key, values, nulls, replace);
}

void
sc_registry_retire_table(const ScLedgerTable *table, int64 dropped_seq)
{
	Datum		values[SC_LEDGER_NATTS] = {0};
	bool		nulls[SC_LEDGER_NATTS] = {false};
	bool		replace[SC_LEDGER_NATTS] = {false};
	ScanKeyData key;

	values[SC_LEDGER_ATTR_DROPPED_SEQ - 1] = Int64GetDatum(dropped_seq);
	replace[SC_LEDGER_ATTR_DROPPED_SEQ - 1] = true;

	ScanKeyInit(&key, SC_LEDGER_ATTR_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(table->table_id));
	update_row("ledger", "ledger_pkey", 1, &key, values, nulls, replace);
}

void
sc_registry_set_time(const ScLedgerTable *table)
{
	Datum		values[SC_LEDGER_NATTS] = {0};
	bool		nulls[SC_LEDGER_NATTS] = {false};
	bool		replace[SC_LEDGER_NATTS] = {false};
	ScanKeyData key;

	values[SC_LEDGER_ATTR_TIME_SEQ - 1] = Int64GetDatum(table->time_seq);
	replace[SC_LEDGER_ATTR_TIME_SEQ - 1] = true;

	ScanKeyInit(&key, SC_LEDGER_ATTR_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(table->table_id));
	update_row("ledger", "ledger_pkey", 1, &key, values, nulls, replace);
}

void
sc_registry_add_column(int32 table_id, const ScEventColumn *column, int64 joined_seq)
{
	Relation	rel = sc_registry_open("ledger_column", RowExclusiveLock);
	Datum		values[SC_COLUMN_NATTS];
	bool		nulls[SC_COLUMN_NATTS] = {false};
	NameData	name;

	namestrcpy(&name, column->column_name);
	values[SC_COLUMN_ATTR_TABLE_ID - 1] = Int32GetDatum(table_id);
	values[SC_COLUMN_ATTR_ATTNUM - 1] = Int16GetDatum(column->attnum);
	values[SC_COLUMN_ATTR_COLUMN_NAME - 1] = NameGetDatum(&name);
	values[SC_COLUMN_ATTR_LEDGER_NAME - 1] = CStringGetTextDatum(column->ledger_name);
	values[SC_COLUMN_ATTR_JOINED_SEQ - 1] = Int64GetDatum(joined_seq);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

void
sc_registry_rename_column(int32 table_id, AttrNumber attnum, const char *name)
{
	Datum		values[SC_COLUMN_NATTS] = {0};
	bool		nulls[SC_COLUMN_NATTS] = {false};
	bool		replace[SC_COLUMN_NATTS] = {false};
	ScanKeyData keys[2];
	NameData	column_name;

	namestrcpy(&column_name, name);
	values[SC_COLUMN_ATTR_COLUMN_NAME - 1] = NameGetDatum(&column_name);
	replace[SC_COLUMN_ATTR_COLUMN_NAME - 1] = true;

	ScanKeyInit(&keys[0], SC_COLUMN_ATTR_TABLE_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(table_id));
	ScanKeyInit(&keys[1], SC_COLUMN_ATTR_ATTNUM, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(attnum));
	update_row("ledger_column", "ledger_column_pkey", 2, keys, values, nulls, replace);
}
