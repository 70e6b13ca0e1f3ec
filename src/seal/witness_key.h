/*
 * witness_key.h
 *	  The worker's part of being a public witness: its key, and the memory of what it cosigned.
 *
 * A checkpoint stands in requests and answers as "<size> <base64 root>".
 */
#ifndef SC_SEAL_WITNESS_KEY_H
#define SC_SEAL_WITNESS_KEY_H

#include "postgres.h"

#include "core/note.h"

/* appends and reads "<size> <base64 root>"; *p is moved behind it and one space */
extern void sc_witness_put(ScBuf *buf, const ScCheckpoint *checkpoint);
extern bool sc_witness_take(ScCheckpoint *out, const char **p);

/*
 * Worker: the checkpoint of the origin that was cosigned last, or "none".
 * Errors when another cluster or timeline has cosigned since.
 */
extern char *sc_witness_memory(const char *origin);

/*
 * Worker: request "<verifier key> <last checkpoint> <new checkpoint>"; writes
 * to memory that the new one follows the last, and gives the signature line.
 * Errors when memory does not have the last one; size 0 means none.
 */
extern char *sc_witness_sign(const char *origin, const char *request);

/*
 * Worker: request "<checkpoint>" as the database knows it, or "".  Takes the
 * greater of it and memory's for this cluster and timeline; gives it, or
 * "none".  Errors when the two contradict each other.
 */
extern char *sc_witness_resume(const char *origin, const char *request);

#endif							/* SC_SEAL_WITNESS_KEY_H */
