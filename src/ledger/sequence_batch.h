/*
 * sequence_batch.h
 *	  Contiguous ledger_seq numbers for the rows of one statement.
 */
#ifndef SC_LEDGER_SEQUENCE_BATCH_H
#define SC_LEDGER_SEQUENCE_BATCH_H

#include "postgres.h"

/* the next number for a row that the command cid inserts one by one */
extern int64 sc_batch_next(int32 chain_id, Oid sequence, CommandId cid);

/* drops what is left of the batch, at the end of statement or transaction */
extern void sc_batch_forget(void);

#endif							/* SC_LEDGER_SEQUENCE_BATCH_H */
