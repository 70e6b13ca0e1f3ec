/*
 * own_column.h
 *	  The ledger's own columns, ledger_seq and ledger_time: their names, and what they must look like.
 */
#ifndef SC_LEDGER_OWN_COLUMN_H
#define SC_LEDGER_OWN_COLUMN_H

#include "postgres.h"

#include "compat.h"

#include "utils/relcache.h"

/* is it the name of a column that the access method fills? */
extern bool sc_own_column(const char *name);

/*
 * Errors unless the ledger table has the columns that it must have, as the
 * access method needs them: ledger_seq, and ledger_time exactly if timed.
 */
extern void sc_own_columns_check(Relation rel, bool timed);

/* the error of a table whose definition brings a column of such a name */
extern void sc_own_column_reserved(const char *relname, const char *column) SC_NORETURN;

#endif							/* SC_LEDGER_OWN_COLUMN_H */
