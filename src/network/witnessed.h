/*
 * witnessed.h
 *	  Logs of others that this node cosigns as a public witness.
 */
#ifndef SC_NETWORK_WITNESSED_H
#define SC_NETWORK_WITNESSED_H

#include "postgres.h"

#include "core/note.h"
#include "nodes/pg_list.h"

/* the witness's verifier key, palloc'd; NULL while there is none */
extern char *sc_witness_key_find(void);

/* verifier keys of a log: List of char *, NIL for a log that is not witnessed */
extern List *sc_witnessed_keys(const char *origin);

/* the checkpoint of a log that was cosigned last, as the database knows it; *note, if given, as the log sent it */
extern bool sc_witnessed_last(ScCheckpoint *out, char **note, const char *origin);

/* keeps it */
extern void sc_witnessed_store(const ScCheckpoint *checkpoint, const char *note, size_t notelen);

#endif							/* SC_NETWORK_WITNESSED_H */
