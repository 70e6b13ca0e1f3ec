/*
 * join.h
 *	  A table joins a chain: it is registered and the chain is told.
 */
#ifndef SC_LEDGER_JOIN_H
#define SC_LEDGER_JOIN_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/relcache.h"

/*
 * Registers a ledger table that has no rows yet, checks it first; does nothing
 * when it is registered already.  Called after the creating command, or by the
 * access method at the first insert (CREATE TABLE AS inserts before its
 * command ends; a dump without rows makes tables that have not joined).  Afterwards the relation's cached row
 * format is stale.
 */
extern void sc_ledger_join(Oid relid);

/* what leaves would hold of the relation now: List of ScEventColumn *, ledger_name = column_name */
extern List *sc_ledger_present_columns(Relation rel);

/* errors unless the types of columns that are joining now are allowed; locks their enum types */
extern void sc_ledger_check_columns(const List *columns);

/* "schema.table" as it stands, not quoted; palloc'd */
extern char *sc_ledger_present_name(Relation rel);

#endif							/* SC_LEDGER_JOIN_H */
