/*
 * hardware_key.h
 *	  Keys that stay in hardware: found and used through PKCS #11, by the worker only.
 */
#ifndef SC_SEAL_HARDWARE_KEY_H
#define SC_SEAL_HARDWARE_KEY_H

#include "postgres.h"

#include "compat.h"
#include "fmgr.h"
#include "sign/key.h"

/* the key that a URI names, under a name of ours: its public half; errors with a hint */
extern void sc_hardware_key_find(ScSigningKey *out, const char *name, const char *uri);

/* makes a key that a key file names ready to sign; errors when it is not to be had, or not that key */
extern void sc_hardware_key_open(ScSigningKey *key);

/* has an open key failed, or another module been configured?  Then only another process is sure to find keys. */
extern bool sc_hardware_worn(void);

/* raises the error of the last signature that did not come about */
extern void sc_hardware_key_report(const ScSigningKey *key) SC_NORETURN;

/* the URI in an optional argument of an SQL function, "" when it is NULL; errors unless it may be used */
extern char *sc_hardware_uri_argument(FunctionCallInfo fcinfo, int n);

#endif							/* SC_SEAL_HARDWARE_KEY_H */
