/*
 * witness_lines.h
 *	  The signature lines that this node has of a checkpoint, and which of them are good.
 */
#ifndef SC_NETWORK_WITNESS_LINES_H
#define SC_NETWORK_WITNESS_LINES_H

#include "postgres.h"

#include "core/policy.h"
#include "ledger/registry.h"
#include "nodes/pg_list.h"
#include "seal/tree_store.h"

/* the most lines that a note gets: readers have to accept 16 */
#define SC_NOTE_LINES_MAX 16

/* a line, taken apart; what is no signature line never becomes one */
typedef struct ScLine
{
	char	   *text;			/* with its newline */
	char	   *name;
	uint8		id[SC_KEY_ID_LEN];
} ScLine;

/* the signature lines of a text, one after the other: List of ScLine * */
extern List *sc_lines_split(const char *text);

/* the cosignatures that have arrived for that size, of whatever worth: List of ScLine * */
extern List *sc_lines_arrived(const char *origin, int64 size, Snapshot snapshot);

/* does the line say that it is by this key? */
extern bool sc_line_names(const ScLine *line, const ScVerifierKey *key);

/* is there a line by the key over the block's checkpoint? */
extern const ScLine *sc_lines_by(List *lines, const ScVerifierKey *key, const ScChain *chain, const ScBlock *block);

#endif							/* SC_NETWORK_WITNESS_LINES_H */
