/*
 * row_wait.h
 *	  Waiting until as much is known of a committed row as the caller wants.
 */
#ifndef SC_PROOF_ROW_WAIT_H
#define SC_PROOF_ROW_WAIT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "ledger/registry.h"
#include "utils/snapshot.h"

/* is enough known of a leaf that stands in a signed block? */
typedef bool (*ScRowReady) (const ScChain *chain, int64 leaf, Snapshot snapshot);

/*
 * Waits until the row's block is signed and `ready`, if given, says true;
 * false when the time is over.  Errors: NO_DATA_FOUND, privileges;
 * OBJECT_NOT_IN_PREREQUISITE_STATE when waiting is in vain, with the reason.
 */
extern bool sc_row_wait(Oid relid, int64 ledger_seq, Interval *timeout, ScRowReady ready);

/* the newest state, and what the running command has inserted; active until sc_look_end */
extern Snapshot sc_look_begin(void);
extern void sc_look_end(Snapshot snapshot);

#endif							/* SC_PROOF_ROW_WAIT_H */
