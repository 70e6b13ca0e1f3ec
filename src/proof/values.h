/*
 * values.h
 *	  Hashes and paths as SQL values: bytea and bytea[].
 */
#ifndef SC_PROOF_VALUES_H
#define SC_PROOF_VALUES_H

#include "postgres.h"

#include "core/hash.h"
#include "core/tree.h"

extern Datum sc_value_hash(const ScHash *hash);
extern Datum sc_value_path(const ScHash *path, int npath);

/* false when the value is not 32 bytes */
extern bool sc_value_to_hash(ScHash *out, Datum value);

/*
 * A path given by the caller; false when it is not a list of at most
 * SC_PROOF_MAX hashes, whatever else it is.
 */
extern bool sc_value_to_path(ScHash path[SC_PROOF_MAX], int *npath, Datum value);

#endif							/* SC_PROOF_VALUES_H */
