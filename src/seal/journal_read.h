/*
 * journal_read.h
 *	  What waits in the journal of a chain, in the order of ledger_seq, a block at a time.
 */
#ifndef SC_SEAL_JOURNAL_READ_H
#define SC_SEAL_JOURNAL_READ_H

#include "postgres.h"

#include "core/hash.h"
#include "storage/itemptr.h"
#include "utils/snapshot.h"

/* a leaf to be */
typedef struct ScSealLeaf
{
	int64		seq;
	int32		table_id;
	ItemPointerData tid;
	ScHash		hash;
} ScSealLeaf;

typedef struct ScJournalIndex ScJournalIndex;

/*
 * Looks through the journal: which runs of entries wait for the chain.  The
 * index lives in the current memory context and outlasts the transaction.
 * Rows that cannot be understood are moved to seoulchain.rejected.
 */
extern ScJournalIndex *sc_journal_scan(int32 chain_id, Snapshot snapshot);
/* is everything taken that it knows of? */
extern bool sc_journal_index_used(const ScJournalIndex *index);
/* does more wait than the index knows of? */
extern bool sc_journal_index_stale(const ScJournalIndex *index);

/*
 * Takes the next leaves by ledger_seq, at most max_leaves (a run more) in
 * at most max_ranges ranges, and deletes them from the journal.  The result
 * is palloc'd; *count = 0 when the index is used up, or stale: then scan again.
 */
extern ScSealLeaf *sc_journal_take(ScJournalIndex *index, Snapshot snapshot,
								   int64 max_leaves, int max_ranges, int64 *count);

/* the greatest ledger_seq that waits for the chain, 0 = none */
extern int64 sc_journal_greatest(int32 chain_id, Snapshot snapshot);

/* the lowest, 0 = none; under the chain's sealing lock */
extern int64 sc_journal_least(int32 chain_id, Snapshot snapshot);

#endif							/* SC_SEAL_JOURNAL_READ_H */
