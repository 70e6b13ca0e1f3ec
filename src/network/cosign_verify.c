/*
 * cosign_verify.c
 *	  Checking a cosignature line as it came from another node.
 *
 * Invariant: true only for a line by the given key over the very checkpoint
 * asked about; nothing here raises because of the line's bytes.
 * Source: C2SP signed-note, tlog-cosignature.
 */
#include "postgres.h"

#include "network/cosign.h"
#include "seal/tree_store.h"
#include "sign/key.h"

bool
sc_cosignature_ok(const char *line, const ScVerifierKey *key, const char *origin, int64 size,
				  const ScHash *root, uint64 *time)
{
	char	   *text = sc_checkpoint_note(origin, size, root, line);
	ScNote	   *note = palloc(sizeof(ScNote));
	bool		good = false;
	uint64_t	stated = 0;
	bool		ok;

	ok = sc_note_parse(note, text, strlen(text), false) == SC_OK &&
		note->nsigs == 1 &&
		sc_key_verify_note(note, key, 1, &good, &stated) == SC_OK && good;
	if (time != NULL)
		*time = ok ? stated : 0;
	pfree(note);
	pfree(text);
	return ok;
}
