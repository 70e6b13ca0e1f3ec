/*
 * note.c
 *	  Signed notes, verifier keys and checkpoints, as text.
 *
 * What parses here is well formed and no more: nothing about it is true until
 * src/sign/ has checked a signature by a known key.
 *
 * Limits of ours, both above what the specification asks of a verifier: 64
 * signature lines (16 asked), names of 255 bytes.
 * Source: C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0.
 */
#include <string.h>

#include "core/note.h"
#include "core/text.h"

#define DASH "\xE2\x80\x94 "	/* U+2014 and a space */
#define ED25519_KEY_LEN 32

/* what Unicode calls a space (White_Space property) */
static bool
is_space(uint32_t cp)
{
	return cp == ' ' || (cp >= 0x09 && cp <= 0x0D) || cp == 0x85 || cp == 0xA0 || cp == 0x1680 ||
		(cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 || cp == 0x202F ||
		cp == 0x205F || cp == 0x3000;
}

/* C0 and C1 control characters, and DEL */
static bool
is_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7F && cp < 0xA0);
}

bool
sc_note_name_ok(const char *name, size_t len)
{
	if (len == 0 || len > SC_NAME_MAX)
		return false;
	while (len > 0)
	{
		uint32_t	cp;
		size_t		n = sc_text_utf8_char(&cp, name, len);

		if (n == 0 || cp == '+' || is_space(cp) || is_control(cp))
			return false;
		name += n;
		len -= n;
	}
	return true;
}

void
sc_note_key_id(uint8_t id[SC_KEY_ID_LEN], const char *name, uint8_t type, const uint8_t *key, size_t keylen)
{
	uint8_t		message[SC_NAME_MAX + 2 + SC_PUBLIC_KEY_MAX];
	size_t		len = strlen(name);
	ScHash		hash;

	if (type == SC_KEY_ECDSA)
	{
		/* the odd one out: the id does not know the name */
		sc_hash_bytes(&hash, key, keylen);
	}
	else
	{
		memcpy(message, name, len);
		message[len++] = '\n';
		message[len++] = type;
		memcpy(message + len, key, keylen);
		sc_hash_bytes(&hash, message, len + keylen);
	}
	memcpy(id, hash.bytes, SC_KEY_ID_LEN);
}

/* whether key material of this type may have this length */
static bool
key_length_ok(uint8_t type, size_t len)
{
	switch (type)
	{
		case SC_KEY_ED25519:
		case SC_KEY_COSIGNATURE:
			return len == ED25519_KEY_LEN;
		case SC_KEY_ECDSA:
			return len > 0 && len <= SC_PUBLIC_KEY_MAX;
		default:
			return false;
	}
}

ScStatus
sc_note_parse_key(ScVerifierKey *out, const char *text, size_t len)
{
	const char *plus = len > 0 ? memchr(text, '+', len) : NULL;
	uint8_t		material[1 + SC_PUBLIC_KEY_MAX];
	uint8_t		id[SC_KEY_ID_LEN];
	size_t		namelen;
	size_t		n;

	if (plus == NULL)
		return SC_MALFORMED;
	namelen = (size_t) (plus - text);
	text = plus + 1;
	len -= namelen + 1;
	if (!sc_note_name_ok(plus - namelen, namelen) ||
		len < 2 * SC_KEY_ID_LEN + 1 || text[2 * SC_KEY_ID_LEN] != '+' ||
		!sc_text_hex(out->id, SC_KEY_ID_LEN, text, 2 * SC_KEY_ID_LEN))
		return SC_MALFORMED;
	text += 2 * SC_KEY_ID_LEN + 1;
	len -= 2 * SC_KEY_ID_LEN + 1;
	if (!sc_text_base64(material, sizeof(material), &n, text, len) || n < 1 ||
		!key_length_ok(material[0], n - 1))
		return SC_MALFORMED;

	memcpy(out->name, plus - namelen, namelen);
	out->name[namelen] = '\0';
	out->type = material[0];
	out->keylen = n - 1;
	memcpy(out->key, material + 1, out->keylen);
	sc_note_key_id(id, out->name, out->type, out->key, out->keylen);
	return memcmp(id, out->id, SC_KEY_ID_LEN) == 0 ? SC_OK : SC_MALFORMED;
}

void
sc_note_format_key(ScBuf *buf, const ScVerifierKey *key)
{
	uint8_t		material[1 + SC_PUBLIC_KEY_MAX];

	material[0] = key->type;
	memcpy(material + 1, key->key, key->keylen);
	sc_buf_string(buf, key->name);
	sc_buf_char(buf, '+');
	sc_buf_hex(buf, key->id, SC_KEY_ID_LEN);
	sc_buf_char(buf, '+');
	sc_buf_base64(buf, material, 1 + key->keylen);
}

/* valid UTF-8, and no ASCII control character but the newline */
static bool
note_characters_ok(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if ((unsigned char) s[i] < 0x20 && s[i] != '\n')
			return false;
	}
	return sc_text_utf8_ok(s, len);
}

/* takes "— name base64" (without its newline) apart */
static bool
parse_signature_line(ScNoteSignature *sig, const char *line, size_t len)
{
	uint8_t		bytes[SC_KEY_ID_LEN + sizeof(sig->signature)];
	const char *space;
	size_t		n;

	sig->line = line;
	sig->linelen = len + 1;
	if (!sc_text_skip(&line, &len, DASH) || len == 0 || (space = memchr(line, ' ', len)) == NULL)
		return false;
	sig->name = line;
	sig->namelen = (size_t) (space - line);
	len -= sig->namelen + 1;
	if (!sc_note_name_ok(sig->name, sig->namelen) ||
		!sc_text_base64(bytes, sizeof(bytes), &n, space + 1, len) || n <= SC_KEY_ID_LEN)
		return false;
	memcpy(sig->id, bytes, SC_KEY_ID_LEN);
	sig->siglen = n <= sizeof(bytes) ? n - SC_KEY_ID_LEN : 0;
	memcpy(sig->signature, bytes + SC_KEY_ID_LEN, sig->siglen);
	return true;
}

/* the last place where a newline is followed by a newline, or NULL */
static const char *
last_blank_line(const char *s, size_t len)
{
	for (size_t i = len; i >= 2; i--)
	{
		if (s[i - 1] == '\n' && s[i - 2] == '\n')
			return s + i - 2;
	}
	return NULL;
}

ScStatus
sc_note_parse(ScNote *out, const char *note, size_t len, bool unsigned_ok)
{
	const char *blank = last_blank_line(note, len);
	const char *rest;
	const char *line;
	size_t		linelen;

	if (blank == NULL || !note_characters_ok(note, len))
		return SC_MALFORMED;
	out->text = note;
	out->textlen = (size_t) (blank - note) + 1;
	out->nsigs = 0;
	rest = blank + 2;
	len -= out->textlen + 1;
	while (sc_text_line(&line, &linelen, &rest, &len))
	{
		if (out->nsigs == SC_NOTE_SIGS_MAX)
			return SC_TOO_LARGE;
		if (!parse_signature_line(&out->sigs[out->nsigs], line, linelen))
			return SC_MALFORMED;
		out->nsigs++;
	}
	if (len > 0 || (out->nsigs == 0 && !unsigned_ok))
		return SC_MALFORMED;
	return SC_OK;
}

void
sc_note_mend_end(ScBuf *out, const char *text, size_t len)
{
	size_t		start;

	while (len > 0 && text[len - 1] == '\n')
		len--;
	sc_buf_append(out, text, len);
	sc_buf_char(out, '\n');
	for (start = len; start > 0 && text[start - 1] != '\n'; start--)
		;
	if (len - start < strlen(DASH) || memcmp(text + start, DASH, strlen(DASH)) != 0)
		sc_buf_char(out, '\n');
}

void
sc_note_format_signature(ScBuf *buf, const char *name, const uint8_t id[SC_KEY_ID_LEN],
						 const uint8_t *signature, size_t siglen)
{
	uint8_t		bytes[SC_KEY_ID_LEN + sizeof(((ScNoteSignature *) 0)->signature)];

	if (siglen > sizeof(bytes) - SC_KEY_ID_LEN)
	{
		buf->failed = true;
		return;
	}
	memcpy(bytes, id, SC_KEY_ID_LEN);
	memcpy(bytes + SC_KEY_ID_LEN, signature, siglen);
	sc_buf_literal(buf, DASH);
	sc_buf_string(buf, name);
	sc_buf_char(buf, ' ');
	sc_buf_base64(buf, bytes, SC_KEY_ID_LEN + siglen);
	sc_buf_char(buf, '\n');
}

ScStatus
sc_checkpoint_parse(ScCheckpoint *out, const char *text, size_t len)
{
	const char *line;
	size_t		linelen;

	if (!sc_text_line(&line, &linelen, &text, &len) || !sc_note_name_ok(line, linelen))
		return SC_MALFORMED;
	memcpy(out->origin, line, linelen);
	out->origin[linelen] = '\0';
	if (!sc_text_line(&line, &linelen, &text, &len) || !sc_text_uint64(&out->size, line, linelen))
		return SC_MALFORMED;
	if (out->size > INT64_MAX)
		return SC_RANGE;
	if (!sc_text_line(&line, &linelen, &text, &len) || !sc_text_base64_hash(&out->root, line, linelen))
		return SC_MALFORMED;
	return len == 0 ? SC_OK : SC_MALFORMED;
}

void
sc_checkpoint_format(ScBuf *buf, const ScCheckpoint *checkpoint)
{
	sc_buf_string(buf, checkpoint->origin);
	sc_buf_char(buf, '\n');
	sc_buf_uint64(buf, checkpoint->size);
	sc_buf_char(buf, '\n');
	sc_buf_base64(buf, checkpoint->root.bytes, SC_HASH_LEN);
	sc_buf_char(buf, '\n');
}
