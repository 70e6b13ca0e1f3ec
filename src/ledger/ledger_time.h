/*
 * ledger_time.h
 *	  Acceptance time: the column ledger_time and the event that announces it.
 */
#ifndef SC_LEDGER_LEDGER_TIME_H
#define SC_LEDGER_LEDGER_TIME_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "ledger/registry.h"
#include "utils/relcache.h"

/* a TimestampTz and this are microseconds since 1970-01-01 UTC, as core and rules count */
#define SC_UNIX_MICROS ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/*
 * From now on rows of the ledger table have an acceptance time: adds the
 * column if it is missing (to a partition's whole tree) and tells the chain.
 * Takes AccessExclusiveLock unless the table has it.  The caller has checked
 * the user's right to the table; for a tree its owner's right is checked here.
 */
extern void sc_time_require(Oid relid);

/*
 * Records that leaves with a greater ledger_seq hold `time`, in chain and
 * registry; sets table->time_seq.
 */
extern void sc_time_announce(ScLedgerTable *table);

/* does the relation have a column of that name? */
extern bool sc_time_column_there(Relation rel);

#endif							/* SC_LEDGER_LEDGER_TIME_H */
