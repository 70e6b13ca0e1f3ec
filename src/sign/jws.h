/*
 * jws.h
 *	  Detached JSON Web Signatures: "<protected header>..<signature>" over a payload given as bytes.
 *
 * The registered key decides the algorithm; the header must say the same.
 * What the header says of keys only chooses among the keys of the signer whom
 * the caller already knows.
 */
#ifndef SC_SIGN_JWS_H
#define SC_SIGN_JWS_H

#include "core/buf.h"
#include "sign/jws_header.h"
#include "sign/pubkey.h"

#define SC_JWS_SIGNATURE_MAX (SC_RSA_BITS_MAX / 8)
#define SC_JWS_TYP_ROW "seoulchain-row+jws"

typedef enum ScJwsReason
{
	SC_JWS_OK = 0,
	SC_JWS_TOO_LARGE,			/* header or signature is over its limit */
	SC_JWS_PARTS,				/* not three parts with two dots */
	SC_JWS_NOT_DETACHED,		/* the payload stands in it */
	SC_JWS_BASE64,				/* header or signature is not canonical base64url */
	SC_JWS_HEADER,				/* the header is not a JSON object */
	SC_JWS_DUPLICATE,			/* a header member stands twice */
	SC_JWS_FORBIDDEN,			/* crit, b64, jwk, jku, x5u, x5c; `refused` names it */
	SC_JWS_MEMBER,				/* alg, typ, kid or x5t#S256 has the wrong form; `refused` names it */
	SC_JWS_ALG_MISSING,
	SC_JWS_ALG_NONE,
	SC_JWS_ALG_UNSUPPORTED,		/* not EdDSA, Ed25519, ES256 or PS256; `alg` tells */
	SC_JWS_ALG_MISMATCH,		/* not the algorithm of the registered key */
	SC_JWS_TYP,					/* typ is missing or another */
	SC_JWS_LENGTH,				/* a signature by this kind of key has another length */
	SC_JWS_BAD_SIGNATURE,
	SC_JWS_NO_MEMORY,
	SC_JWS_INTERNAL
} ScJwsReason;

/* what a JWS says of itself; points into the text that was parsed */
typedef struct ScJws
{
	const char *header64;		/* the protected header as it was signed */
	size_t		header64len;
	ScKeyKind	kind;			/* the kind of key that alg asks for */
	char		alg[SC_JWS_TEXT_MAX + 1];
	bool		has_typ;
	char		typ[SC_JWS_TEXT_MAX + 1];
	bool		has_kid;
	char		kid[SC_JWS_TEXT_MAX + 1];
	bool		has_x5t;
	ScHash		x5t;			/* x5t#S256 */
	const char *refused;		/* name of the member that was refused, or NULL */
	uint8_t		signature[SC_JWS_SIGNATURE_MAX];
	size_t		siglen;
} ScJws;

/* takes it apart; says nothing of who signed */
extern SC_WARN_UNUSED ScJwsReason sc_jws_parse(ScJws *out, const char *text, size_t len);

/*
 * The same where many have one header: jws was parsed before, and what its
 * header64 points to is still there; a text with the same header is read from
 * its signature on.
 */
extern SC_WARN_UNUSED ScJwsReason sc_jws_parse_next(ScJws *jws, const char *text, size_t len);

/* checks a parsed one; typ NULL takes any */
extern SC_WARN_UNUSED ScJwsReason sc_jws_verify(const ScJws *jws, ScVerifier *key, const char *typ,
												const void *payload, size_t len);

/* one phrase for each reason, without period */
extern const char *sc_jws_reason_text(ScJwsReason reason);

/*
 * Whether this key may be the one that kid and x5t#S256 mean: kid is the key's
 * own name (NULL: none), the base64url of its RFC 7638 thumbprint, or the hex or
 * base64url of its SHA-256 thumbprint; x5t#S256 its certificate.  Without
 * either every key may.
 */
extern bool sc_jws_names_key(const ScJws *jws, const ScMemberKey *key, const char *name);

/* a payload counts as used by signer and this hash, never by signature bytes, which can be altered */
extern void sc_jws_payload_hash(ScHash *out, const void *payload, size_t len);

/* appends what a signer signs: base64url(header) "." base64url(payload) */
extern void sc_jws_signing_input(ScBuf *buf, const char *header64, size_t header64len, const void *payload, size_t len);

#endif							/* SC_SIGN_JWS_H */
