/*
 * rows.h
 *	  The rows of some tables of a chain, in leaf order.
 */
#ifndef SC_CONTRACT_ROWS_H
#define SC_CONTRACT_ROWS_H

#include "postgres.h"

#include "contract/judge.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

typedef struct ScRows ScRows;

typedef struct ScRowsRow
{
	const ScBoundTable *table;
	Relation	rel;
	int64		ledger_seq;
	int64		leaf_index;		/* -1 while it waits for its block */
	TimestampTz time;			/* recorded acceptance time */
	bool		timed;			/* false: none was recorded, and time is its block's sealed_at, or now */
	const char *const *texts;	/* by place in table->columns; only what the judge's rules look at */
} ScRowsRow;

/*
 * Opens the judge's tables with AccessShareLock.  Sealed rows come in the
 * order of their leaves; then, if asked for, those that wait, by ledger_seq.
 * The snapshot must be registered or active until the end.
 */
extern ScRows *sc_rows_begin(int32 chain_id, const ScJudge *judge, bool waiting, Snapshot snapshot);

/* the next row, valid until the next call; false at the end */
extern bool sc_rows_next(ScRows *rows, ScRowsRow *row);
extern void sc_rows_end(ScRows *rows);

#endif							/* SC_CONTRACT_ROWS_H */
