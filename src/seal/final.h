/*
 * final.h
 *	  What the network room knows of checkpoints: whose cosignatures they have, and whether they are final.
 */
#ifndef SC_SEAL_FINAL_H
#define SC_SEAL_FINAL_H

#include "postgres.h"

#include "ledger/registry.h"
#include "utils/snapshot.h"

/* a checkpoint with the signature lines that count */
typedef struct ScFinal
{
	int64		height;
	int64		size;
	char	   *lines;
} ScFinal;

/*
 * Set by the network room: the final checkpoint of that height, or the newest
 * one when height < 0, of more than `beyond` leaves.  Errors
 * (OBJECT_NOT_IN_PREREQUISITE_STATE) when there is none, and says whose
 * cosignatures are missing.
 */
typedef void (*sc_final_hook_type) (const ScChain *chain, int64 height, int64 beyond, Snapshot snapshot, ScFinal *out);
extern PGDLLIMPORT sc_final_hook_type sc_final_hook;

/*
 * Set by the network room: a signed block's own signature lines and those
 * of the cosigners known here, every one of them verified.
 */
typedef char *(*sc_note_lines_hook_type) (const ScChain *chain, int64 height, const char *lines, Snapshot snapshot);
extern PGDLLIMPORT sc_note_lines_hook_type sc_note_lines_hook;

#endif							/* SC_SEAL_FINAL_H */
