/*
 * seq_column.h
 *	  Putting ledger_seq and ledger_time into a tuple slot.
 */
#ifndef SC_LEDGER_SEQ_COLUMN_H
#define SC_LEDGER_SEQ_COLUMN_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/tuptable.h"

/* sets the slot's ledger_seq, NULL until now, to seq; values fetched from the slot before are gone */
extern void sc_seq_column_set(TupleTableSlot *slot, AttrNumber attno, int64 seq);

/* the same for a row with an acceptance time, which is set too */
extern void sc_seq_time_set(TupleTableSlot *slot, AttrNumber seq_attno, int64 seq,
							AttrNumber time_attno, TimestampTz time);

/* sets them back to NULL; time_attno is 0 where there is no such column */
extern void sc_seq_time_clear(TupleTableSlot *slot, AttrNumber seq_attno, AttrNumber time_attno);

#endif							/* SC_LEDGER_SEQ_COLUMN_H */
