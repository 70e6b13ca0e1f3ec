/*
 * refresh.h
 *	  New place hints after a table was rewritten.
 */
#ifndef SC_SEAL_REFRESH_H
#define SC_SEAL_REFRESH_H

#include "postgres.h"

/* sets the ledger room's hook */
extern void sc_refresh_init(void);

#endif							/* SC_SEAL_REFRESH_H */
