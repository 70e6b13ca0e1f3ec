/*
 * journal.h
 *	  The bytes of seoulchain.journal.entries: what the recorder hands to the sealer.
 *
 * A value is one run or more, one behind the other without padding: a
 * ScJournalRun header and then `count` leaf hashes of SC_JOURNAL_ENTRY_LEN
 * bytes.  Leaf i of a run has ledger_seq first_seq + i and its row is the
 * tuple (block, offset + i): rows that COPY puts on one page need no TIDs of
 * their own.  Host byte order: the table never leaves the architecture.  Runs
 * are not aligned: copy headers out with memcpy.
 */
#ifndef SC_LEDGER_JOURNAL_H
#define SC_LEDGER_JOURNAL_H

#include "postgres.h"

#include "core/hash.h"
#include "storage/itemptr.h"

#define SC_JOURNAL_VERSION 1

typedef struct ScJournalRun
{
	uint16		version;		/* SC_JOURNAL_VERSION, first in every on-disk struct */
	uint16		count;			/* hashes that follow, > 0 */
	int32		table_id;		/* seoulchain.ledger.table_id; SC_TABLE_EVENTS */
	int64		first_seq;
	BlockNumber block;			/* of the rows */
	OffsetNumber offset;		/* of the first row; InvalidOffsetNumber where there is no row */
	uint16		unused;			/* 0 */
} ScJournalRun;

#define SC_JOURNAL_ENTRY_LEN SC_HASH_LEN

/* most payload bytes in one journal row: it must fit a page without TOAST */
#define SC_JOURNAL_ROW_MAX 8000
#define SC_JOURNAL_RUN_MAX ((int) ((SC_JOURNAL_ROW_MAX - sizeof(ScJournalRun)) / SC_JOURNAL_ENTRY_LEN))

/* where leaf i of a run has its row; invalid for events */
static inline void
sc_journal_tid(ItemPointer tid, const ScJournalRun *run, int i)
{
	if (run->offset == InvalidOffsetNumber)
		ItemPointerSetInvalid(tid);
	else
		ItemPointerSet(tid, run->block, run->offset + i);
}

/* table_id of events, which have no row */
#define SC_TABLE_EVENTS 0

/* attribute numbers of seoulchain.journal */
#define SC_JOURNAL_ATTR_CHAIN_ID 1
#define SC_JOURNAL_ATTR_ENTRIES 2

#endif							/* SC_LEDGER_JOURNAL_H */
