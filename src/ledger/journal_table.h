/*
 * journal_table.h
 *	  The two journals: that of this node's own chains, and that of copies.
 *
 * A copy whose next block does not come, or is not right, leaves what arrives
 * of it waiting for as long as its origin likes.  So copies have a journal of
 * their own, with an index by chain: own chains are sealed, and other copies
 * integrated, without reading it.  A chain that was recovered from its peers
 * may have rows in both.
 */
#ifndef SC_LEDGER_JOURNAL_TABLE_H
#define SC_LEDGER_JOURNAL_TABLE_H

#include "postgres.h"

#include "access/htup.h"
#include "utils/relcache.h"

#define SC_JOURNALS 2			/* [false]: own chains, [true]: copies */
#define SC_JOURNAL_COPY_INDEX "journal_copy_chain"

/* the table's name in schema seoulchain */
extern const char *sc_journal_name(bool copied);

/* inserts a journal row with its index entries; needs no snapshot */
extern void sc_journal_insert(Relation journal, HeapTuple tuple, int options);

#endif							/* SC_LEDGER_JOURNAL_TABLE_H */
