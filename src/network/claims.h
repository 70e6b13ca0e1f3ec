/*
 * claims.h
 *	  Checkpoints of which enough witnesses have given lines, by the names on them.
 */
#ifndef SC_NETWORK_CLAIMS_H
#define SC_NETWORK_CLAIMS_H

#include "postgres.h"

#include "access/sdir.h"
#include "core/policy.h"
#include "ledger/registry.h"
#include "utils/snapshot.h"

/*
 * The first size behind `bound` in the direction, `last` at most, of which the
 * quorum's witnesses have rows in seoulchain.cosignature; -1 when there is
 * none.  No line is looked at: what they are worth is the caller's to find.
 */
extern int64 sc_claims_next(const ScChain *chain, const ScPolicy *policy, int64 bound, int64 last,
							ScanDirection direction, Snapshot snapshot);

#endif							/* SC_NETWORK_CLAIMS_H */
