/*
 * seq_column.h
 *	  Putting ledger_seq into a tuple slot.
 */
#ifndef SC_LEDGER_SEQ_COLUMN_H
#define SC_LEDGER_SEQ_COLUMN_H

#include "postgres.h"

#include "executor/tuptable.h"

/* sets the slot's ledger_seq, NULL until now, to seq; values fetched from the slot before are gone */
extern void sc_seq_column_set(TupleTableSlot *slot, AttrNumber attno, int64 seq);

/* sets it back to NULL */
extern void sc_seq_column_clear(TupleTableSlot *slot, AttrNumber attno);

#endif							/* SC_LEDGER_SEQ_COLUMN_H */
