/*
 * pubkey.h
 *	  Public keys that members register: Ed25519, P-256, RSA; in one form each.
 *
 * A key is known by the SHA-256 of its DER SubjectPublicKeyInfo, so each key
 * has one encoding here and every other is refused or brought into it.
 */
#ifndef SC_SIGN_PUBKEY_H
#define SC_SIGN_PUBKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/hash.h"
#include "core/status.h"

#define SC_RSA_BITS_MIN 2048
#define SC_RSA_BITS_MAX 8192
#define SC_SPKI_MAX 1100
#define SC_PUBKEY_INPUT_MAX 65536

typedef enum ScKeyKind
{
	SC_KIND_ED25519 = 1,		/* EdDSA */
	SC_KIND_P256 = 2,			/* ES256 */
	SC_KIND_RSA = 3				/* PS256 */
} ScKeyKind;

typedef enum ScPubkeyReason
{
	SC_PUBKEY_OK = 0,
	SC_PUBKEY_NOT_A_KEY,		/* neither 32 raw bytes, PEM, SubjectPublicKeyInfo nor certificate */
	SC_PUBKEY_TRAILING,			/* something stands behind it, or before */
	SC_PUBKEY_PRIVATE,			/* a private key: it has just been shown to the database */
	SC_PUBKEY_ALGORITHM,		/* another algorithm or curve */
	SC_PUBKEY_FORM,				/* a compressed point, explicit curve parameters, not DER */
	SC_PUBKEY_POINT,			/* a point that is not on the curve, or of small order */
	SC_PUBKEY_WEAK,				/* RSA under 2048 bits, or an exponent under 65537 or even */
	SC_PUBKEY_TOO_LARGE,		/* RSA over 8192 bits, an exponent over 64 bits, too many bytes */
	SC_PUBKEY_NO_MEMORY
} ScPubkeyReason;

typedef struct ScMemberKey
{
	ScKeyKind	kind;
	int			bits;			/* of an RSA modulus; 256 for the others */
	uint8_t		spki[SC_SPKI_MAX];	/* DER SubjectPublicKeyInfo */
	size_t		spkilen;
	ScHash		thumbprint;		/* SHA-256 of spki */
	ScHash		jwk_thumbprint; /* RFC 7638: what JOSE libraries like to use as kid */
	bool		from_certificate;
	ScHash		certificate_hash;	/* SHA-256 of its DER: what x5t#S256 names */
} ScMemberKey;

/* 32 raw bytes (Ed25519), PEM or DER, of a public key or of a certificate whose key is taken unjudged (x509.h judges) */
extern SC_WARN_UNUSED ScPubkeyReason sc_pubkey_parse(ScMemberKey *out, const void *data, size_t len);
extern const char *sc_pubkey_reason_text(ScPubkeyReason reason);
extern const char *sc_key_kind_name(ScKeyKind kind);	/* "Ed25519", "P-256", "RSA" */

/* a key made ready for many verifications; not to be shared between threads */
typedef struct ScVerifier ScVerifier;

/*
 * From the spki that sc_pubkey_parse gave and a register kept; SC_MALFORMED
 * when it is none, SC_NO_MEMORY.  That an Ed25519 point has the right order was
 * checked then and is not checked again.
 */
extern SC_WARN_UNUSED ScStatus sc_verifier_open(ScVerifier **out, const uint8_t *spki, size_t len);

/* the same in place of the key before, which is cheap from Ed25519 to Ed25519 and P-256 to P-256; closed and NULL on failure */
extern SC_WARN_UNUSED ScStatus sc_verifier_switch(ScVerifier **verifier, const uint8_t *spki, size_t len);
extern void sc_verifier_close(ScVerifier *verifier);
extern ScKeyKind sc_verifier_kind(const ScVerifier *verifier);

/*
 * JWS's form of a signature: 64 bytes for Ed25519, r||s of 64 bytes for P-256,
 * as many bytes as the modulus has for RSA (PSS, SHA-256, MGF1 with SHA-256,
 * salt of 32 bytes).  SC_OK, SC_RANGE for another length, SC_BAD_SIGNATURE, SC_INTERNAL.
 */
extern SC_WARN_UNUSED ScStatus sc_verifier_check(ScVerifier *verifier, const void *message, size_t len,
												 const uint8_t *signature, size_t siglen);

#endif							/* SC_SIGN_PUBKEY_H */
