/*
 * inclusion.h
 *	  The inclusion path of a leaf, from the stored tree.
 */
#ifndef SC_PROOF_INCLUSION_H
#define SC_PROOF_INCLUSION_H

#include "postgres.h"

#include "core/tree.h"
#include "utils/snapshot.h"

/*
 * PATH(index, D[size]) of RFC 6962 section 2.1.1 and, unless root is NULL,
 * the stored MTH(D[0:size]); returns the path's length.  Requires
 * 0 <= index < size <= sealed size.
 */
extern int	sc_inclusion_path(ScHash path[SC_PROOF_MAX], ScHash *root, int32 chain_id, int64 index, int64 size,
							  Snapshot snapshot);

#endif							/* SC_PROOF_INCLUSION_H */
