/*
 * key.c
 *	  Signing keys (Ed25519, ECDSA P-256) and their files.
 *
 * A secret stands in memory only in an ScSigningKey and, while a file is read
 * or written, in one buffer; both are wiped.  What keys sign is in key_note.c.
 *
 * Source: key files as golang.org/x/mod/sumdb/note writes them.
 */
#include <sodium.h>
#include <string.h>

#include "core/text.h"
#include "sign/ecdsa.h"
#include "sign/file.h"
#include "sign/key.h"
#include "sign/signature.h"

#define SECRET_PREFIX "PRIVATE+KEY+"
#define HARDWARE_PREFIX "PKCS11+KEY+"
#define SEED_LEN 32
#define KEY_FILE_MAX 2048

/* the public half and the key id, from the seed or number in secret, the name and the type */
static ScStatus
complete_key(ScSigningKey *key, uint8_t type)
{
	ScVerifierKey *public = &key->public;
	uint8_t		seed[SEED_LEN];
	ScStatus	status = SC_OK;

	public->type = type;
	if (type == SC_KEY_ECDSA)
	{
		public->keylen = SC_ECDSA_SPKI_LEN;
		status = sc_ecdsa_public(public->key, key->secret);
	}
	else
	{
		public->keylen = SC_ED25519_KEY_LEN;
		memcpy(seed, key->secret, SEED_LEN);
		if (sodium_init() < 0 || crypto_sign_seed_keypair(public->key, key->secret, seed) != 0)
			status = SC_INTERNAL;
		sodium_memzero(seed, sizeof(seed));
	}
	if (status == SC_OK)
		sc_note_key_id(public->id, public->name, type, public->key, public->keylen);
	return status;
}

/* whether keys of this type can sign here */
static bool
can_sign(uint8_t type)
{
	return type == SC_KEY_ED25519 || type == SC_KEY_ECDSA || type == SC_KEY_COSIGNATURE;
}

ScStatus
sc_key_generate(ScSigningKey *out, const char *name, uint8_t type)
{
	ScStatus	status = SC_OK;

	if (!sc_note_name_ok(name, strlen(name)) || !can_sign(type))
		return SC_MALFORMED;
	memset(out, 0, sizeof(*out));
	strcpy(out->public.name, name);
	if (type == SC_KEY_ECDSA)
		status = sc_ecdsa_generate(out->secret);
	else if (sodium_init() < 0)
		status = SC_INTERNAL;
	else
		randombytes_buf(out->secret, SEED_LEN);
	if (status == SC_OK)
		status = complete_key(out, type);
	if (status != SC_OK)
		sc_key_wipe(out);
	return status;
}

void
sc_key_wipe(ScSigningKey *key)
{
	sodium_memzero(key, sizeof(*key));
}

void
sc_key_wipe_buf(ScBuf *buf)
{
	if (buf->data)
		sodium_memzero(buf->data, buf->cap);
	sc_buf_free(buf);
}

void
sc_key_format_secret(ScBuf *buf, const ScSigningKey *key)
{
	uint8_t		material[1 + SEED_LEN];

	/* room for all of it at once: a buffer that moves leaves a copy behind */
	if (!sc_buf_reserve(buf, KEY_FILE_MAX))
		return;
	if (key->uri[0] != '\0')
	{
		sc_buf_literal(buf, HARDWARE_PREFIX);
		sc_note_format_key(buf, &key->public);
		sc_buf_char(buf, ' ');
		sc_buf_string(buf, key->uri);
		return;
	}
	material[0] = key->public.type;
	memcpy(material + 1, key->secret, SEED_LEN);
	sc_buf_literal(buf, SECRET_PREFIX);
	sc_buf_string(buf, key->public.name);
	sc_buf_char(buf, '+');
	sc_buf_hex(buf, key->public.id, SC_KEY_ID_LEN);
	sc_buf_char(buf, '+');
	sc_buf_base64(buf, material, sizeof(material));
	sodium_memzero(material, sizeof(material));
}

/* makes the key of a seed, and compares its id with the one in the text */
static ScStatus
restore_key(ScSigningKey *out, const uint8_t *seed, uint8_t type, const uint8_t id[SC_KEY_ID_LEN])
{
	ScStatus	status;

	if (!can_sign(type))
		return SC_MALFORMED;
	memcpy(out->secret, seed, SEED_LEN);
	status = complete_key(out, type);
	if (status == SC_OK && memcmp(out->public.id, id, SC_KEY_ID_LEN) != 0)
		status = SC_MALFORMED;
	return status;
}

ScStatus
sc_key_in_hardware(ScSigningKey *out, const ScVerifierKey *public, const char *uri)
{
	ScPkcs11Uri parsed;

	memset(out, 0, sizeof(*out));
	if (public->type != SC_KEY_ECDSA || sc_pkcs11_uri_parse(&parsed, uri, strlen(uri)) != SC_PKCS11_URI_OK)
		return SC_MALFORMED;
	out->public = *public;
	strcpy(out->uri, uri);
	return SC_OK;
}

/* what follows the prefix of a key in hardware: "<verifier key> <URI>" */
static ScStatus
parse_hardware(ScSigningKey *out, const char *text, size_t len)
{
	const char *space = memchr(text, ' ', len);
	char		uri[SC_PKCS11_URI_MAX + 1];
	ScVerifierKey public;
	size_t		urilen;
	ScStatus	status;

	if (space == NULL)
		return SC_MALFORMED;
	urilen = len - (size_t) (space + 1 - text);
	if (urilen > SC_PKCS11_URI_MAX || memchr(space + 1, '\0', urilen) != NULL)
		return SC_MALFORMED;
	memcpy(uri, space + 1, urilen);
	uri[urilen] = '\0';
	status = sc_note_parse_key(&public, text, (size_t) (space - text));
	return status == SC_OK ? sc_key_in_hardware(out, &public, uri) : status;
}

ScStatus
sc_key_parse_secret(ScSigningKey *out, const char *text, size_t len)
{
	uint8_t		material[1 + SEED_LEN];
	uint8_t		id[SC_KEY_ID_LEN];
	const char *plus;
	size_t		namelen;
	size_t		n;
	ScStatus	status = SC_MALFORMED;

	memset(out, 0, sizeof(*out));
	if (sc_text_skip(&text, &len, HARDWARE_PREFIX))
		return parse_hardware(out, text, len);
	if (!sc_text_skip(&text, &len, SECRET_PREFIX) || len == 0 || (plus = memchr(text, '+', len)) == NULL)
		return SC_MALFORMED;
	namelen = (size_t) (plus - text);
	if (!sc_note_name_ok(text, namelen))
		return SC_MALFORMED;
	memcpy(out->public.name, text, namelen);
	text = plus + 1;
	len -= namelen + 1;
	if (len < 2 * SC_KEY_ID_LEN + 1 || text[2 * SC_KEY_ID_LEN] != '+' ||
		!sc_text_hex(id, SC_KEY_ID_LEN, text, 2 * SC_KEY_ID_LEN))
		return SC_MALFORMED;
	text += 2 * SC_KEY_ID_LEN + 1;
	len -= 2 * SC_KEY_ID_LEN + 1;
	if (sc_text_base64(material, sizeof(material), &n, text, len) && n == sizeof(material))
		status = restore_key(out, material + 1, material[0], id);
	sodium_memzero(material, sizeof(material));
	if (status != SC_OK)
		sc_key_wipe(out);
	return status;
}

ScStatus
sc_key_save(const ScSigningKey *key, const char *path)
{
	ScBuf		buf = SC_BUF_INIT;
	ScStatus	status;

	sc_key_format_secret(&buf, key);
	sc_buf_char(&buf, '\n');
	status = buf.failed ? SC_NO_MEMORY : sc_file_create(path, buf.data, buf.len);
	sc_key_wipe_buf(&buf);
	return status;
}

ScStatus
sc_key_load(ScSigningKey *out, const char *path)
{
	ScBuf		buf = SC_BUF_INIT;
	ScStatus	status = SC_NO_MEMORY;

	memset(out, 0, sizeof(*out));
	if (sc_buf_reserve(&buf, KEY_FILE_MAX + SC_FILE_CHUNK))
		status = sc_file_read(&buf, path, KEY_FILE_MAX);
	if (status == SC_OK)
	{
		/* exactly one line */
		if (buf.len == 0 || buf.data[buf.len - 1] != '\n')
			status = SC_MALFORMED;
		else
			status = sc_key_parse_secret(out, buf.data, buf.len - 1);
	}
	else if (status == SC_TOO_LARGE)
		status = SC_MALFORMED;
	sc_key_wipe_buf(&buf);
	return status;
}
