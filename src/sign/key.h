/*
 * key.h
 *	  Keys of nodes and logs: made, kept in files, used to sign notes.
 *
 * A key file holds one line in the form of Go's sumdb/note,
 * PRIVATE+KEY+<name>+<hex8 key id>+<base64(type || seed)>, mode 0600, owned
 * by the server's user; of an ECDSA key (type 0x02) the private number stands
 * in the seed's place, 32 bytes big-endian.  It is made with O_EXCL, fsynced with its directory.
 *
 * The file of a key in hardware says which key it is and where it is to be
 * found: PKCS11+KEY+<verifier key> <PKCS #11 URI>.  Here such a key only
 * verifies; it signs when somebody has set `device` and `sign`.
 */
#ifndef SC_SIGN_KEY_H
#define SC_SIGN_KEY_H

#include "core/note.h"
#include "sign/pkcs11_uri.h"

typedef struct ScSigningKey
{
	ScVerifierKey public;
	uint8_t		secret[64];		/* libsodium's form: seed || public key; ECDSA: number || zeros; in hardware: zeros */
	char		uri[SC_PKCS11_URI_MAX + 1]; /* of a key in hardware, else "" */
	void	   *device;			/* what signs for a key in hardware, and how: a DER ECDSA signature over a message */
	ScStatus	(*sign) (void *device, uint8_t *signature, size_t *siglen, const void *message, size_t len);
} ScSigningKey;

/* a new random key of `type` (SC_KEY_ED25519, SC_KEY_ECDSA or SC_KEY_COSIGNATURE) */
extern SC_WARN_UNUSED ScStatus sc_key_generate(ScSigningKey *out, const char *name, uint8_t type);
extern void sc_key_wipe(ScSigningKey *key);

/* a key in hardware that has this public key; SC_MALFORMED unless it is of type SC_KEY_ECDSA and the URI is good */
extern SC_WARN_UNUSED ScStatus sc_key_in_hardware(ScSigningKey *out, const ScVerifierKey *public, const char *uri);

/* writes a new file; SC_EXISTS, SC_IO */
extern SC_WARN_UNUSED ScStatus sc_key_save(const ScSigningKey *key, const char *path);
/* SC_IO (errno), SC_LAX_MODE (mode beyond 0600 or another owner), SC_MALFORMED */
extern SC_WARN_UNUSED ScStatus sc_key_load(ScSigningKey *out, const char *path);

/* a key file's line without its newline; the buffer then holds a secret, sc_key_wipe_buf ends that */
extern void sc_key_format_secret(ScBuf *buf, const ScSigningKey *key);
extern SC_WARN_UNUSED ScStatus sc_key_parse_secret(ScSigningKey *out, const char *text, size_t len);
extern void sc_key_wipe_buf(ScBuf *buf);

/* appends the signature line over text (types 0x01, 0x02), or a cosignature/v1 line at `time` POSIX seconds (type 0x04) */
extern SC_WARN_UNUSED ScStatus sc_key_sign_note(ScBuf *buf, const ScSigningKey *key, const char *text, size_t len, uint64_t time);

/*
 * Checks a parsed note against known keys: SC_BAD_SIGNATURE when any known
 * key's line is wrong, SC_UNKNOWN_KEY when no known key signed, else SC_OK.
 * good[i], if given, says whether keys[i] signed; times[i] a cosignature's time
 * (the earliest of several).  Unless SC_OK is returned, all are false and 0.
 */
extern SC_WARN_UNUSED ScStatus sc_key_verify_note(const ScNote *note, const ScVerifierKey *keys, int nkeys,
												  bool *good, uint64_t *times);

#endif							/* SC_SIGN_KEY_H */
