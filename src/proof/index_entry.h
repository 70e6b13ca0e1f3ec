/*
 * index_entry.h
 *	  Index entries and the rows they should be for, as pairs to compare.
 */
#ifndef SC_PROOF_INDEX_ENTRY_H
#define SC_PROOF_INDEX_ENTRY_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "proof/fault.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/resowner.h"
#include "utils/snapshot.h"
#include "utils/tuplesort.h"

/* (tid, digest of the key values, ledger_seq) sorted by tid */
typedef struct ScEntries
{
	Tuplesortstate *sort;
	TupleTableSlot *put;
	TupleTableSlot *slot;
	ResourceOwner owner;
	bool		ended;
	int64		tid;			/* the entry at hand: block << 16 | offset */
	int64		digest;
	int64		ledger_seq;
} ScEntries;

extern ScEntries *sc_entries_begin(void);
extern void sc_entries_put(ScEntries *entries, const ItemPointerData *tid, int64 digest, int64 ledger_seq);
extern void sc_entries_sort(ScEntries *entries);
extern void sc_entries_next(ScEntries *entries);
extern void sc_entries_end(ScEntries *entries);

/* digest of key values as an index stores them: equal images give equal digests */
extern int64 sc_entry_digest(const Datum *values, const bool *nulls, TupleDesc tupdesc);

/* one index under examination */
typedef struct ScIndexCheck
{
	Relation	heap;
	Relation	index;
	Snapshot	snapshot;
	ScFaults   *faults;
	const char *chain;
	int32		chain_id;
	int64		damaged;		/* faults found in this index */
	ScEntries  *found;			/* what the index has */
	ScEntries  *expected;		/* what the rows want */
} ScIndexCheck;

extern void sc_index_fault(ScIndexCheck *check, const char *word, int64 ledger_seq);

/* index_btree.c: every entry of the leaf pages, read without trust */
extern void sc_btree_entries(ScIndexCheck *check);

/* index_tids.c: every entry that a scan without keys gives; the digest is 0 */
extern bool sc_scan_entries(ScIndexCheck *check);

/* index_probe.c: looks every row up by its own key values through the index */
typedef struct ScProbe ScProbe;
extern ScProbe *sc_probe_begin(ScIndexCheck *check);	/* NULL when the index has no equality */
extern bool sc_probe_finds(ScProbe *probe, const Datum *values, const bool *nulls, const ItemPointerData *tid);
extern void sc_probe_end(ScProbe *probe);

#endif							/* SC_PROOF_INDEX_ENTRY_H */
