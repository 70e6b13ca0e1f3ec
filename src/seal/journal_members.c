/*
 * journal_members.c
 *	  Taking the leaves of announced blocks from the journal: exactly those, of many blocks at once.
 *
 * A copy's journal rows are written as replication applies them: what was one
 * block at the origin may be many runs here, and one run may hold the leaves
 * of many blocks.  Each journal row is read once, whatever number of blocks
 * has leaves in it; what is not taken goes back as a row that is never longer.
 *
 * Invariant: a leaf is taken or stays in the journal, in the transaction that
 * takes it; the index follows what is written, so the journal is not read
 * again for the next blocks.
 * Context: the chain's sealing lock.  Effects: rows of seoulchain.journal.
 */
#include "postgres.h"

#include "compat.h"
#include "access/heapam.h"
#include "access/table.h"
#include "miscadmin.h"
#include "seal/internal_scan.h"
#include "seal/journal_index.h"
#include "seal/journal_members.h"
#include "seal/journal_vacuum.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* no run has more entries: a row fits a page */
#define RUN_ENTRIES_MAX (BLCKSZ / SC_JOURNAL_ENTRY_LEN)

/* a range that is taken, and where its leaves go */
typedef struct Piece
{
	int64		lower;
	int64		upper;
	int64		out;
} Piece;

/* what is written back of a journal row */
typedef struct Rest
{
	char		data[BLCKSZ];
	Size		len;
} Rest;

typedef struct Take
{
	ScJournalIndex *index;
	ScJournals	journals;
	Snapshot	snapshot;
	const Piece *pieces;
	int			npieces;
	ScSealLeaf *leaves;
	int64		taken;			/* leaves */
	List	   *rests[SC_JOURNALS];	/* HeapTuple, one for each row that was taken in part */
} Take;

/* the first run that may hold a number from `seq` on */
static int64
first_candidate(const ScJournalIndex *index, int64 seq)
{
	int64		low = 0;
	int64		high = index->nruns;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (index->runs[middle].first_seq <= seq - RUN_ENTRIES_MAX)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* one range: what is missing or there twice goes to *fault */
static ScMembersState
look_range(const ScJournalIndex *index, const ScSeqRange *range, ScSeqRange *fault)
{
	ScMembersState state = SC_MEMBERS_THERE;
	int64		reached = range->lower;

	for (int64 i = first_candidate(index, range->lower); i < index->nruns; i++)
	{
		int64		first = index->runs[i].first_seq;
		int64		end = first + index->runs[i].count;

		if (first >= range->upper)
			break;
		if (end <= range->lower || first == end)
			continue;
		if (first > reached)
		{
			*fault = (ScSeqRange) {reached, first};
			return SC_MEMBERS_MISSING;
		}
		if (Max(first, range->lower) < reached && state == SC_MEMBERS_THERE)
		{
			*fault = (ScSeqRange) {Max(first, range->lower), Min(end, reached)};
			state = SC_MEMBERS_TWICE;
		}
		reached = Max(reached, end);
	}
	if (reached >= range->upper)
		return state;
	*fault = (ScSeqRange) {reached, range->upper};
	return SC_MEMBERS_MISSING;
}

ScMembersState
sc_journal_members_look(const ScJournalIndex *index, const ScSeqRange *ranges, int nranges, ScSeqRange *fault)
{
	ScMembersState state = SC_MEMBERS_THERE;

	for (int i = 0; i < nranges; i++)
	{
		ScSeqRange	found;
		ScMembersState here = look_range(index, &ranges[i], &found);

		if (here == SC_MEMBERS_MISSING || (here == SC_MEMBERS_TWICE && state == SC_MEMBERS_THERE))
		{
			state = here;
			*fault = found;
		}
		if (here == SC_MEMBERS_MISSING)
			break;
	}
	return state;
}

static int
compare_pieces(const void *a, const void *b)
{
	int64		left = ((const Piece *) a)->lower;
	int64		right = ((const Piece *) b)->lower;

	return (left > right) - (left < right);
}

/* the ranges with the places of their leaves, by number */
static Piece *
sorted_pieces(const ScSeqRange *ranges, int nranges, int64 *total)
{
	Piece	   *pieces = palloc(Max(nranges, 1) * sizeof(Piece));

	*total = 0;
	for (int i = 0; i < nranges; i++)
	{
		pieces[i].lower = ranges[i].lower;
		pieces[i].upper = ranges[i].upper;
		pieces[i].out = *total;
		*total += ranges[i].upper - ranges[i].lower;
	}
	qsort(pieces, nranges, sizeof(Piece), compare_pieces);
	return pieces;
}

/* the first piece that does not end before `seq` */
static int
first_piece(const Take *take, int64 seq)
{
	int			low = 0;
	int			high = take->npieces;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (take->pieces[middle].upper <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int
compare_place(const void *a, const void *b)
{
	return sc_run_place_compare(*(ScRunRef *const *) a, *(ScRunRef *const *) b);
}

/* the runs that hold numbers of the pieces, by their place in the journal */
static ScRunRef **
touched_runs(const Take *take, int64 *count)
{
	const ScJournalIndex *index = take->index;
	int64		begin = first_candidate(index, take->pieces[0].lower);
	int64		end = first_candidate(index, take->pieces[take->npieces - 1].upper + RUN_ENTRIES_MAX);
	ScRunRef  **runs = MemoryContextAllocHuge(CurrentMemoryContext, Max(end - begin, 1) * sizeof(ScRunRef *));
	int			piece = 0;

	*count = 0;
	for (int64 i = begin; i < end; i++)
	{
		ScRunRef   *run = &index->runs[i];

		while (piece < take->npieces && take->pieces[piece].upper <= run->first_seq)
			piece++;
		if (piece == take->npieces)
			break;
		if (take->pieces[piece].lower < run->first_seq + run->count)
			runs[(*count)++] = run;
	}
	qsort(runs, *count, sizeof(ScRunRef *), compare_place);
	return runs;
}

/* keeps entries from..to - 1 of a run */
static void
keep_entries(Rest *rest, const ScJournalRun *run, const char *entries, int from, int to)
{
	ScJournalRun part = *run;
	Size		len = (Size) (to - from) * SC_JOURNAL_ENTRY_LEN;

	if (from >= to)
		return;
	part.count = (uint16) (to - from);
	part.first_seq += from;
	if (part.offset != InvalidOffsetNumber)
		part.offset += from;
	memcpy(rest->data + rest->len, &part, sizeof(part));
	memcpy(rest->data + rest->len + sizeof(part), entries + (Size) from * SC_JOURNAL_ENTRY_LEN, len);
	rest->len += sizeof(part) + len;
}

/* the index's entry of a run that shares a journal row with wanted ones: it will stand elsewhere */
static void
forget_sharer(const ScJournalIndex *index, const ScRunRef *wanted, Size offset, int64 first_seq)
{
	for (int64 i = first_candidate(index, first_seq); i < index->nruns; i++)
	{
		ScRunRef   *run = &index->runs[i];

		if (run->first_seq > first_seq)
			break;
		if (run->first_seq == first_seq && run->offset == offset && sc_run_same_row(run, wanted))
			run->count = 0;
	}
}

/* takes the pieces' entries out of one run; the others are kept */
static void
split_run(Take *take, Rest *rest, const ScJournalRun *run, const char *entries)
{
	int			done = 0;

	for (int i = first_piece(take, run->first_seq); i < take->npieces; i++)
	{
		const Piece *piece = &take->pieces[i];
		int			from = (int) Max(piece->lower - run->first_seq, 0);
		int			to;

		if (piece->lower >= run->first_seq + run->count)
			break;
		to = (int) Min(piece->upper - run->first_seq, run->count);
		keep_entries(rest, run, entries, done, from);
		sc_journal_run_copy(take->leaves + piece->out + (run->first_seq + from - piece->lower), run, entries, from, to);
		take->taken += to - from;
		done = to;
	}
	keep_entries(rest, run, entries, done, run->count);
}

/* goes through the runs of a journal row; false when it does not hold the `nruns` runs of the index */
static bool
split_row(Take *take, Rest *rest, ScRunRef **runs, int64 nruns, const char *data, Size len)
{
	int64		met = 0;
	ScJournalRun run;

	rest->len = 0;
	for (Size offset = 0; offset < len; offset += sizeof(run) + run.count * SC_JOURNAL_ENTRY_LEN)
	{
		if (!sc_journal_run_parse(&run, data, len, offset))
			return false;
		if (met < nruns && runs[met]->offset == offset)
		{
			if (runs[met]->first_seq != run.first_seq || runs[met]->count != run.count)
				return false;
			split_run(take, rest, &run, data + offset + sizeof(run));
			met++;
		}
		else
		{
			keep_entries(rest, &run, data + offset + sizeof(run), 0, run.count);
			forget_sharer(take->index, runs[0], offset, run.first_seq);
		}
	}
	return met == nruns;
}

/* takes what is wanted of one journal row; false when the row is not what the index says */
static bool
take_row(Take *take, ScRunRef **runs, int64 nruns)
{
	bool		copied = runs[0]->copied;
	Relation	rel = take->journals.rels[copied];
	HeapTupleData tuple;
	Buffer		buffer;
	Rest		rest;
	bool		ok = false;

	tuple.t_self = runs[0]->tid;
	if (ItemPointerGetBlockNumber(&tuple.t_self) >= RelationGetNumberOfBlocks(rel) ||
		!heap_fetch(rel, take->snapshot, &tuple, &buffer, false))
		return false;
	if (DatumGetInt32(sc_internal_attr(&tuple, SC_JOURNAL_ATTR_CHAIN_ID, rel)) == take->index->chain_id)
	{
		bytea	   *entries = DatumGetByteaPP(sc_internal_attr(&tuple, SC_JOURNAL_ATTR_ENTRIES, rel));

		ok = VARSIZE_ANY_EXHDR(entries) <= BLCKSZ &&
			split_row(take, &rest, runs, nruns, VARDATA_ANY(entries), VARSIZE_ANY_EXHDR(entries));
	}
	ReleaseBuffer(buffer);
	if (ok && rest.len > 0)
		take->rests[copied] = lappend(take->rests[copied], sc_journal_rest_tuple(rel, take->index->chain_id, rest.data, rest.len));
	return ok;
}

/* how many of the runs stand in the same journal row as the first */
static int64
same_row(ScRunRef **runs, int64 left)
{
	int64		n = 1;

	while (n < left && sc_run_same_row(runs[0], runs[n]))
		n++;
	return n;
}

/* takes what has been read out of the journal, puts back what stays, and has the index follow */
static void
write_back(Take *take, ScRunRef **runs, int64 nruns)
{
	ScJournalIndex *index = take->index;
	int64		kept = 0;
	ListCell   *lc;

	for (int64 i = 0; i < nruns; i += same_row(&runs[i], nruns - i))
	{
		simple_heap_delete(take->journals.rels[runs[i]->copied], &runs[i]->tid);
		sc_journal_count_dead(runs[i]->copied, 1);
	}
	for (int64 i = 0; i < nruns; i++)
		runs[i]->count = 0;
	for (int64 i = 0; i < index->nruns; i++)
		if (index->runs[i].count > 0)
			index->runs[kept++] = index->runs[i];
	index->nruns = kept;
	for (int copied = 0; copied < SC_JOURNALS; copied++)
		foreach(lc, take->rests[copied])
		{
			Relation	rel = take->journals.rels[copied];

			sc_journal_insert(rel, lfirst(lc), 0);
			sc_journal_index_row(index, lfirst(lc), rel, copied);
		}
	sc_journal_index_sort(index);
}

bool
sc_journal_members_take(ScJournalIndex *index, Snapshot snapshot, const ScSeqRange *ranges, int nranges,
						ScSealLeaf *leaves)
{
	Take		take = {.index = index,.snapshot = snapshot,.npieces = nranges,.leaves = leaves};
	int64		total;
	ScRunRef  **runs;
	int64		nruns;
	bool		ok = true;

	take.pieces = sorted_pieces(ranges, nranges, &total);
	if (total == 0)
		return true;
	runs = touched_runs(&take, &nruns);
	sc_journals_open(&take.journals);
	for (int64 i = 0; ok && i < nruns;)
	{
		int64		n = same_row(&runs[i], nruns - i);

		CHECK_FOR_INTERRUPTS();
		ok = take_row(&take, &runs[i], n);
		i += n;
	}
	ok = ok && take.taken == total;
	if (ok)
		write_back(&take, runs, nruns);
	sc_journals_close(&take.journals);
	pfree(runs);
	return ok;
}

void
sc_journal_waiting(const ScJournalIndex *index, ScWaitingVisitor visit, void *arg)
{
	for (int64 i = 0; i < index->nruns; i++)
		if (index->runs[i].count > 0 &&
			!visit(arg, index->chain_id, index->runs[i].first_seq, index->runs[i].count))
			return;
}
