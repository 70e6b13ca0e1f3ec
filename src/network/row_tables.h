/*
 * row_tables.h
 *	  The tables of a chain, open for rows that come with their ledger_seq.
 */
#ifndef SC_NETWORK_ROW_TABLES_H
#define SC_NETWORK_ROW_TABLES_H

#include "postgres.h"

#include "ledger/registry.h"
#include "network/row_store.h"
#include "nodes/pg_list.h"

typedef struct ScRowTable
{
	ScLedgerTable *table;
	Relation	rel;
	ScRowStore *store;
	TupleTableSlot *slot;		/* virtual, of the relation's columns */
} ScRowTable;

typedef struct ScRowTables
{
	int32		chain_id;
	MemoryContext context;		/* lives as long as the tables are open */
	bool		some;			/* only those in `among` */
	List	   *among;			/* Oid */
	List	   *open;			/* ScRowTable * */
} ScRowTables;

/* the chain's table of that ledger name, opened and locked (RowExclusiveLock) when it is first asked for; NULL when it is not here */
extern ScRowTable *sc_row_tables_find(ScRowTables *tables, const char *ledger_name);

/* closes them; locks stay until the transaction's end */
extern void sc_row_tables_close(ScRowTables *tables);

#endif							/* SC_NETWORK_ROW_TABLES_H */
