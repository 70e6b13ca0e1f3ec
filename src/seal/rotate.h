/*
 * rotate.h
 *	  Having another key follow a log key or the cosigner key.
 */
#ifndef SC_SEAL_ROTATE_H
#define SC_SEAL_ROTATE_H

#include "postgres.h"

#include "ledger/registry.h"
#include "seal/key_files.h"

/*
 * Worker: has both keys sign that one follows the other on the chain of that
 * origin; keys is "<old verifier key> <new verifier key>".  The event's object,
 * palloc'd.  Errors when either key is not to be had.
 */
extern char *sc_rotation_sign(ScKeyRole role, const char *origin, const char *keys);

/*
 * Worker: appends the signature line of a key, by its verifier key, over a
 * text: a cosignature of now where the key is of that type.  Errors, which
 * name `what`, when the key is not to be had.
 */
extern void sc_key_sign_text(ScBuf *line, ScKeyRole role, const char *key_text, const char *text, size_t len, const char *what);

/* session: asks the worker for a key, or has it sign a rotation; the answer, palloc'd */
extern char *sc_key_request(int kind, ScKeyRole role, const char *name, const char *request);

/* stores the log key that follows by a rotation whose event is recorded */
extern void sc_rotation_set_log_key(const ScChain *chain, const char *new_key);

#endif							/* SC_SEAL_ROTATE_H */
