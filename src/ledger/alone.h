/*
 * alone.h
 *	  On shared chains, what happens to tables and the rows that come are different transactions.
 */
#ifndef SC_LEDGER_ALONE_H
#define SC_LEDGER_ALONE_H

#include "postgres.h"

#include "ledger/registry.h"

/* a row is inserted into a table of a shared chain; errors when the transaction has changed a table of it */
extern void sc_alone_row(int32 chain_id);

/* a table of the chain joins or changes; errors when the chain is shared and the transaction has inserted rows of it */
extern void sc_alone_table(const ScChain *chain);

extern void sc_alone_init(void);

#endif							/* SC_LEDGER_ALONE_H */
