/*
 * key_note.c
 *	  Signing notes and verifying them.
 *
 * A note is judged as a whole: a line that names a known key and does not
 * verify spoils it, whatever the other lines say.  Lines of unknown keys say
 * nothing.
 *
 * Source: C2SP signed-note v1.0.0, tlog-cosignature (cosignature/v1).
 */
#include <sodium.h>
#include <string.h>

#include "core/text.h"
#include "sign/ecdsa.h"
#include "sign/key.h"
#include "sign/signature.h"

#define TIME_LEN 8

/* what a cosignature/v1 signs: its header, the time, the checkpoint's text */
static void
append_cosigned(ScBuf *buf, uint64_t time, const char *text, size_t len)
{
	sc_buf_literal(buf, "cosignature/v1\ntime ");
	sc_buf_uint64(buf, time);
	sc_buf_char(buf, '\n');
	sc_buf_append(buf, text, len);
}

/* writes time and signature, the bytes of a cosignature, to out */
static ScStatus
cosign(uint8_t *out, const ScSigningKey *key, const char *text, size_t len, uint64_t time)
{
	ScBuf		message = SC_BUF_INIT;
	ScStatus	status;

	if (time > INT64_MAX)
		return SC_RANGE;
	for (int i = 0; i < TIME_LEN; i++)
		out[i] = (uint8_t) (time >> (56 - 8 * i));
	append_cosigned(&message, time, text, len);
	if (message.failed)
		status = SC_NO_MEMORY;
	else if (crypto_sign_detached(out + TIME_LEN, NULL, (const uint8_t *) message.data, message.len, key->secret) != 0)
		status = SC_INTERNAL;
	else
		status = SC_OK;
	sc_buf_free(&message);
	return status;
}

/* the bytes of a signature line; siglen at least TIME_LEN + SC_ED25519_SIGNATURE_LEN and SC_ECDSA_SIGNATURE_MAX */
static ScStatus
sign_text(uint8_t *signature, size_t *siglen, const ScSigningKey *key, const char *text, size_t len, uint64_t time)
{
	if (key->uri[0] != '\0')
	{
		*siglen = SC_ECDSA_SIGNATURE_MAX;
		return key->sign ? key->sign(key->device, signature, siglen, text, len) : SC_INTERNAL;
	}
	switch (key->public.type)
	{
		case SC_KEY_ECDSA:
			return sc_ecdsa_sign(signature, siglen, key->secret, key->public.key, text, len);
		case SC_KEY_COSIGNATURE:
			*siglen = TIME_LEN + SC_ED25519_SIGNATURE_LEN;
			return cosign(signature, key, text, len, time);
		default:
			*siglen = SC_ED25519_SIGNATURE_LEN;
			if (crypto_sign_detached(signature, NULL, (const uint8_t *) text, len, key->secret) != 0)
				return SC_INTERNAL;
			return SC_OK;
	}
}

ScStatus
sc_key_sign_note(ScBuf *buf, const ScSigningKey *key, const char *text, size_t len, uint64_t time)
{
	uint8_t		signature[SC_ECDSA_SIGNATURE_MAX];
	size_t		siglen;
	ScStatus	status;

	_Static_assert(sizeof(signature) >= TIME_LEN + SC_ED25519_SIGNATURE_LEN, "room for a cosignature");
	if (sodium_init() < 0)
		return SC_INTERNAL;
	status = sign_text(signature, &siglen, key, text, len, time);
	if (status != SC_OK)
		return status;
	sc_note_format_signature(buf, key->public.name, key->public.id, signature, siglen);
	return buf->failed ? SC_NO_MEMORY : SC_OK;
}

/* a cosignature line's time and whether it verifies */
static ScStatus
verify_cosignature(const ScNote *note, const ScNoteSignature *sig, const ScVerifierKey *key, uint64_t *time)
{
	ScBuf		message = SC_BUF_INIT;
	uint64_t	value = 0;
	ScStatus	status;

	if (sig->siglen != TIME_LEN + SC_ED25519_SIGNATURE_LEN)
		return SC_BAD_SIGNATURE;
	for (int i = 0; i < TIME_LEN; i++)
		value = value << 8 | sig->signature[i];
	if (value > INT64_MAX)
		return SC_BAD_SIGNATURE;
	append_cosigned(&message, value, note->text, note->textlen);
	if (message.failed)
		status = SC_NO_MEMORY;
	else
		status = sc_signature_verify_ed25519(key->key, key->keylen, message.data, message.len,
											 sig->signature + TIME_LEN, sig->siglen - TIME_LEN);
	sc_buf_free(&message);
	*time = value;
	return status;
}

/* one line against one key that it names */
static ScStatus
verify_line(const ScNote *note, const ScNoteSignature *sig, const ScVerifierKey *key, uint64_t *time)
{
	*time = 0;
	switch (key->type)
	{
		case SC_KEY_ED25519:
			return sc_signature_verify_ed25519(key->key, key->keylen, note->text, note->textlen,
											   sig->signature, sig->siglen);
		case SC_KEY_ECDSA:
			return sc_signature_verify_ecdsa(key->key, key->keylen, note->text, note->textlen,
											 sig->signature, sig->siglen);
		case SC_KEY_COSIGNATURE:
			return verify_cosignature(note, sig, key, time);
		default:
			return SC_MALFORMED;
	}
}

/* whether a line says that this key made it */
static bool
names_key(const ScNoteSignature *sig, const ScVerifierKey *key)
{
	return memcmp(sig->id, key->id, SC_KEY_ID_LEN) == 0 && sc_text_is(sig->name, sig->namelen, key->name);
}

/*
 * One line against all keys.  Two keys may share name and id (32 bits can be
 * made to collide), so a line is bad only when no key that it names made it.
 */
static ScStatus
judge_line(const ScNote *note, const ScNoteSignature *sig, const ScVerifierKey *keys, int nkeys,
		   bool *good, uint64_t *times)
{
	ScStatus	worst = SC_UNKNOWN_KEY;
	bool		verified = false;

	for (int i = 0; i < nkeys; i++)
	{
		uint64_t	time;
		ScStatus	status;

		if (!names_key(sig, &keys[i]))
			continue;
		status = verify_line(note, sig, &keys[i], &time);
		if (status != SC_OK)
		{
			worst = status;
			continue;
		}
		verified = true;

		/* of several cosignatures the earliest says most: it was seen by then */
		if (times && (times[i] == 0 || time < times[i]))
			times[i] = time;
		if (good)
			good[i] = true;
	}
	return verified ? SC_OK : worst;
}

/* forgets what earlier lines said */
static void
clear_answer(bool *good, uint64_t *times, int nkeys)
{
	for (int i = 0; i < nkeys; i++)
	{
		if (good)
			good[i] = false;
		if (times)
			times[i] = 0;
	}
}

ScStatus
sc_key_verify_note(const ScNote *note, const ScVerifierKey *keys, int nkeys, bool *good, uint64_t *times)
{
	ScStatus	result = SC_UNKNOWN_KEY;

	clear_answer(good, times, nkeys);
	for (int i = 0; i < note->nsigs; i++)
	{
		ScStatus	status = judge_line(note, &note->sigs[i], keys, nkeys, good, times);

		if (status == SC_UNKNOWN_KEY)
			continue;
		if (status != SC_OK)
		{
			clear_answer(good, times, nkeys);
			return status;
		}
		result = SC_OK;
	}
	return result;
}
