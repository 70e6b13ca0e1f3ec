/*
 * jws.c
 *	  Detached JWS in compact form, taken apart and verified.
 *
 * Invariant: nothing in the header brings a key, a place to fetch one, or
 * another way to read the payload; the header's alg never chooses how a
 * registered key is used, it must agree with it.
 *
 * Effects: none.
 * Source: RFC 7515 (5.2, appendix F), RFC 7518, RFC 8037, docs/format.md.
 * It does not do: the JSON serialization, unencoded payloads (RFC 7797),
 * algorithms other than EdDSA with Ed25519, ES256, PS256.
 */
#include <string.h>

#include "core/text.h"
#include "sign/jws.h"

#define HEADER64_MAX ((SC_JWS_HEADER_MAX * 4 + 2) / 3)
#define SIGNATURE64_MAX ((SC_JWS_SIGNATURE_MAX * 4 + 2) / 3)

const char *
sc_jws_reason_text(ScJwsReason reason)
{
	switch (reason)
	{
		case SC_JWS_OK:
			return "no error";
		case SC_JWS_TOO_LARGE:
			return "the header or signature is too large";
		case SC_JWS_PARTS:
			return "not of the form <header>..<signature>";
		case SC_JWS_NOT_DETACHED:
			return "the payload must be left out";
		case SC_JWS_BASE64:
			return "not canonical base64url";
		case SC_JWS_HEADER:
			return "the header is not a JSON object";
		case SC_JWS_DUPLICATE:
			return "a header member stands twice";
		case SC_JWS_FORBIDDEN:
			return "the header has a member that is not allowed";
		case SC_JWS_MEMBER:
			return "a header member does not have the form it should have";
		case SC_JWS_ALG_MISSING:
			return "the header names no algorithm";
		case SC_JWS_ALG_NONE:
			return "the algorithm \"none\" signs nothing";
		case SC_JWS_ALG_UNSUPPORTED:
			return "the algorithm is not one of EdDSA, ES256, PS256";
		case SC_JWS_ALG_MISMATCH:
			return "the algorithm is not the one of the registered key";
		case SC_JWS_TYP:
			return "the header's typ is not the one asked for";
		case SC_JWS_LENGTH:
			return "the signature does not have the length that this key's signatures have";
		case SC_JWS_BAD_SIGNATURE:
			return "the signature does not verify";
		case SC_JWS_NO_MEMORY:
			return "out of memory";
		case SC_JWS_INTERNAL:
			return "a cryptographic library failed";
	}
	return "unknown reason";
}

/* what the header's visitor gathers */
typedef struct Gathered
{
	ScJws	   *jws;
	bool		has_alg;
	ScJwsReason reason;
} Gathered;

/* remembers which member was refused, and why; false ends the visit */
static bool
refuse(Gathered *g, ScJwsReason reason, const char *name)
{
	g->reason = reason;
	g->jws->refused = name;
	return false;
}

/* copies a string member */
static bool
take_text(Gathered *g, char *out, bool *has, const char *name, const ScHeaderMember *member)
{
	if (!member->is_string || member->too_long || member->textlen == 0)
		return refuse(g, SC_JWS_MEMBER, name);
	memcpy(out, member->text, member->textlen + 1);
	*has = true;
	return true;
}

/* the certificate's hash */
static bool
take_x5t(Gathered *g, const ScHeaderMember *member)
{
	size_t		n;

	if (!member->is_string ||
		!sc_text_base64url(g->jws->x5t.bytes, SC_HASH_LEN, &n, member->text, member->textlen) || n != SC_HASH_LEN)
		return refuse(g, SC_JWS_MEMBER, "x5t#S256");
	g->jws->has_x5t = true;
	return true;
}

static bool
visit_member(void *state, const ScHeaderMember *member)
{
	static const char *const forbidden[] = {"crit", "b64", "jwk", "jku", "x5u", "x5c"};
	Gathered   *g = state;

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
	{
		if (strcmp(member->name, forbidden[i]) == 0)
			return refuse(g, SC_JWS_FORBIDDEN, forbidden[i]);
	}
	if (strcmp(member->name, "alg") == 0)
		return take_text(g, g->jws->alg, &g->has_alg, "alg", member);
	if (strcmp(member->name, "typ") == 0)
		return take_text(g, g->jws->typ, &g->jws->has_typ, "typ", member);
	if (strcmp(member->name, "kid") == 0)
		return take_text(g, g->jws->kid, &g->jws->has_kid, "kid", member);
	if (strcmp(member->name, "x5t#S256") == 0)
		return take_x5t(g, member);
	return true;				/* RFC 7515 section 4: what is not understood is ignored */
}

/* the kind of key that an algorithm is for */
static ScJwsReason
judge_alg(ScJws *jws)
{
	if (strcmp(jws->alg, "EdDSA") == 0 || strcmp(jws->alg, "Ed25519") == 0)
		jws->kind = SC_KIND_ED25519;
	else if (strcmp(jws->alg, "ES256") == 0)
		jws->kind = SC_KIND_P256;
	else if (strcmp(jws->alg, "PS256") == 0)
		jws->kind = SC_KIND_RSA;
	else if (strcmp(jws->alg, "none") == 0)
		return SC_JWS_ALG_NONE;
	else
		return SC_JWS_ALG_UNSUPPORTED;
	return SC_JWS_OK;
}

/* decodes and reads the protected header */
static ScJwsReason
parse_header(ScJws *out)
{
	uint8_t		json[SC_JWS_HEADER_MAX];
	Gathered	g = {out, false, SC_JWS_OK};
	size_t		n;

	if (out->header64len > HEADER64_MAX)
		return SC_JWS_TOO_LARGE;
	if (out->header64len == 0 || !sc_text_base64url(json, sizeof(json), &n, out->header64, out->header64len))
		return SC_JWS_BASE64;
	switch (sc_jws_header_read((const char *) json, n, visit_member, &g))
	{
		case SC_HEADER_OK:
			break;
		case SC_HEADER_DUPLICATE:
			return SC_JWS_DUPLICATE;
		case SC_HEADER_TOO_LARGE:
			return SC_JWS_TOO_LARGE;
		case SC_HEADER_NOT_JSON:
			return SC_JWS_HEADER;
	}
	if (g.reason != SC_JWS_OK)
		return g.reason;
	return g.has_alg ? judge_alg(out) : SC_JWS_ALG_MISSING;
}

/* decodes the signature, the text's last part */
static ScJwsReason
parse_signature(ScJws *out, const char *text, size_t len)
{
	if (len > 0 && memchr(text, '.', len) != NULL)
		return SC_JWS_PARTS;
	if (len > SIGNATURE64_MAX)
		return SC_JWS_TOO_LARGE;
	if (!sc_text_base64url(out->signature, sizeof(out->signature), &out->siglen, text, len))
		return SC_JWS_BASE64;
	return SC_JWS_OK;
}

ScJwsReason
sc_jws_parse(ScJws *out, const char *text, size_t len)
{
	const char *dot = len > 0 ? memchr(text, '.', len) : NULL;
	ScJwsReason reason;
	size_t		rest;

	memset(out, 0, offsetof(ScJws, signature));
	out->siglen = 0;
	if (dot == NULL)
		return SC_JWS_PARTS;
	out->header64 = text;
	out->header64len = (size_t) (dot - text);
	rest = len - out->header64len - 1;
	if (rest == 0 || memchr(dot + 1, '.', rest) == NULL)
		return SC_JWS_PARTS;
	if (dot[1] != '.')
		return SC_JWS_NOT_DETACHED;
	reason = parse_signature(out, dot + 2, rest - 1);
	return reason == SC_JWS_OK ? parse_header(out) : reason;
}

ScJwsReason
sc_jws_parse_next(ScJws *jws, const char *text, size_t len)
{
	size_t		n = jws->header64len;

	if (n == 0 || len <= n + 2 || text[n] != '.' || text[n + 1] != '.' || memcmp(text, jws->header64, n) != 0)
		return sc_jws_parse(jws, text, len);
	jws->header64 = text;
	return parse_signature(jws, text + n + 2, len - n - 2);
}

void
sc_jws_signing_input(ScBuf *buf, const char *header64, size_t header64len, const void *payload, size_t len)
{
	sc_buf_append(buf, header64, header64len);
	sc_buf_char(buf, '.');
	sc_buf_base64url(buf, payload, len);
}

ScJwsReason
sc_jws_verify(const ScJws *jws, ScVerifier *key, const char *typ, const void *payload, size_t len)
{
	ScBuf		input = SC_BUF_INIT;
	ScStatus	status;

	if (jws->kind != sc_verifier_kind(key))
		return SC_JWS_ALG_MISMATCH;
	if (typ && (!jws->has_typ || strcmp(jws->typ, typ) != 0))
		return SC_JWS_TYP;
	sc_jws_signing_input(&input, jws->header64, jws->header64len, payload, len);
	if (input.failed)
		status = SC_NO_MEMORY;
	else
		status = sc_verifier_check(key, input.data, input.len, jws->signature, jws->siglen);
	sc_buf_free(&input);
	switch (status)
	{
		case SC_OK:
			return SC_JWS_OK;
		case SC_RANGE:
			return SC_JWS_LENGTH;
		case SC_BAD_SIGNATURE:
			return SC_JWS_BAD_SIGNATURE;
		case SC_NO_MEMORY:
			return SC_JWS_NO_MEMORY;
		default:
			return SC_JWS_INTERNAL;
	}
}

/* whether kid is this hash, in hex or base64url */
static bool
kid_is_hash(const char *kid, const ScHash *hash)
{
	ScHash		given;
	size_t		len = strlen(kid);
	size_t		n;

	if (sc_text_hex(given.bytes, SC_HASH_LEN, kid, len))
		return memcmp(given.bytes, hash->bytes, SC_HASH_LEN) == 0;
	return sc_text_base64url(given.bytes, SC_HASH_LEN, &n, kid, len) && n == SC_HASH_LEN &&
		memcmp(given.bytes, hash->bytes, SC_HASH_LEN) == 0;
}

bool
sc_jws_names_key(const ScJws *jws, const ScMemberKey *key, const char *name)
{
	if (jws->has_x5t &&
		(!key->from_certificate || memcmp(jws->x5t.bytes, key->certificate_hash.bytes, SC_HASH_LEN) != 0))
		return false;
	if (!jws->has_kid)
		return true;
	return (name && strcmp(jws->kid, name) == 0) || kid_is_hash(jws->kid, &key->thumbprint) ||
		kid_is_hash(jws->kid, &key->jwk_thumbprint);
}

void
sc_jws_payload_hash(ScHash *out, const void *payload, size_t len)
{
	sc_hash_bytes(out, payload, len);
}
