/*
 * ledger_seq.h
 *	  The column ledger_seq: what it must look like, and giving it to partitioned parents.
 */
#ifndef SC_LEDGER_LEDGER_SEQ_H
#define SC_LEDGER_LEDGER_SEQ_H

#include "postgres.h"

#include "compat.h"

#include "access/attnum.h"
#include "nodes/parsenodes.h"
#include "utils/relcache.h"

/* attribute number of the column ledger_seq, or 0 */
extern AttrNumber sc_ledger_seq_attno(Relation rel);

/* a column definition: ledger_seq bigint, nullable, without default */
extern ColumnDef *sc_ledger_seq_column(void);

/* errors unless the ledger table's column ledger_seq is as the access method needs it */
extern void sc_ledger_seq_check(Relation rel);

/* the error of a table whose definition has a column of that name already */
extern void sc_ledger_seq_reserved(const char *relname) SC_NORETURN;

#endif							/* SC_LEDGER_LEDGER_SEQ_H */
