/*
 * registry_column.h
 *	  The columns that leaves of a ledger table hold, as seoulchain.ledger_column knows them.
 */
#ifndef SC_LEDGER_REGISTRY_COLUMN_H
#define SC_LEDGER_REGISTRY_COLUMN_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"

typedef struct ScLedgerColumn
{
	AttrNumber	attnum;
	char	   *column_name;	/* its present name */
	char	   *ledger_name;	/* its key in leaves */
	int64		joined_seq;		/* leaves with a greater ledger_seq hold it */
} ScLedgerColumn;

/* the columns of a table by attnum, palloc'd: List of ScLedgerColumn * */
extern List *sc_ledger_columns(int32 table_id);

#endif							/* SC_LEDGER_REGISTRY_COLUMN_H */
