/*
 * verify_signature.h
 *	  Checking stored signature lines and notes against a chain's keys.
 */
#ifndef SC_PROOF_VERIFY_SIGNATURE_H
#define SC_PROOF_VERIFY_SIGNATURE_H

#include "postgres.h"

#include "core/note.h"
#include "sign/profile.h"

/* the log key, the one it replaced if the block brought it, and the node's cosigner keys likewise */
#define SC_NOTE_KEYS_MAX 4

typedef struct ScNoteKeys
{
	bool		expected;		/* the chain has a log key */
	bool		damaged;		/* one of the keys cannot be read */
	int			count;
	ScVerifierKey keys[SC_NOTE_KEYS_MAX];	/* the first is the log's */
} ScNoteKeys;

extern void sc_note_keys_begin(ScNoteKeys *out);
extern void sc_note_keys_add(ScNoteKeys *out, const char *key);

/* the first key that the profile does not allow, or NULL */
extern const ScVerifierKey *sc_note_keys_refused(const ScNoteKeys *keys, ScProfile profile);

/* are the signature lines (a text value) those of that checkpoint, one by each of the keys? */
extern bool sc_note_lines_ok(const ScNoteKeys *keys, const char *origin, int64 size, const ScHash *root, Datum lines);

/* does the log key vouch for the note? */
extern bool sc_note_ok(const ScNoteKeys *keys, const ScNote *note);

/* does every one of the keys? */
extern bool sc_note_ok_by_all(const ScNoteKeys *keys, const ScNote *note);

#endif							/* SC_PROOF_VERIFY_SIGNATURE_H */
