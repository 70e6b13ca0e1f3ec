/*
 * ledger_seq.h
 *	  The column ledger_seq, and giving it to partitioned parents.
 */
#ifndef SC_LEDGER_LEDGER_SEQ_H
#define SC_LEDGER_LEDGER_SEQ_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/parsenodes.h"
#include "utils/relcache.h"

/* attribute number of the column ledger_seq, or 0 */
extern AttrNumber sc_ledger_seq_attno(Relation rel);

/* a column definition: ledger_seq bigint, nullable, without default */
extern ColumnDef *sc_ledger_seq_column(void);

#endif							/* SC_LEDGER_LEDGER_SEQ_H */
