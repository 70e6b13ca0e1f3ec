/*
 * verify_signature.h
 *	  Checking stored signature lines and notes against a chain's keys.
 */
#ifndef SC_PROOF_VERIFY_SIGNATURE_H
#define SC_PROOF_VERIFY_SIGNATURE_H

#include "postgres.h"

#include "core/note.h"

typedef struct ScNoteKeys
{
	bool		expected;		/* the chain has a log key */
	bool		damaged;		/* one of the keys cannot be read */
	int			count;
	ScVerifierKey keys[2];		/* the log key, then the node's cosigner key */
} ScNoteKeys;

/* either key may be NULL */
extern void sc_note_keys(ScNoteKeys *out, const char *log_key, const char *cosigner_key);

/* are the signature lines (a text value) those of that checkpoint? */
extern bool sc_note_lines_ok(const ScNoteKeys *keys, const char *origin, int64 size, const ScHash *root, Datum lines);

/* does the log key vouch for the note? */
extern bool sc_note_ok(const ScNoteKeys *keys, const ScNote *note);

#endif							/* SC_PROOF_VERIFY_SIGNATURE_H */
