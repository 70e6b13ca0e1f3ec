/*
 * pubkey_internal.h
 *	  What the files of this room that use libcrypto share about keys; nobody else includes it.
 */
#ifndef SC_SIGN_PUBKEY_INTERNAL_H
#define SC_SIGN_PUBKEY_INTERNAL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "sign/pubkey.h"

#define SC_ED25519_RAW_LEN 32
#define SC_ED25519_PREFIX_LEN 12
#define SC_ED25519_SPKI_LEN (SC_ED25519_PREFIX_LEN + SC_ED25519_RAW_LEN)
#define SC_P256_PREFIX_LEN 27	/* with the 0x04 of an uncompressed point */
#define SC_P256_SPKI_LEN (SC_P256_PREFIX_LEN + 64)

/* what stands before the point in the one DER encoding that we take */
static const uint8_t sc_ed25519_prefix[SC_ED25519_PREFIX_LEN] = {
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00
};
static const uint8_t sc_p256_prefix[SC_P256_PREFIX_LEN] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
	0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04
};

extern bool sc_pubkey_is_p256(const EVP_PKEY *pkey);
extern ScPubkeyReason sc_pubkey_from_pkey(ScMemberKey *out, const EVP_PKEY *pkey);
extern ScPubkeyReason sc_pubkey_from_ed25519(ScMemberKey *out, const uint8_t raw[SC_ED25519_RAW_LEN]);

/* why libcrypto could not make a key of it */
extern ScPubkeyReason sc_pubkey_unreadable(X509_PUBKEY *info);

#endif							/* SC_SIGN_PUBKEY_INTERNAL_H */
