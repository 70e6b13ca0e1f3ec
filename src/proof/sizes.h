/*
 * sizes.h
 *	  Which tree sizes a caller may ask about.
 */
#ifndef SC_PROOF_SIZES_H
#define SC_PROOF_SIZES_H

#include "postgres.h"

#include "ledger/registry.h"
#include "utils/snapshot.h"

/* leaves of the chain's tree at its last block; 0 before the first */
extern int64 sc_size_sealed(int32 chain_id, Snapshot snapshot);

/* leaves at the newest signed block, the size that checkpoint() states; 0 when there is none */
extern int64 sc_size_signed(int32 chain_id, Snapshot snapshot);

/* INVALID_PARAMETER_VALUE unless low <= value <= high; `what` names the argument */
extern void sc_size_require(const char *what, int64 value, int64 low, int64 high, const ScChain *chain);

#endif							/* SC_PROOF_SIZES_H */
