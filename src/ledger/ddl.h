/*
 * ddl.h
 *	  The hooks through which the ledger room watches DDL and statements.
 */
#ifndef SC_LEDGER_DDL_H
#define SC_LEDGER_DDL_H

#include "postgres.h"

#include "utils/relcache.h"

/* installs the hooks; from _PG_init */
extern void sc_ddl_init(void);

/* registry and chain learn of every relation that was created or altered since the last call */
extern void sc_ddl_finish(void);

/* true while a relation waits for that: then an insert must ask sc_ddl_before_insert */
extern bool sc_ddl_waiting;

/*
 * Before a row is inserted into a registered ledger table: when the table was
 * altered, its new columns join first; errors when the altering command is
 * still running (a function called by it inserts).
 */
extern void sc_ddl_before_insert(Relation rel);


#endif							/* SC_LEDGER_DDL_H */
