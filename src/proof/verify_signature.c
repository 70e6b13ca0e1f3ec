/*
 * verify_signature.c
 *	  Checking stored signature lines and notes against a chain's keys.
 *
 * Invariant: a note passes only when every known key's line verifies and the
 * log key's is among them, stored lines only when each key's is; a chain
 * without a log key has no lines.
 * Lines of keys that this node does not know (witnesses) are not judged.
 */
#include "postgres.h"

#include "proof/verify_signature.h"

#include "ledger/error.h"
#include "proof/guard.h"
#include "seal/tree_store.h"
#include "sign/key.h"
#include "utils/builtins.h"

void
sc_note_keys_begin(ScNoteKeys *out)
{
	memset(out, 0, sizeof(*out));
}

void
sc_note_keys_add(ScNoteKeys *out, const char *key)
{
	out->expected = true;
	if (out->count == SC_NOTE_KEYS_MAX ||
		sc_note_parse_key(&out->keys[out->count], key, strlen(key)) != SC_OK)
		out->damaged = true;
	else
		out->count++;
}

const ScVerifierKey *
sc_note_keys_refused(const ScNoteKeys *keys, ScProfile profile)
{
	for (int i = 0; i < keys->count; i++)
		if (!sc_profile_allows_note(profile, keys->keys[i].type))
			return &keys->keys[i];
	return NULL;
}

/* whether a line bears the key's name; with_id: and its id */
static bool
names(const ScNoteSignature *signature, const ScVerifierKey *key, bool with_id)
{
	return strlen(key->name) == signature->namelen && memcmp(key->name, signature->name, signature->namelen) == 0 &&
		(!with_id || memcmp(key->id, signature->id, SC_KEY_ID_LEN) == 0);
}

/* a line under one of the names, but by none of the keys: the key that is registered is another than signed */
static bool
by_other_key(const ScNoteKeys *keys, const ScNoteSignature *signature)
{
	bool		named = false;

	for (int i = 0; i < keys->count; i++)
	{
		if (names(signature, &keys->keys[i], true))
			return false;
		named = named || names(signature, &keys->keys[i], false);
	}
	return named;
}

/* whether the note is good, and by the first `required` keys; want of memory is an error, for it accuses nobody */
static bool
note_ok(const ScNoteKeys *keys, const ScNote *note, int required)
{
	bool		good[SC_NOTE_KEYS_MAX] = {false};
	ScStatus	status;

	if (!keys->expected)
		return note->nsigs == 0;
	if (keys->damaged)
		return false;
	status = sc_key_verify_note(note, keys->keys, keys->count, good, NULL);
	if (status == SC_NO_MEMORY)
		sc_status_report(status, "checkpoint signature");
	if (status != SC_OK)
		return false;
	for (int i = 0; i < note->nsigs; i++)
	{
		if (by_other_key(keys, &note->sigs[i]))
			return false;
	}
	for (int i = 0; i < required; i++)
	{
		if (!good[i])
			return false;
	}
	return true;
}

bool
sc_note_ok(const ScNoteKeys *keys, const ScNote *note)
{
	return note_ok(keys, note, 1);
}

bool
sc_note_ok_by_all(const ScNoteKeys *keys, const ScNote *note)
{
	return note_ok(keys, note, keys->count);
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
		note_ok(request->keys, note, request->keys->count);
}

bool
sc_note_lines_ok(const ScNoteKeys *keys, const char *origin, int64 size, const ScHash *root, Datum lines)
{
	LinesRequest request = {keys, origin, size, root, lines, false};

	return sc_guard(check_lines, &request, NULL) && request.ok;
}
