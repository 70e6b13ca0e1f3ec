/*
 * note.h
 *	  C2SP signed-note v1.0.0 and tlog-checkpoint v1.0.0: text forms only.
 *
 * Signatures themselves are made and verified in src/sign/; here notes are
 * taken apart and put together.  Parsed notes point into the caller's text.
 */
#ifndef SC_CORE_NOTE_H
#define SC_CORE_NOTE_H

#include "core/buf.h"
#include "core/hash.h"
#include "core/status.h"

#define SC_KEY_ID_LEN 4
#define SC_NAME_MAX 255			/* our limit for key names and origins, in bytes */
#define SC_NOTE_SIGS_MAX 64
#define SC_PUBLIC_KEY_MAX 256

/* signature types (first byte of key material) */
#define SC_KEY_ED25519 0x01
#define SC_KEY_ECDSA 0x02
#define SC_KEY_COSIGNATURE 0x04

/* a verifier key: name+hex8(id)+base64(type || public key) */
typedef struct ScVerifierKey
{
	char		name[SC_NAME_MAX + 1];
	uint8_t		id[SC_KEY_ID_LEN];
	uint8_t		type;
	uint8_t		key[SC_PUBLIC_KEY_MAX];
	size_t		keylen;
} ScVerifierKey;

/* a key name or origin: not empty, no Unicode space, no '+', no control character, UTF-8 */
extern bool sc_note_name_ok(const char *name, size_t len);
extern void sc_note_key_id(uint8_t id[SC_KEY_ID_LEN], const char *name, uint8_t type, const uint8_t *key, size_t keylen);
extern SC_WARN_UNUSED ScStatus sc_note_parse_key(ScVerifierKey *out, const char *text, size_t len);
extern void sc_note_format_key(ScBuf *buf, const ScVerifierKey *key);

typedef struct ScNoteSignature
{
	const char *name;
	size_t		namelen;
	uint8_t		id[SC_KEY_ID_LEN];
	const char *line;			/* the whole line, its \n included */
	size_t		linelen;
	uint8_t		signature[512];
	size_t		siglen;			/* a longer signature is kept as a line, siglen 0 */
} ScNoteSignature;

typedef struct ScNote
{
	const char *text;			/* the signed text, its last \n included */
	size_t		textlen;
	int			nsigs;
	ScNoteSignature sigs[SC_NOTE_SIGS_MAX];
} ScNote;

/* a signed note; unsigned_ok also takes a text and blank line without signature lines (nsigs = 0) */
extern SC_WARN_UNUSED ScStatus sc_note_parse(ScNote *out, const char *note, size_t len, bool unsigned_ok);

/*
 * Shells, terminals and mail change how a text ends.  Appends a copy of a
 * note, or of a file that ends with one, with the ending that its form asks
 * for: one newline behind signature lines, a blank line behind a text without.
 * No signature covers that ending.  What is no note stays none.
 */
extern void sc_note_mend_end(ScBuf *out, const char *text, size_t len);

/* appends "— name base64(id || signature)\n" */
extern void sc_note_format_signature(ScBuf *buf, const char *name, const uint8_t id[SC_KEY_ID_LEN],
									 const uint8_t *signature, size_t siglen);

typedef struct ScCheckpoint
{
	char		origin[SC_NAME_MAX + 1];
	uint64_t	size;
	ScHash		root;
} ScCheckpoint;

/* a note's text "<origin>\n<size>\n<base64 root>\n"; extension lines are refused */
extern SC_WARN_UNUSED ScStatus sc_checkpoint_parse(ScCheckpoint *out, const char *text, size_t len);
extern void sc_checkpoint_format(ScBuf *buf, const ScCheckpoint *checkpoint);

#endif							/* SC_CORE_NOTE_H */
