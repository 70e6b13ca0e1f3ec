/*
 * hardware_pin.h
 *	  PINs of tokens, by the worker only.
 */
#ifndef SC_SEAL_HARDWARE_PIN_H
#define SC_SEAL_HARDWARE_PIN_H

#include "postgres.h"

#include "core/hash.h"
#include "sign/pkcs11_uri.h"

#define SC_PIN_MAX 255

/*
 * Reads the PIN from the file that the URI names; "" when it names none.
 * *hash is what this writing of it is known by.  The caller wipes the PIN.
 * Errors when the file cannot be used.
 */
extern void sc_pin_read(char pin[SC_PIN_MAX + 1], ScHash *hash, const ScPkcs11Uri *uri);

/* whether a token has refused it; notes that one has */
extern bool sc_pin_was_refused(const ScHash *pin);
extern void sc_pin_remember_refused(const ScHash *pin);

/* what helps then */
extern const char *sc_pin_hint(const ScPkcs11Uri *uri);

#endif							/* SC_SEAL_HARDWARE_PIN_H */
