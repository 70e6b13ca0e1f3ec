/*
 * journal_vacuum.h
 *	  Keeping the journal short.
 */
#ifndef SC_SEAL_JOURNAL_VACUUM_H
#define SC_SEAL_JOURNAL_VACUUM_H

#include "postgres.h"

/* journal rows that a block has taken */
extern void sc_journal_count_dead(bool copied, int64 rows);

/* vacuums a journal when enough of its rows are dead; outside a transaction */
extern void sc_journal_vacuum(void);

#endif							/* SC_SEAL_JOURNAL_VACUUM_H */
