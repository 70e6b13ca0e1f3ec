/*
 * journal_index.h
 *	  The index of a chain's waiting runs, for the files that take leaves from the journal.
 */
#ifndef SC_SEAL_JOURNAL_INDEX_H
#define SC_SEAL_JOURNAL_INDEX_H

#include "access/htup.h"
#include "ledger/journal.h"
#include "ledger/journal_table.h"
#include "seal/journal_read.h"
#include "utils/relcache.h"

/* where a run stands */
typedef struct ScRunRef
{
	int64		first_seq;
	ItemPointerData tid;		/* of the journal row */
	uint16		offset;			/* of the run's header in it */
	uint16		count;			/* 0: it has been taken */
	bool		copied;			/* in which journal */
} ScRunRef;

/* both journals, opened */
typedef struct ScJournals
{
	Relation	rels[SC_JOURNALS];	/* by ScRunRef.copied */
} ScJournals;

extern void sc_journals_open(ScJournals *journals);
extern void sc_journals_close(ScJournals *journals);

/* order of places: as the journals are stored */
extern int	sc_run_place_compare(const ScRunRef *left, const ScRunRef *right);

/* do they stand in the same journal row? */
extern bool sc_run_same_row(const ScRunRef *left, const ScRunRef *right);

struct ScJournalIndex
{
	int32		chain_id;
	int64		nruns;
	int64		capacity;
	int64		next;			/* first run not taken yet */
	bool		sorted;
	bool		stale;			/* positions may have changed, or runs were left out */
	ScRunRef   *runs;
};

/* reads the run header at an offset; false when the bytes cannot be one */
extern bool sc_journal_run_parse(ScJournalRun *run, const char *data, Size len, Size offset);

/* copies entries from..to - 1 of a run out */
extern void sc_journal_run_copy(ScSealLeaf *out, const ScJournalRun *run, const char *entries, int from, int to);

/* brings the runs into the order of their numbers */
extern void sc_journal_index_sort(ScJournalIndex *index);

/* adds the runs of a journal row; false when it cannot be understood */
extern bool sc_journal_index_row(ScJournalIndex *index, HeapTuple tuple, Relation rel, bool copied);

/* a journal row that keeps what was not taken */
extern HeapTuple sc_journal_rest_tuple(Relation rel, int32 chain_id, const char *rest, Size restlen);

#endif							/* SC_SEAL_JOURNAL_INDEX_H */
