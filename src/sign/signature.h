/*
 * signature.h
 *	  The two signature algorithms that verifiers of notes need, without their notes.
 */
#ifndef SC_SIGN_SIGNATURE_H
#define SC_SIGN_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

#define SC_ED25519_KEY_LEN 32
#define SC_ED25519_SIGNATURE_LEN 64

/* Ed25519 (RFC 8032): SC_OK or SC_BAD_SIGNATURE */
extern SC_WARN_UNUSED ScStatus sc_signature_verify_ed25519(const uint8_t *key, size_t keylen,
														   const void *message, size_t len,
														   const uint8_t *signature, size_t siglen);

/*
 * ECDSA on P-256 over SHA-256; the key is a DER SubjectPublicKeyInfo, the
 * signature DER.  SC_OK, SC_BAD_SIGNATURE, SC_MALFORMED for a key that is not
 * one of these.
 */
extern SC_WARN_UNUSED ScStatus sc_signature_verify_ecdsa(const uint8_t *key, size_t keylen,
														 const void *message, size_t len,
														 const uint8_t *signature, size_t siglen);

#endif							/* SC_SIGN_SIGNATURE_H */
