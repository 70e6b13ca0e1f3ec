/*
 * rows.c
 *	  The rows of some tables of a chain, in leaf order.
 *
 * Each table is read once for the numbers of its rows; numbers and places are
 * sorted by leaf (on disk, if there are many), then the rows are fetched one
 * by one.  A ledger table is filled in about that order, so the second pass
 * reads pages nearly in sequence.
 *
 * Invariant: the order is that of the sealed leaves, the same on every copy of
 * the chain.  Texts are those of leaves: dump settings, and only columns that
 * had joined before the row.
 * Locks: AccessShareLock on the tables, kept to the end of the transaction
 * (what moves rows, CLUSTER and VACUUM FULL, has to wait).
 * Memory: the chain's block ranges, work_mem for the sort.
 */
#include "postgres.h"

#include "contract/rows.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "contract/memory.h"
#include "executor/tuptable.h"
#include "ledger/registry_column.h"
#include "ledger/row.h"
#include "ledger/target.h"
#include "miscadmin.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "seal/tree_store.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplesort.h"

/* sorts behind every leaf */
#define WAITING_LEAF PG_INT64_MAX

/* ledger_seq in [lower, upper) have the leaves from first_leaf on */
typedef struct Range
{
	int64		lower;
	int64		upper;
	int64		first_leaf;
	int64		height;
} Range;

typedef struct Source
{
	const ScBoundTable *table;
	Relation	rel;
	TupleTableSlot *slot;
	AttrNumber	seq_attno;
	AttrNumber	time_attno;
	ScRowFormat *format;
	int		   *columns;		/* by place in table->columns: place in the format, -1: no rule looks at it */
	const char **texts;
} Source;

struct ScRows
{
	int32		chain_id;
	Snapshot	snapshot;
	bool		waiting;
	int			nsources;
	Source	   *sources;
	int64		nranges;
	int64		capacity;
	Range	   *ranges;			/* by lower */
	Tuplesortstate *sort;
	TupleTableSlot *put;		/* what goes into the sort */
	TupleTableSlot *entry;		/* what comes out */
	MemoryContext row_context;
	ScBuf	   *text;
	int64		height;			/* the block whose time is known; -1: none */
	TimestampTz sealed_at;
};

/* what is sorted: leaf, ledger_seq, number of the source, tid */
#define ENTRY_NATTS 4

static void
load_ranges(ScRows *rows)
{
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;

	sc_key_int4(&key, SC_BLOCK_RANGE_ATTR_CHAIN_ID, rows->chain_id);
	sc_internal_scan_begin(&scan, "block_range", "block_range_pkey", rows->snapshot, &key, 1);
	while (HeapTupleIsValid(tuple = sc_internal_scan_next(&scan, ForwardScanDirection)))
	{
		if (rows->nranges == rows->capacity)
		{
			rows->capacity = Max(rows->capacity * 2, 1024);
			rows->ranges = rows->ranges ?
				repalloc_huge(rows->ranges, rows->capacity * sizeof(Range)) :
				MemoryContextAllocHuge(CurrentMemoryContext, rows->capacity * sizeof(Range));
		}
		rows->ranges[rows->nranges++] = (Range) {
			DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_LOWER, scan.rel)),
			DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_UPPER, scan.rel)),
			DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_FIRST_LEAF, scan.rel)),
			DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_HEIGHT, scan.rel))
		};
	}
	sc_internal_scan_end(&scan);
}

/* the range that holds the number, or NULL while it waits */
static const Range *
find_range(const ScRows *rows, int64 seq)
{
	int64		low = 0;
	int64		high = rows->nranges;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (rows->ranges[middle].lower <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && seq < rows->ranges[low - 1].upper ? &rows->ranges[low - 1] : NULL;
}

static TupleDesc
entry_desc(void)
{
	TupleDesc	desc = CreateTemplateTupleDesc(ENTRY_NATTS);

	TupleDescInitEntry(desc, 1, "leaf", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "seq", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 3, "source", INT4OID, -1, 0);
	TupleDescInitEntry(desc, 4, "tid", TIDOID, -1, 0);
	return desc;
}

static void
begin_sort(ScRows *rows)
{
	AttrNumber	keys[2] = {1, 2};
	Oid			operators[2] = {Int8LessOperator, Int8LessOperator};
	Oid			collations[2] = {InvalidOid, InvalidOid};
	bool		nulls_first[2] = {false, false};

	rows->put = MakeSingleTupleTableSlot(entry_desc(), &TTSOpsVirtual);
	rows->entry = MakeSingleTupleTableSlot(entry_desc(), &TTSOpsMinimalTuple);
	rows->sort = tuplesort_begin_heap(rows->entry->tts_tupleDescriptor, 2, keys, operators, collations, nulls_first,
									  work_mem, NULL, TUPLESORT_NONE);
}

/* which columns rules look at */
static void
prepare_columns(Source *source, const ScJudge *judge)
{
	const List *columns = source->table->columns;
	int			n = list_length(columns);

	source->columns = palloc(Max(n, 1) * sizeof(int));
	source->texts = palloc0(Max(n, 1) * sizeof(char *));
	for (int i = 0; i < n; i++)
		source->columns[i] = sc_judge_needs(judge, source->table, i) ?
			sc_row_column(source->format, ((ScLedgerColumn *) list_nth(columns, i))->attnum) : -1;
}

static void
open_source(Source *source, const ScBoundTable *table, const ScJudge *judge)
{
	ScTarget	target;

	source->table = table;
	source->rel = table_open(table->ledger->relation, AccessShareLock);
	if (!sc_target_find(source->rel, &target))
		elog(ERROR, "ledger table \"%s\" is not in the registry", RelationGetRelationName(source->rel));
	source->slot = table_slot_create(source->rel, NULL);
	source->seq_attno = target.seq_attno;
	source->time_attno = target.time_attno;
	source->format = sc_row_format_copy(source->rel, CurrentMemoryContext);
	prepare_columns(source, judge);
}

/* one row's entry in the sort */
static void
put_entry(ScRows *rows, int number, TupleTableSlot *slot)
{
	bool		isnull;
	int64		seq = DatumGetInt64(slot_getattr(slot, rows->sources[number].seq_attno, &isnull));
	const Range *range;

	/* a row without a number is none of the ledger's: verify() tells */
	if (isnull)
		return;
	range = find_range(rows, seq);
	if (range == NULL && !rows->waiting)
		return;
	ExecClearTuple(rows->put);
	rows->put->tts_values[0] = Int64GetDatum(range ? range->first_leaf + (seq - range->lower) : WAITING_LEAF);
	rows->put->tts_values[1] = Int64GetDatum(seq);
	rows->put->tts_values[2] = Int32GetDatum(number);
	rows->put->tts_values[3] = PointerGetDatum(&slot->tts_tid);
	memset(rows->put->tts_isnull, 0, ENTRY_NATTS * sizeof(bool));
	ExecStoreVirtualTuple(rows->put);
	tuplesort_puttupleslot(rows->sort, rows->put);
}

static void
sort_source(ScRows *rows, int number)
{
	Source	   *source = &rows->sources[number];
	TableScanDesc scan = table_beginscan(source->rel, rows->snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, source->slot))
	{
		CHECK_FOR_INTERRUPTS();
		put_entry(rows, number, source->slot);
	}
	table_endscan(scan);
}

ScRows *
sc_rows_begin(int32 chain_id, const ScJudge *judge, bool waiting, Snapshot snapshot)
{
	ScRows	   *rows = palloc0(sizeof(ScRows));
	List	   *tables = sc_judge_tables(judge);
	ListCell   *cell;

	rows->chain_id = chain_id;
	rows->snapshot = snapshot;
	rows->waiting = waiting;
	rows->height = -1;
	rows->text = sc_context_buf();
	rows->row_context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain rows", ALLOCSET_DEFAULT_SIZES);
	rows->sources = palloc0(Max(list_length(tables), 1) * sizeof(Source));
	load_ranges(rows);
	begin_sort(rows);
	foreach(cell, tables)
	{
		open_source(&rows->sources[rows->nsources++], lfirst(cell), judge);
		sort_source(rows, rows->nsources - 1);
	}
	tuplesort_performsort(rows->sort);
	return rows;
}

/* the values' texts as leaves have them */
static void
read_texts(ScRows *rows, Source *source, int64 seq)
{
	int			level = sc_row_settings_begin(source->format);

	slot_getallattrs(source->slot);
	for (int i = 0; i < list_length(source->table->columns); i++)
	{
		source->texts[i] = NULL;
		if (source->columns[i] >= 0 &&
			sc_row_text(rows->text, source->format, source->columns[i], source->slot->tts_values,
						source->slot->tts_isnull, seq))
			source->texts[i] = pnstrdup(rows->text->data, rows->text->len);
	}
	sc_row_settings_end(level);
}

/* when the row's block was sealed: the log's own word on when it was there at the latest */
static TimestampTz
block_time(ScRows *rows, int64 seq)
{
	const Range *range = find_range(rows, seq);
	ScBlock		block;

	if (range == NULL)
		return GetCurrentTransactionStartTimestamp();
	if (range->height != rows->height)
	{
		if (!sc_block_by_height(rows->chain_id, range->height, rows->snapshot, &block))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("block %lld is missing", (long long) range->height),
					 errhint("SELECT * FROM seoulchain.verify(); tells what else is missing.")));
		rows->height = range->height;
		rows->sealed_at = block.sealed_at;
	}
	return rows->sealed_at;
}

static void
read_row(ScRows *rows, Source *source, ScRowsRow *row, int64 leaf, int64 seq)
{
	bool		isnull = true;
	Datum		time = source->time_attno != 0 ? slot_getattr(source->slot, source->time_attno, &isnull) : (Datum) 0;

	row->table = source->table;
	row->rel = source->rel;
	row->ledger_seq = seq;
	row->leaf_index = leaf == WAITING_LEAF ? -1 : leaf;
	row->timed = !isnull;
	row->time = isnull ? block_time(rows, seq) : DatumGetTimestampTz(time);
	read_texts(rows, source, seq);
	row->texts = source->texts;
}

bool
sc_rows_next(ScRows *rows, ScRowsRow *row)
{
	MemoryContext old;
	Source	   *source;

	CHECK_FOR_INTERRUPTS();
	MemoryContextReset(rows->row_context);
	if (!tuplesort_gettupleslot(rows->sort, true, false, rows->entry, NULL))
		return false;
	slot_getallattrs(rows->entry);
	source = &rows->sources[DatumGetInt32(rows->entry->tts_values[2])];
	old = MemoryContextSwitchTo(rows->row_context);
	if (!table_tuple_fetch_row_version(source->rel, (ItemPointer) DatumGetPointer(rows->entry->tts_values[3]),
									   rows->snapshot, source->slot))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("row %lld of ledger table \"%s\" went away while it was read",
						(long long) DatumGetInt64(rows->entry->tts_values[1]), RelationGetRelationName(source->rel)),
				 errhint("SELECT * FROM seoulchain.verify();")));
	read_row(rows, source, row, DatumGetInt64(rows->entry->tts_values[0]), DatumGetInt64(rows->entry->tts_values[1]));
	MemoryContextSwitchTo(old);
	return true;
}

void
sc_rows_end(ScRows *rows)
{
	tuplesort_end(rows->sort);
	ExecDropSingleTupleTableSlot(rows->put);
	ExecDropSingleTupleTableSlot(rows->entry);
	for (int i = 0; i < rows->nsources; i++)
	{
		ExecDropSingleTupleTableSlot(rows->sources[i].slot);
		table_close(rows->sources[i].rel, NoLock);
	}
	MemoryContextDelete(rows->row_context);
}
