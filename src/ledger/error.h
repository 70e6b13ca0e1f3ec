/*
 * error.h
 *	  From the answers of core and sign to errors of the server.
 */
#ifndef SC_LEDGER_ERROR_H
#define SC_LEDGER_ERROR_H

#include "postgres.h"

#include "core/status.h"

/* errcode of a status other than SC_OK */
extern int	sc_status_errcode(ScStatus status);

/*
 * Raises an error for a status other than SC_OK, returns otherwise.  `what`
 * is the thing read, with its article left out: "checkpoint", "receipt",
 * "key file \"...\"".  For SC_IO errno must still be the failed call's.
 */
extern void sc_status_report(ScStatus status, const char *what);

#endif							/* SC_LEDGER_ERROR_H */
