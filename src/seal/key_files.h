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

#include "seal/hardware_key.h"
#include "sign/key.h"
#include "sign/memory.h"
#include "utils/guc.h"

/* what a key is for */
typedef enum ScKeyRole
{
	SC_ROLE_LOG,				/* a chain's checkpoints; its name is the origin */
	SC_ROLE_COSIGNER,			/* the node's word on them; its name is the node's */
	SC_ROLE_WITNESS				/* that a log's checkpoints are consistent; its name is the node's and /witness */
} ScKeyRole;

/* GUC check hook: refuses a directory inside the data directory */
extern bool sc_key_directory_check(char **newval, void **extra, GucSource source);

/* is `path`, links resolved, the data directory or below it? */
extern bool sc_inside_data_directory(const char *path);

/* the directory of this database's keys, checked; made when `create`; errors with a hint */
extern char *sc_key_directory(bool create);

/* a verifier key as text, palloc'd, and back; errors */
extern char *sc_key_text(const ScVerifierKey *key);
extern void sc_key_parse(ScVerifierKey *out, const char *text);

/* reads the file of that key; errors with a hint when it is missing, lax, damaged or another key */
extern void sc_key_file_load(ScSigningKey *out, ScKeyRole role, const ScVerifierKey *wanted);

/*
 * Makes the name's first key as the profile wants it, or takes the one in
 * hardware that the URI ("" for none) names, or finds one of an attempt
 * before that has never signed; its verifier key in C2SP form, palloc'd.
 */
extern char *sc_key_file_make(ScKeyRole role, const char *name, const char *uri);

/* the same for a key that is to follow the name's present one */
extern char *sc_key_file_make_next(ScKeyRole role, const char *name, const char *uri);

/* signing memory of an origin; false when there is none */
extern bool sc_memory_load(ScSigned *out, const char *origin);
/* writes the entry if the origin's is still `before` (NULL: none); else an error: another server signs */
extern void sc_memory_store(const ScSigned *before, const ScSigned *entry);

/* the same of what was cosigned as a public witness, in a file of its own */
extern bool sc_witness_memory_load(ScSigned *out, const char *origin);
extern void sc_witness_memory_store(const ScSigned *before, const ScSigned *entry);

/* "none", or the entry as text, for events and messages; palloc'd */
extern char *sc_memory_text(const ScSigned *entry, bool found);

#endif							/* SC_SEAL_KEY_FILES_H */
