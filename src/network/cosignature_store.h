/*
 * cosignature_store.h
 *	  Keeping a cosignature that somebody brought.
 */
#ifndef SC_NETWORK_COSIGNATURE_STORE_H
#define SC_NETWORK_COSIGNATURE_STORE_H

#include "postgres.h"

#include "network/witness_lines.h"

/* keeps a line that was verified; false when its key has one for that checkpoint already */
extern bool sc_cosignature_add(const char *origin, int64 size, const ScLine *line);

#endif							/* SC_NETWORK_COSIGNATURE_STORE_H */
