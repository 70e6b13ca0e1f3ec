/*
 * index_scan.h
 *	  Table scans for building and validating indexes of ledger tables.
 */
#ifndef SC_LEDGER_INDEX_SCAN_H
#define SC_LEDGER_INDEX_SCAN_H

#include "postgres.h"

#include "access/tableam.h"
#include "nodes/execnodes.h"

/* table access method callbacks; see TableAmRoutine */
extern double ledger_index_build_range_scan(Relation heap, Relation index, struct IndexInfo *info,
											bool allow_sync, bool anyvisible, bool progress,
											BlockNumber start_block, BlockNumber nblocks,
											IndexBuildCallback callback, void *callback_state,
											TableScanDesc scan);
extern void ledger_index_validate_scan(Relation heap, Relation index, struct IndexInfo *info,
									   Snapshot snapshot, struct ValidateIndexState *state);

#endif							/* SC_LEDGER_INDEX_SCAN_H */
