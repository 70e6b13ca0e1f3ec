/*
 * settings.h
 *	  Settings of the ledger room, and what a database must be like to hold ledger tables.
 */
#ifndef SC_LEDGER_SETTINGS_H
#define SC_LEDGER_SETTINGS_H

#include "postgres.h"

#include "sign/profile.h"

/* the chain that the first ledger table of a database begins unless told otherwise */
#define SC_DEFAULT_CHAIN "main"

/* seoulchain.default_chain: the chain that CREATE TABLE ... USING ledger joins */
extern char *sc_default_chain;

/* seoulchain.restore: a dump is being loaded, nothing is recorded */
extern bool sc_restore;

/* seoulchain.sign_profile: which algorithms are made and accepted, for rows, checkpoints and cosignatures alike */
extern ScProfile sc_sign_profile(void);

/* a short chain name: [a-z0-9_-]+, at most 63 bytes, not "witness" */
extern bool sc_chain_name_ok(const char *name);

/* errors unless the database is UTF8 */
extern void sc_require_encoding(void);

/* defines the settings; from _PG_init */
extern void sc_settings_init(void);

#endif							/* SC_LEDGER_SETTINGS_H */
