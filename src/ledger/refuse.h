/*
 * refuse.h
 *	  The refusals of a ledger table, in one place so that their words agree.
 */
#ifndef SC_LEDGER_REFUSE_H
#define SC_LEDGER_REFUSE_H

#include "postgres.h"

#include "compat.h"

#include "utils/relcache.h"

/* ERROR: ledger table "x" is append-only, DETAIL: <command> was refused. */
extern void sc_refuse(const char *relname, const char *command, const char *hint) SC_NORETURN;

/* UPDATE, DELETE, ... on a ledger table: hint is to insert a correcting row */
extern void sc_refuse_change(Relation rel, const char *command) SC_NORETURN;

/*
 * For the callback that gives a relation new, empty storage: refuses (TRUNCATE)
 * when the relation exists already, returns when it is just being created.
 */
extern void sc_refuse_new_storage(Relation rel);

/* TRUNCATE: refused, but for an empty table while a dump is loaded */
extern void sc_refuse_truncate(Oid relid);

/* may rows be loaded with their ledger_seq?  Not into tables of an open chain, where rows come by recording only */
extern bool sc_restore_allows(Oid relid);

/* the relation as a literal that a command in a hint can take: quoted, with its schema where that is needed */
extern char *sc_refuse_literal(Oid relid);

#endif							/* SC_LEDGER_REFUSE_H */
