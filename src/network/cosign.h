/*
 * cosign.h
 *	  Cosignatures of witnesses: making this node's, and checking those of others.
 */
#ifndef SC_NETWORK_COSIGN_H
#define SC_NETWORK_COSIGN_H

#include "postgres.h"

#include "core/hash.h"
#include "core/note.h"
#include "utils/snapshot.h"

/* seoulchain.cosignature */
#define SC_COSIGNATURE_ATTR_ORIGIN 1
#define SC_COSIGNATURE_ATTR_TREE_SIZE 2
#define SC_COSIGNATURE_ATTR_WITNESS 3
#define SC_COSIGNATURE_ATTR_LINE 4
#define SC_COSIGNATURE_NATTS 4

/*
 * Is the line (a signed-note line with its newline, as the table keeps it) a
 * signature by that key over the checkpoint of (origin, size, root)?  *time,
 * if given, is set to the POSIX seconds it states, 0 where its type states
 * none.  Anything else, whatever the bytes, is false.
 */
extern bool sc_cosignature_ok(const char *line, const ScVerifierKey *key, const char *origin, int64 size,
							  const ScHash *root, uint64 *time);

/*
 * Leaves of the chain that the witness has cosigned, as this database's rows
 * say, which are not checked here; 0 when there are none.
 */
extern int64 sc_cosigned_size(const char *origin, const char *witness, Snapshot snapshot);

extern void sc_cosignature_insert(const char *origin, int64 tree_size, const char *witness, const char *line);

#endif							/* SC_NETWORK_COSIGN_H */
