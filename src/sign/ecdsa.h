/*
 * ecdsa.h
 *	  ECDSA on P-256 with SHA-256: private keys as 32-byte numbers, signatures in DER.
 */
#ifndef SC_SIGN_ECDSA_H
#define SC_SIGN_ECDSA_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

#define SC_ECDSA_SECRET_LEN 32
#define SC_ECDSA_SPKI_LEN 91
#define SC_ECDSA_SIGNATURE_MAX 72

/* a random private number */
extern SC_WARN_UNUSED ScStatus sc_ecdsa_generate(uint8_t secret[SC_ECDSA_SECRET_LEN]);

/* its public key as DER SubjectPublicKeyInfo; SC_MALFORMED for a number that is none of the curve's */
extern SC_WARN_UNUSED ScStatus sc_ecdsa_public(uint8_t spki[SC_ECDSA_SPKI_LEN], const uint8_t secret[SC_ECDSA_SECRET_LEN]);

/* signs a message; spki is the secret's public key */
extern SC_WARN_UNUSED ScStatus sc_ecdsa_sign(uint8_t signature[SC_ECDSA_SIGNATURE_MAX], size_t *siglen,
											 const uint8_t secret[SC_ECDSA_SECRET_LEN],
											 const uint8_t spki[SC_ECDSA_SPKI_LEN],
											 const void *message, size_t len);

#endif							/* SC_SIGN_ECDSA_H */
