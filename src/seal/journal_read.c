/*
 * journal_read.c
 *	  What waits in the journal of a chain, in the order of ledger_seq, a block at a time.
 *
 * Invariant: a block takes the lowest numbers of what its index saw, so of
 * two leaves that one snapshot shows, the one with the lower ledger_seq is
 * never sealed later.  Everything that committed after the index was made
 * waits for the next index, and so comes later too.
 *
 * A journal row is deleted in the transaction that takes it; of a row that
 * is taken in part, the rest is written back as a new row in the same
 * transaction.  Memory: 24 bytes a run, SC_INDEX_RUNS_MAX runs, beyond which
 * the highest numbers are left to the next index; the leaves of one block.
 *
 * Context: the chain's sealing lock.
 */
#include "postgres.h"

#include "compat.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "ledger/journal.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "seal/internal_scan.h"
#include "seal/journal_index.h"
#include "seal/journal_read.h"
#include "seal/journal_vacuum.h"
#include "seal/reject.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define SC_INDEX_RUNS_MAX (4 * 1024 * 1024)

/* a run chosen for a block */
typedef struct Chosen
{
	ScRunRef		ref;
	int64		out;			/* where its leaves go */
} Chosen;

static int
compare_seq(const void *a, const void *b)
{
	const ScRunRef *left = a;
	const ScRunRef *right = b;

	if (left->first_seq != right->first_seq)
		return left->first_seq < right->first_seq ? -1 : 1;
	return ItemPointerCompare(unconstify(ItemPointerData *, &left->tid),
							  unconstify(ItemPointerData *, &right->tid));
}

static int
compare_place(const void *a, const void *b)
{
	return sc_run_place_compare(&((const Chosen *) a)->ref, &((const Chosen *) b)->ref);
}

int
sc_run_place_compare(const ScRunRef *left, const ScRunRef *right)
{
	int			order;

	if (left->copied != right->copied)
		return left->copied ? 1 : -1;
	order = ItemPointerCompare(unconstify(ItemPointerData *, &left->tid), unconstify(ItemPointerData *, &right->tid));
	return order != 0 ? order : (int) left->offset - (int) right->offset;
}

bool
sc_run_same_row(const ScRunRef *left, const ScRunRef *right)
{
	return left->copied == right->copied && ItemPointerEquals(unconstify(ItemPointerData *, &left->tid),
															  unconstify(ItemPointerData *, &right->tid));
}

void
sc_journals_open(ScJournals *journals)
{
	for (int copied = 0; copied < SC_JOURNALS; copied++)
		journals->rels[copied] = sc_internal_open(sc_journal_name(copied), RowExclusiveLock);
}

void
sc_journals_close(ScJournals *journals)
{
	for (int copied = 0; copied < SC_JOURNALS; copied++)
		table_close(journals->rels[copied], NoLock);
}

bool
sc_journal_run_parse(ScJournalRun *run, const char *data, Size len, Size offset)
{
	if (len - offset < sizeof(ScJournalRun))
		return false;
	memcpy(run, data + offset, sizeof(ScJournalRun));
	return run->version == SC_JOURNAL_VERSION && run->count > 0 &&
		run->first_seq > 0 && run->first_seq <= PG_INT64_MAX - run->count - 1 &&
		run->offset + run->count <= PG_UINT16_MAX &&
		(len - offset - sizeof(ScJournalRun)) / SC_JOURNAL_ENTRY_LEN >= run->count;
}

/* cuts to the limit, too */
void
sc_journal_index_sort(ScJournalIndex *index)
{
	if (!index->sorted)
		qsort(index->runs, index->nruns, sizeof(ScRunRef), compare_seq);
	index->sorted = true;
	if (index->nruns > SC_INDEX_RUNS_MAX)
	{
		index->nruns = SC_INDEX_RUNS_MAX;
		index->stale = true;
	}
}

/* adds a run */
static void
index_add(ScJournalIndex *index, const ScJournalRun *run, ItemPointer tid, Size offset, bool copied)
{
	ScRunRef   *ref;

	if (index->nruns == 2 * SC_INDEX_RUNS_MAX)
		sc_journal_index_sort(index);
	if (index->nruns == index->capacity)
	{
		index->capacity *= 2;
		index->runs = repalloc_huge(index->runs, index->capacity * sizeof(ScRunRef));
	}
	ref = &index->runs[index->nruns++];
	ref->first_seq = run->first_seq;
	ref->tid = *tid;
	ref->offset = (uint16) offset;
	ref->count = run->count;
	ref->copied = copied;
	if (index->nruns > 1 && ref[-1].first_seq > ref->first_seq)
		index->sorted = false;
}

/* adds the runs of a journal row; false when it cannot be understood */
static bool
index_row(ScJournalIndex *index, HeapTuple tuple, const char *data, Size len, bool copied)
{
	ScJournalRun run;
	Size		offset;

	if (len == 0 || len > BLCKSZ)
		return false;
	for (offset = 0; offset < len; offset += sizeof(run) + run.count * SC_JOURNAL_ENTRY_LEN)
		if (!sc_journal_run_parse(&run, data, len, offset))
			return false;
	for (offset = 0; offset < len; offset += sizeof(run) + run.count * SC_JOURNAL_ENTRY_LEN)
	{
		(void) sc_journal_run_parse(&run, data, len, offset);
		index_add(index, &run, &tuple->t_self, offset, copied);
	}
	return true;
}

bool
sc_journal_index_row(ScJournalIndex *index, HeapTuple tuple, Relation rel, bool copied)
{
	bytea	   *entries = DatumGetByteaPP(sc_internal_attr(tuple, SC_JOURNAL_ATTR_ENTRIES, rel));

	return index_row(index, tuple, VARDATA_ANY(entries), VARSIZE_ANY_EXHDR(entries), copied);
}

/* adds a journal row of the chain; what cannot be understood is set aside */
static void
scan_row(ScJournalIndex *index, HeapTuple tuple, Relation rel, bool copied)
{
	CHECK_FOR_INTERRUPTS();
	if (sc_journal_index_row(index, tuple, rel, copied))
		return;
	sc_reject_entries(index->chain_id, DatumGetByteaPP(sc_internal_attr(tuple, SC_JOURNAL_ATTR_ENTRIES, rel)),
					  "journal entry that cannot be read");
	simple_heap_delete(rel, &tuple->t_self);
}

/* looks through the journal of own chains: whole, it is short */
static void
scan_own(ScJournalIndex *index, Snapshot snapshot)
{
	Relation	rel = sc_internal_open(sc_journal_name(false), RowExclusiveLock);
	TableScanDesc scan = table_beginscan_strat(rel, snapshot, 0, NULL, true, false);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
		if (DatumGetInt32(sc_internal_attr(tuple, SC_JOURNAL_ATTR_CHAIN_ID, rel)) == index->chain_id)
			scan_row(index, tuple, rel, false);
	table_endscan(scan);
	table_close(rel, NoLock);
}

/* looks for the chain in the journal of copies */
static void
scan_copied(ScJournalIndex *index, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;

	LockRelationOid(sc_registry_relation(sc_journal_name(true)), RowExclusiveLock);
	sc_key_int4(&key, SC_JOURNAL_ATTR_CHAIN_ID, index->chain_id);
	sc_internal_scan_begin(&scan, sc_journal_name(true), SC_JOURNAL_COPY_INDEX, snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		scan_row(index, tuple, scan.rel, true);
	sc_internal_scan_end(&scan);
}

ScJournalIndex *
sc_journal_scan(int32 chain_id, Snapshot snapshot)
{
	ScJournalIndex *index = palloc0(sizeof(ScJournalIndex));

	index->chain_id = chain_id;
	index->sorted = true;
	index->capacity = 64;
	index->runs = palloc(index->capacity * sizeof(ScRunRef));
	scan_own(index, snapshot);
	scan_copied(index, snapshot);
	sc_journal_index_sort(index);
	return index;
}

bool
sc_journal_index_used(const ScJournalIndex *index)
{
	return index->next >= index->nruns;
}

bool
sc_journal_index_stale(const ScJournalIndex *index)
{
	return index->stale;
}

/* chooses the next runs within the limits; how many, and their leaves in *nleaves */
static int64
choose_runs(const ScJournalIndex *index, int64 max_leaves, int max_ranges, int64 *nleaves)
{
	int64		nruns = 0;
	int			nranges = 0;
	int64		end = -1;

	*nleaves = 0;
	while (index->next + nruns < index->nruns)
	{
		const ScRunRef *ref = &index->runs[index->next + nruns];
		bool		new_range = ref->first_seq != end;

		if (*nleaves > 0 && *nleaves + ref->count > max_leaves)
			break;
		if (new_range && nranges == max_ranges)
			break;
		nranges += new_range;
		end = ref->first_seq + ref->count;
		*nleaves += ref->count;
		nruns++;
	}
	return nruns;
}

/* the chosen runs by their place in the journal */
static Chosen *
chosen_by_place(const ScJournalIndex *index, int64 nruns)
{
	Chosen	   *chosen = MemoryContextAllocHuge(CurrentMemoryContext, nruns * sizeof(Chosen));
	int64		out = 0;
	bool		sorted = true;

	for (int64 i = 0; i < nruns; i++)
	{
		chosen[i].ref = index->runs[index->next + i];
		chosen[i].out = out;
		out += chosen[i].ref.count;
		if (i > 0 && compare_place(&chosen[i - 1], &chosen[i]) > 0)
			sorted = false;
	}
	if (!sorted)
		qsort(chosen, nruns, sizeof(Chosen), compare_place);
	return chosen;
}

void
sc_journal_run_copy(ScSealLeaf *out, const ScJournalRun *run, const char *entries, int from, int to)
{
	for (int i = from; i < to; i++, out++)
	{
		out->seq = run->first_seq + i;
		out->table_id = run->table_id;
		sc_journal_tid(&out->tid, run, i);
		memcpy(&out->hash, entries + i * SC_JOURNAL_ENTRY_LEN, SC_JOURNAL_ENTRY_LEN);
	}
}

/*
 * Takes the chosen runs out of one journal row's bytes.  `rest` gets the
 * runs that were not chosen (*restlen bytes).  Returns how many runs it took.
 */
static int64
take_from_row(ScSealLeaf *leaves, const Chosen *chosen, int64 nchosen, const char *data, Size len,
			  char *rest, Size *restlen)
{
	int64		taken = 0;
	ScJournalRun run;

	*restlen = 0;
	for (Size offset = 0; offset < len;)
	{
		Size		runlen;

		if (!sc_journal_run_parse(&run, data, len, offset))
			return -1;
		runlen = sizeof(run) + run.count * SC_JOURNAL_ENTRY_LEN;
		if (taken < nchosen && chosen[taken].ref.offset == offset)
		{
			if (chosen[taken].ref.first_seq != run.first_seq || chosen[taken].ref.count != run.count)
				return -1;
			sc_journal_run_copy(leaves + chosen[taken].out, &run, data + offset + sizeof(run), 0, run.count);
			taken++;
		}
		else
		{
			memcpy(rest + *restlen, data + offset, runlen);
			*restlen += runlen;
		}
		offset += runlen;
	}
	return taken;
}

/* a journal row that keeps what was not taken */
HeapTuple
sc_journal_rest_tuple(Relation rel, int32 chain_id, const char *rest, Size restlen)
{
	Datum		values[2];
	bool		nulls[2] = {false};
	bytea	   *entries = palloc(VARHDRSZ + restlen);

	SET_VARSIZE(entries, VARHDRSZ + restlen);
	memcpy(VARDATA(entries), rest, restlen);
	values[SC_JOURNAL_ATTR_CHAIN_ID - 1] = Int32GetDatum(chain_id);
	values[SC_JOURNAL_ATTR_ENTRIES - 1] = PointerGetDatum(entries);
	return heap_form_tuple(RelationGetDescr(rel), values, nulls);
}

/* reads the chosen runs of one journal row; false when the row is not what the index says */
static bool
read_row(ScJournalIndex *index, const ScJournals *journals, Snapshot snapshot, ScSealLeaf *leaves,
		 const Chosen *chosen, int64 nchosen, List *rests[SC_JOURNALS])
{
	bool		copied = chosen->ref.copied;
	Relation	rel = journals->rels[copied];
	HeapTupleData tuple;
	Buffer		buffer;
	char		rest[BLCKSZ];
	Size		restlen = 0;
	bool		ok = false;

	tuple.t_self = chosen->ref.tid;
	if (ItemPointerGetBlockNumber(&tuple.t_self) >= RelationGetNumberOfBlocks(rel) ||
		!heap_fetch(rel, snapshot, &tuple, &buffer, false))
		return false;
	if (DatumGetInt32(sc_internal_attr(&tuple, SC_JOURNAL_ATTR_CHAIN_ID, rel)) == index->chain_id)
	{
		bytea	   *entries = DatumGetByteaPP(sc_internal_attr(&tuple, SC_JOURNAL_ATTR_ENTRIES, rel));

		ok = VARSIZE_ANY_EXHDR(entries) <= BLCKSZ &&
			take_from_row(leaves, chosen, nchosen, VARDATA_ANY(entries),
						  VARSIZE_ANY_EXHDR(entries), rest, &restlen) == nchosen;
	}
	ReleaseBuffer(buffer);
	if (ok && restlen > 0)
		rests[copied] = lappend(rests[copied], sc_journal_rest_tuple(rel, index->chain_id, rest, restlen));
	return ok;
}

/* runs of chosen[] that stand in the same journal row as the first */
static int64
same_row(const Chosen *chosen, int64 left)
{
	int64		n = 1;

	while (n < left && sc_run_same_row(&chosen[0].ref, &chosen[n].ref))
		n++;
	return n;
}

/* deletes the journal rows that were read, and puts back what stays of them */
static void
write_back(const ScJournals *journals, Chosen *chosen, int64 nruns, List *rests[SC_JOURNALS])
{
	ListCell   *lc;

	for (int64 i = 0; i < nruns; i += same_row(&chosen[i], nruns - i))
	{
		simple_heap_delete(journals->rels[chosen[i].ref.copied], &chosen[i].ref.tid);
		sc_journal_count_dead(chosen[i].ref.copied, 1);
	}
	for (int copied = 0; copied < SC_JOURNALS; copied++)
		foreach(lc, rests[copied])
			sc_journal_insert(journals->rels[copied], lfirst(lc), 0);
}

ScSealLeaf *
sc_journal_take(ScJournalIndex *index, Snapshot snapshot, int64 max_leaves, int max_ranges, int64 *count)
{
	ScJournals	journals;
	int64		nleaves;
	int64		nruns = choose_runs(index, max_leaves, max_ranges, &nleaves);
	Chosen	   *chosen = chosen_by_place(index, nruns);
	ScSealLeaf *leaves = MemoryContextAllocHuge(CurrentMemoryContext, Max(nleaves, 1) * sizeof(ScSealLeaf));
	List	   *rests[SC_JOURNALS] = {NIL, NIL};
	bool		ok = true;
	bool		partly;

	sc_journals_open(&journals);
	for (int64 i = 0; ok && i < nruns;)
	{
		int64		n = same_row(&chosen[i], nruns - i);

		CHECK_FOR_INTERRUPTS();
		ok = read_row(index, &journals, snapshot, leaves, &chosen[i], n, rests);
		i += n;
	}
	if (ok)
		write_back(&journals, chosen, nruns, rests);
	index->next += nruns;
	partly = rests[false] != NIL || rests[true] != NIL;
	index->stale = index->stale || !ok || partly;
	if (!ok || partly)
		index->next = index->nruns;
	*count = ok ? nleaves : 0;
	pfree(chosen);
	sc_journals_close(&journals);
	return leaves;
}

int64
sc_journal_greatest(int32 chain_id, Snapshot snapshot)
{
	ScJournalIndex *index = sc_journal_scan(chain_id, snapshot);
	int64		greatest = 0;

	for (int64 i = 0; i < index->nruns; i++)
		greatest = Max(greatest, index->runs[i].first_seq + index->runs[i].count - 1);
	pfree(index->runs);
	pfree(index);
	return greatest;
}

int64
sc_journal_least(int32 chain_id, Snapshot snapshot)
{
	ScJournalIndex *index = sc_journal_scan(chain_id, snapshot);
	int64		least = index->nruns > 0 ? index->runs[0].first_seq : 0;

	pfree(index->runs);
	pfree(index);
	return least;
}
