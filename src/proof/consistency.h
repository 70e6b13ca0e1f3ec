/*
 * consistency.h
 *	  The consistency proof between two sizes of a chain's tree, from the stored tree.
 */
#ifndef SC_PROOF_CONSISTENCY_H
#define SC_PROOF_CONSISTENCY_H

#include "postgres.h"

#include "core/tree.h"
#include "utils/snapshot.h"

/* PROOF(from, D[to]) of RFC 6962 section 2.1.2; requires 0 <= from <= to <= sealed size; returns how many hashes */
extern int	sc_consistency_path(ScHash path[SC_PROOF_MAX], int32 chain_id, int64 from, int64 to, Snapshot snapshot);

#endif							/* SC_PROOF_CONSISTENCY_H */
