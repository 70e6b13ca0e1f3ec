/*
 * refresh.h
 *	  New place hints after a table was rewritten.
 */
#ifndef SC_SEAL_REFRESH_H
#define SC_SEAL_REFRESH_H

#include "postgres.h"

#include "storage/itemptr.h"

/*
 * The rows with these numbers stand here now: count of each, in any order.
 * Takes the chain's sealing lock; needs a transaction that sees the tree.
 */
extern void sc_refresh_places(int32 chain_id, int32 table_id, const int64 *seqs, const ItemPointerData *tids, int64 count);

/* sets the ledger room's hook */
extern void sc_refresh_init(void);

#endif							/* SC_SEAL_REFRESH_H */
