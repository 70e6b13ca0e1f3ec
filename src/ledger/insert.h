/*
 * insert.h
 *	  The insert paths of the access method: number, hash, store, record.
 */
#ifndef SC_LEDGER_INSERT_H
#define SC_LEDGER_INSERT_H

#include "postgres.h"

#include "access/tableam.h"

/* table access method callbacks; see TableAmRoutine */
extern void ledger_tuple_insert(Relation rel, TupleTableSlot *slot, CommandId cid, int options,
								BulkInsertState bistate);
extern void ledger_tuple_insert_speculative(Relation rel, TupleTableSlot *slot, CommandId cid, int options,
											BulkInsertState bistate, uint32 token);
extern void ledger_tuple_complete_speculative(Relation rel, TupleTableSlot *slot, uint32 token, bool succeeded);
extern void ledger_multi_insert(Relation rel, TupleTableSlot **slots, int nslots, CommandId cid, int options,
								BulkInsertState bistate);

#endif							/* SC_LEDGER_INSERT_H */
