/*
 * verify_signature.c
 *	  Checking stored signature lines and notes against a chain's keys.
 *
 * Invariant: a note passes only when every known key's line verifies and the
 * log key's is among them; a chain without a log key has no lines.
 * Lines of keys that this node does not know (witnesses) are not judged.
 */
#include "postgres.h"

#include "proof/verify_signature.h"

#include "proof/guard.h"
#include "seal/tree_store.h"
#include "sign/key.h"
#include "utils/builtins.h"

/* adds a key in text form; false when it cannot be read */
static bool
add_key(ScNoteKeys *keys, const char *text)
{
	if (sc_note_parse_key(&keys->keys[keys->count], text, strlen(text)) != SC_OK)
		return false;
	keys->count++;
	return true;
}

void
sc_note_keys(ScNoteKeys *out, const char *log_key, const char *cosigner_key)
{
	memset(out, 0, sizeof(*out));
	if (log_key == NULL)
		return;
	out->expected = true;
	out->damaged = !add_key(out, log_key);
	if (!out->damaged && cosigner_key)
		out->damaged = !add_key(out, cosigner_key);
}

/* a line under one of the names, but not by its key: the key that is registered is another than signed */
static bool
by_other_key(const ScNoteKeys *keys, const ScNoteSignature *signature)
{
	for (int i = 0; i < keys->count; i++)
	{
		if (strlen(keys->keys[i].name) == signature->namelen &&
			memcmp(keys->keys[i].name, signature->name, signature->namelen) == 0 &&
			memcmp(keys->keys[i].id, signature->id, SC_KEY_ID_LEN) != 0)
			return true;
	}
	return false;
}

bool
sc_note_ok(const ScNoteKeys *keys, const ScNote *note)
{
	bool		good[2] = {false, false};

	if (!keys->expected)
		return note->nsigs == 0;
	if (keys->damaged || sc_key_verify_note(note, keys->keys, keys->count, good, NULL) != SC_OK)
		return false;
	for (int i = 0; i < note->nsigs; i++)
	{
		if (by_other_key(keys, &note->sigs[i]))
			return false;
	}
	return good[0];
}

typedef struct LinesRequest
{
	const ScNoteKeys *keys;
	const char *origin;
	int64		size;
	const ScHash *root;
	Datum		lines;
	bool		ok;
} LinesRequest;

/* puts the note together and checks it */
static void
check_lines(void *arg)
{
	LinesRequest *request = arg;
	char	   *signed_note = sc_checkpoint_note(request->origin, request->size, request->root,
												 TextDatumGetCString(request->lines));
	ScNote	   *note = palloc(sizeof(ScNote));

	request->ok = sc_note_parse(note, signed_note, strlen(signed_note), true) == SC_OK &&
		sc_note_ok(request->keys, note);
}

bool
sc_note_lines_ok(const ScNoteKeys *keys, const char *origin, int64 size, const ScHash *root, Datum lines)
{
	LinesRequest request = {keys, origin, size, root, lines, false};

	return sc_guard(check_lines, &request, NULL) && request.ok;
}
