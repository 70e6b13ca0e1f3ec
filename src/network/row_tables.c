/*
 * row_tables.c
 *	  The tables of a chain, open for rows that come with their ledger_seq.
 *
 * Invariant: a table is opened once, whatever the order of the rows.
 * Locks: RowExclusiveLock on each, kept until the transaction's end.
 * Context: in a transaction; an error closes what was open.
 * Effects: none but those of row_store.c.
 */
#include "postgres.h"

#include "network/row_tables.h"

#include "access/table.h"
#include "executor/tuptable.h"
#include "utils/memutils.h"
#include "utils/rel.h"

static ScRowTable *
open_table(ScLedgerTable *table)
{
	ScRowTable *result = palloc(sizeof(ScRowTable));

	result->table = table;
	result->rel = table_open(table->relation, RowExclusiveLock);
	result->store = sc_row_store_begin(result->rel, true);
	result->slot = MakeSingleTupleTableSlot(RelationGetDescr(result->rel), &TTSOpsVirtual);
	return result;
}

/* may rows come into it? */
static bool
is_wanted(const ScRowTables *tables, const ScLedgerTable *table)
{
	return OidIsValid(table->relation) && (!tables->some || list_member_oid(tables->among, table->relation));
}

ScRowTable *
sc_row_tables_find(ScRowTables *tables, const char *ledger_name)
{
	MemoryContext old;
	ScRowTable *found = NULL;
	ListCell   *lc;

	foreach(lc, tables->open)
	{
		found = lfirst(lc);
		if (strcmp(found->table->ledger_name, ledger_name) == 0)
			return found;
	}
	found = NULL;
	old = MemoryContextSwitchTo(tables->context);
	foreach(lc, sc_ledger_list(tables->chain_id))
	{
		ScLedgerTable *table = lfirst(lc);

		if (strcmp(table->ledger_name, ledger_name) != 0 || !is_wanted(tables, table))
			continue;
		found = open_table(table);
		tables->open = lappend(tables->open, found);
		break;
	}
	MemoryContextSwitchTo(old);
	return found;
}

void
sc_row_tables_close(ScRowTables *tables)
{
	ListCell   *lc;

	foreach(lc, tables->open)
	{
		ScRowTable *table = lfirst(lc);

		sc_row_store_end(table->store);
		ExecDropSingleTupleTableSlot(table->slot);
		table_close(table->rel, NoLock);
	}
	tables->open = NIL;
}
