/*
 * reconcile.h
 *	  After a DDL command: registry and chain learn what changed about a ledger table.
 */
#ifndef SC_LEDGER_RECONCILE_H
#define SC_LEDGER_RECONCILE_H

#include "postgres.h"

#include "ledger/registry.h"

/*
 * Compares a relation that a command created or altered with the registry:
 * new ledger tables join, new columns join, renames are recorded, and what
 * must not have changed is refused.  old_name is "schema.table" before the
 * command, NULL for a new relation; was_ledger tells what its access method
 * was.  Nothing happens for other relations.
 */
extern void sc_reconcile(Oid relid, const char *old_name, bool was_ledger);

/*
 * Errors unless the columns of a table of a closed chain are those that the
 * registry knows, by name: a copy is not altered before its chain is opened.
 */
extern void sc_reconcile_closed(const ScLedgerTable *table);

/* a ledger table is about to be dropped: the chain is told */
extern void sc_reconcile_drop(Oid relid);

#endif							/* SC_LEDGER_RECONCILE_H */
