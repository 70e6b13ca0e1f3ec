/*
 * rotation.c
 *	  A change of key, by the word of both keys.
 *
 * The old key's word shows that its holder passes the name on, the new key's
 * that its holder takes it: nobody can be made heir to a name without wanting
 * it, and no thief of a name shows the word of the key that had it.
 *
 * Invariant: a rotation that verifies has two different keys of one name,
 * which is the chain's origin or its node's.
 */
#include <string.h>

#include "core/text.h"
#include "sign/key.h"
#include "sign/rotation.h"

#define STATEMENT "seoulchain key change v1\n"

bool
sc_rotation_is_log(const char *key_name, const char *origin)
{
	return strcmp(key_name, origin) == 0;
}

/* whether the name is the origin's without its last part */
static bool
is_node(const char *key_name, const char *origin)
{
	const char *slash = strrchr(origin, '/');

	return slash != NULL && (size_t) (slash - origin) == strlen(key_name) &&
		memcmp(key_name, origin, strlen(key_name)) == 0;
}

void
sc_rotation_text(ScBuf *buf, const char *origin, const char *old_key, const char *new_key)
{
	sc_buf_literal(buf, STATEMENT);
	sc_buf_string(buf, origin);
	sc_buf_char(buf, '\n');
	sc_buf_string(buf, old_key);
	sc_buf_char(buf, '\n');
	sc_buf_string(buf, new_key);
	sc_buf_char(buf, '\n');
}

/* appends "key":"value" */
static void
put_member(ScBuf *buf, const char *key, const char *value)
{
	sc_json_string(buf, key, strlen(key));
	sc_buf_char(buf, ':');
	sc_json_string(buf, value, strlen(value));
}

void
sc_rotation_event(ScBuf *buf, const char *old_key, const char *new_key, const char *old_line, const char *new_line)
{
	sc_buf_char(buf, '{');
	put_member(buf, "new", new_key);
	sc_buf_char(buf, ',');
	put_member(buf, "old", old_key);
	sc_buf_literal(buf, ",\"proof\":{");
	put_member(buf, "new", new_line);
	sc_buf_char(buf, ',');
	put_member(buf, "old", old_line);
	sc_buf_literal(buf, "},");
	put_member(buf, "type", SC_ROTATION_EVENT);
	sc_buf_char(buf, '}');
}

/* a member's string without NUL in it, or NULL */
static const char *
string_of(const ScJson *object, const char *key)
{
	const ScJson *member = sc_json_member(object, key);

	if (member == NULL || member->kind != SC_JSON_STRING || strlen(member->string) != member->len)
		return NULL;
	return member->string;
}

/* a verifier key in a member */
static ScStatus
parse_key(ScVerifierKey *out, const ScJson *event, const char *member)
{
	const char *text = string_of(event, member);

	return text ? sc_note_parse_key(out, text, strlen(text)) : SC_MALFORMED;
}

/* a signature line in a member of proof */
static ScStatus
parse_line(char out[SC_ROTATION_LINE_MAX], const ScJson *proof, const char *member)
{
	const char *text = string_of(proof, member);

	if (text == NULL || strchr(text, '\n') != NULL || strlen(text) >= SC_ROTATION_LINE_MAX)
		return SC_MALFORMED;
	strcpy(out, text);
	return SC_OK;
}

ScStatus
sc_rotation_parse(ScRotation *out, const ScJson *event)
{
	const ScJson *proof;
	const char *type;
	ScStatus	status;

	memset(out, 0, sizeof(*out));
	if (event == NULL || event->kind != SC_JSON_OBJECT || (type = string_of(event, "type")) == NULL ||
		strcmp(type, SC_ROTATION_EVENT) != 0 || sc_json_count(event) != 4)
		return SC_MALFORMED;
	proof = sc_json_member(event, "proof");
	if (proof == NULL || proof->kind != SC_JSON_OBJECT || sc_json_count(proof) != 2)
		return SC_MALFORMED;
	status = parse_key(&out->old, event, "old");
	if (status == SC_OK)
		status = parse_key(&out->new, event, "new");
	if (status == SC_OK)
		status = parse_line(out->old_line, proof, "old");
	if (status == SC_OK)
		status = parse_line(out->new_line, proof, "new");
	return status;
}

bool
sc_rotation_same_key(const ScVerifierKey *a, const ScVerifierKey *b)
{
	/* 0x01 and 0x04 are uses of one kind of key, so the type tells nothing */
	return a->keylen == b->keylen && memcmp(a->key, b->key, a->keylen) == 0;
}

/* may keys of these types follow each other under this name? */
static bool
fits_origin(const ScRotation *rotation, const char *origin)
{
	uint8_t		plain = sc_rotation_is_log(rotation->old.name, origin) ? SC_KEY_ED25519 : SC_KEY_COSIGNATURE;

	if (strcmp(rotation->old.name, rotation->new.name) != 0 || sc_rotation_same_key(&rotation->old, &rotation->new))
		return false;
	if (plain == SC_KEY_COSIGNATURE && !is_node(rotation->old.name, origin))
		return false;
	return (rotation->old.type == plain || rotation->old.type == SC_KEY_ECDSA) &&
		(rotation->new.type == plain || rotation->new.type == SC_KEY_ECDSA);
}

/* the statement with one line under it: is it by that key? */
static ScStatus
verify_line(const char *statement, const char *line, const ScVerifierKey *key)
{
	ScBuf		buf = SC_BUF_INIT;
	ScNote		note;
	ScStatus	status;

	sc_buf_string(&buf, statement);
	sc_buf_char(&buf, '\n');
	sc_buf_string(&buf, line);
	sc_buf_char(&buf, '\n');
	if (buf.failed)
		status = SC_NO_MEMORY;
	else
		status = sc_note_parse(&note, buf.data, buf.len, false);
	if (status == SC_OK)
		status = sc_key_verify_note(&note, key, 1, NULL, NULL);
	sc_buf_free(&buf);
	return status == SC_OK || status == SC_NO_MEMORY ? status : SC_BAD_SIGNATURE;
}

/* appends the statement of a rotation */
static void
put_statement(ScBuf *buf, const ScRotation *rotation, const char *origin)
{
	ScBuf		old_key = SC_BUF_INIT;
	ScBuf		new_key = SC_BUF_INIT;

	sc_note_format_key(&old_key, &rotation->old);
	sc_note_format_key(&new_key, &rotation->new);
	if (sc_buf_cstr(&old_key) != NULL && sc_buf_cstr(&new_key) != NULL)
		sc_rotation_text(buf, origin, old_key.data, new_key.data);
	else
		buf->failed = true;
	sc_buf_free(&old_key);
	sc_buf_free(&new_key);
}

ScStatus
sc_rotation_verify(const ScRotation *rotation, const char *origin)
{
	ScBuf		statement = SC_BUF_INIT;
	ScStatus	status;

	if (!fits_origin(rotation, origin))
		return SC_MALFORMED;
	put_statement(&statement, rotation, origin);
	if (sc_buf_cstr(&statement) == NULL)
		status = SC_NO_MEMORY;
	else
		status = verify_line(statement.data, rotation->old_line, &rotation->old);
	if (status == SC_OK)
		status = verify_line(statement.data, rotation->new_line, &rotation->new);
	sc_buf_free(&statement);
	return status;
}
