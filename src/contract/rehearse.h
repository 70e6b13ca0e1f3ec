/*
 * rehearse.h
 *	  Rows of the ledger in front of any version of a contract.
 */
#ifndef SC_CONTRACT_REHEARSE_H
#define SC_CONTRACT_REHEARSE_H

#include "postgres.h"

#include "contract/judge.h"
#include "contract/rows.h"

/* called for each row that was judged */
typedef void (*ScRehearseCallback) (void *arg, const ScRowsRow *row, const ScVerdict *verdict);

/*
 * Judges the rows of the judge's tables that were accepted in [from, until);
 * the others count for state only.  Every row takes effect, as it is in the
 * ledger.  waiting: rows without a block come too, at the end.
 */
extern void sc_rehearse(ScJudge *judge, int32 chain_id, TimestampTz from, TimestampTz until, bool waiting,
						Snapshot snapshot, ScRehearseCallback callback, void *arg);

#endif							/* SC_CONTRACT_REHEARSE_H */
