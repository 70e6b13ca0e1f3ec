/*
 * key_files.h
 *	  The node's key files and signing memory: where they are, and whether they may be used.
 *
 * Only the worker reads or writes them; private keys never enter the
 * process of a session.
 */
#ifndef SC_SEAL_KEY_FILES_H
#define SC_SEAL_KEY_FILES_H

#include "postgres.h"

#include "sign/key.h"
#include "sign/memory.h"
#include "utils/guc.h"

/* GUC check hook: refuses a directory inside the data directory */
extern bool sc_key_directory_check(char **newval, void **extra, GucSource source);

/* the directory of this database's keys, checked; made when `create`; errors with a hint */
extern char *sc_key_directory(bool create);

/* reads the key of that name and type; errors with a hint when it is missing, lax or damaged */
extern void sc_key_file_load(ScSigningKey *out, const char *name, uint8 type);

/* makes the key, or finds one that has never signed; its verifier key in C2SP form, palloc'd */
extern char *sc_key_file_make(const char *name, uint8 type);

/* signing memory of an origin; false when there is none */
extern bool sc_memory_load(ScSigned *out, const char *origin);
/* writes the entry if the origin's is still `before` (NULL: none); else an error: another server signs */
extern void sc_memory_store(const ScSigned *before, const ScSigned *entry);

/* "none", or the entry as text, for events and messages; palloc'd */
extern char *sc_memory_text(const ScSigned *entry, bool found);

#endif							/* SC_SEAL_KEY_FILES_H */
