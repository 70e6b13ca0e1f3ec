/*
 * bundle.h
 *	  The leaves of a stretch of a chain's tree, as entries of a C2SP bundle.
 */
#ifndef SC_NETWORK_BUNDLE_H
#define SC_NETWORK_BUNDLE_H

#include "postgres.h"

#include "core/buf.h"
#include "ledger/registry.h"
#include "utils/snapshot.h"

/*
 * Appends the first `count` leaves of level-0 tile number `tile`, each as
 * uint16 length and bytes.  Requires that the sealed tree under the snapshot
 * has them.  The caller frees the buffer, also after an error.  Errors:
 * DATA_CORRUPTED for a leaf that is not what was sealed, NO_DATA_FOUND for one
 * whose row is gone.
 */
extern void sc_bundle_read(ScBuf *out, const ScChain *chain, int64 tile, int count, Snapshot snapshot);

#endif							/* SC_NETWORK_BUNDLE_H */
