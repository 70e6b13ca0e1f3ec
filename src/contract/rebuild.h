/*
 * rebuild.h
 *	  Making the state of a table's rules anew from its rows.
 */
#ifndef SC_CONTRACT_REBUILD_H
#define SC_CONTRACT_REBUILD_H

#include "postgres.h"

#include "utils/relcache.h"

/*
 * Makes the stored state what the table's rows say, and forgets that of rules
 * which have ended; returns how many rows were read.  The caller holds
 * ShareRowExclusiveLock on the table, and its own changes are visible.
 */
extern int64 sc_rebuild_state(Relation rel, int32 table_id);

#endif							/* SC_CONTRACT_REBUILD_H */
