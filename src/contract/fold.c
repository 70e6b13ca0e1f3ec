/*
 * fold.c
 *	  What a table's rules keep, computed from its rows alone.
 *
 * Invariant: a rule's state is the fold of its effects over all rows of the
 * table, those of the time before the contract included, in the order of
 * ledger_seq; a key's rows have the same order there as in time, because
 * whoever waits for a key takes its number afterwards.
 * Memory: the state of the table's rules, and work_mem for the sort of numbers
 * (on disk, if there are many).  Keys and values are malloc'd, freed with the
 * caller's memory context.
 * Locks: the caller's on the table.  CHECK_FOR_INTERRUPTS at every row.
 */
#include "postgres.h"

#include "contract/fold.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "ledger/error.h"
#include "ledger/row.h"
#include "ledger/target.h"
#include "miscadmin.h"
#include "seal/block_store.h"
#include "seal/tree_store.h"
#include "storage/itemptr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplesort.h"

/* a number and its place, as they are sorted: numbers are the ledger's, places 48 bits */
typedef struct Reader
{
	Relation	rel;
	Snapshot	snapshot;
	ScRowFormat *format;
	AttrNumber	seq_attno;
	int32		copy_of;		/* the chain, when it is a copy; else -1 */
	int64		sealed_end;		/* of a copy: its blocks hold no number from here on */
	ScSeqRange	sealed;			/* the range of its blocks that was found last */
	int		   *columns;		/* the format's places of rules->attnums */
	TupleTableSlot *slot;
	ScRuleRun	run;
	ScBuf		text;
	MemoryContext row_context;
	const char **texts;			/* of the row at hand, by place in rules->attnums */
	const char **values;		/* in the order of one rule */
} Reader;

static void
release_fold(void *arg)
{
	ScFold	   *fold = arg;

	for (int i = 0; i < fold->rules->nrules; i++)
		sc_rule_memory_free(&fold->states[i]);
}

static void
release_reader(void *arg)
{
	Reader	   *reader = arg;

	sc_rule_run_free(&reader->run);
	sc_buf_free(&reader->text);
}

/* calls release(arg) when the current memory context goes */
static void
release_later(MemoryContextCallbackFunction release, void *arg)
{
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

	callback->func = release;
	callback->arg = arg;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
}

static ScFold *
begin_fold(const ScTableRules *rules)
{
	ScFold	   *fold = palloc0(sizeof(ScFold));

	fold->rules = rules;
	fold->states = palloc0(Max(rules->nrules, 1) * sizeof(ScRuleMemory));
	release_later(release_fold, fold);
	for (int i = 0; i < rules->nrules; i++)
		if (!sc_rule_memory_init(&fold->states[i]))
			sc_status_report(SC_NO_MEMORY, "state of a rule");
	return fold;
}

static Reader *
begin_reader(Relation rel, const ScTableRules *rules, Snapshot snapshot)
{
	Reader	   *reader = palloc0(sizeof(Reader));
	ScTarget	target;
	int64		first_leaf;
	int			most = 1;

	reader->rel = rel;
	reader->snapshot = snapshot;
	reader->format = sc_row_format_copy(rel, CurrentMemoryContext);
	reader->seq_attno = sc_row_format_seq_attno(reader->format);
	reader->copy_of = sc_target_find(rel, &target) && target.copy ? target.chain_id : -1;
	if (reader->copy_of >= 0 && sc_member_before(reader->copy_of, PG_INT64_MAX, snapshot, &reader->sealed, &first_leaf))
		reader->sealed_end = reader->sealed.upper;
	reader->columns = palloc(Max(rules->ncolumns, 1) * sizeof(int));
	for (int i = 0; i < rules->ncolumns; i++)
		reader->columns[i] = sc_row_column(reader->format, rules->attnums[i]);
	for (int i = 0; i < rules->nrules; i++)
		most = Max(most, rules->rules[i].args->nvalues);
	reader->texts = palloc0(Max(rules->ncolumns, 1) * sizeof(char *));
	reader->values = palloc(most * sizeof(char *));
	reader->slot = table_slot_create(rel, NULL);
	reader->row_context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain fold row", ALLOCSET_DEFAULT_SIZES);
	sc_rule_run_init(&reader->run);
	release_later(release_reader, reader);
	return reader;
}

static void
read_texts(Reader *reader, const ScTableRules *rules, int64 seq)
{
	TupleTableSlot *slot = reader->slot;

	for (int i = 0; i < rules->ncolumns; i++)
	{
		reader->texts[i] = NULL;
		if (reader->columns[i] >= 0 &&
			sc_row_text(&reader->text, reader->format, reader->columns[i], slot->tts_values, slot->tts_isnull, seq))
			reader->texts[i] = pnstrdup(reader->text.data, reader->text.len);
	}
}

/* of a copy: is the number in a block?  Ranges are apart, so the one with the highest numbers is the last. */
static bool
is_sealed(Reader *reader, int64 seq)
{
	int64		first_leaf;

	if (seq >= reader->sealed_end)
		return false;
	if (seq < reader->sealed.lower || seq >= reader->sealed.upper)
		(void) sc_member_before(reader->copy_of, seq + 1, reader->snapshot, &reader->sealed, &first_leaf);
	return seq >= reader->sealed.lower && seq < reader->sealed.upper;
}

/* the effects of the row in the slot; its acceptance time plays no part in effects that it has not */
static void
fold_row(ScFold *fold, Reader *reader, int64 seq)
{
	const ScTableRules *rules = fold->rules;
	MemoryContext old = MemoryContextSwitchTo(reader->row_context);

	CHECK_FOR_INTERRUPTS();
	MemoryContextReset(reader->row_context);
	if (reader->copy_of >= 0 && !is_sealed(reader, seq))
	{
		MemoryContextSwitchTo(old);
		return;
	}
	slot_getallattrs(reader->slot);
	read_texts(reader, rules, seq);
	for (int i = 0; i < rules->nrules; i++)
	{
		const ScTableRule *rule = &rules->rules[i];

		for (int v = 0; v < rule->args->nvalues; v++)
			reader->values[v] = reader->texts[rule->columns[v]];
		sc_status_report(sc_rule_run(&reader->run, SC_RULE_EFFECT, rule->args, &fold->states[i].store, reader->values, 0, seq),
						 "state of a rule");
	}
	fold->nrows++;
	MemoryContextSwitchTo(old);
}

/* the two columns that are sorted */
static TupleDesc
entry_desc(void)
{
	TupleDesc	desc = CreateTemplateTupleDesc(2);

	TupleDescInitEntry(desc, 1, "ledger_seq", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "place", INT8OID, -1, 0);
	return desc;
}

/* sorts numbers and places of the table's rows */
static Tuplesortstate *
sort_rows(Reader *reader, TupleTableSlot *entry)
{
	AttrNumber	attno = 1;
	Oid			operator = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;
	Tuplesortstate *sort = tuplesort_begin_heap(entry->tts_tupleDescriptor, 1, &attno, &operator, &collation, &nulls_first,
												work_mem, NULL, TUPLESORT_NONE);
	TableScanDesc scan = table_beginscan(reader->rel, reader->snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, reader->slot))
	{
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		ExecClearTuple(entry);
		entry->tts_values[0] = slot_getattr(reader->slot, reader->seq_attno, &isnull);
		entry->tts_values[1] = Int64GetDatum(itemptr_encode(&reader->slot->tts_tid));
		entry->tts_isnull[0] = entry->tts_isnull[1] = false;
		if (isnull)
			continue;
		ExecStoreVirtualTuple(entry);
		tuplesort_puttupleslot(sort, entry);
	}
	table_endscan(scan);
	tuplesort_performsort(sort);
	return sort;
}

/*
 * Folds the rows as they stand in the table; false as soon as one is out of
 * order: then what was folded is to be thrown away.
 */
static bool
fold_in_place(ScFold *fold, Reader *reader)
{
	TableScanDesc scan = table_beginscan_strat(reader->rel, reader->snapshot, 0, NULL, true, false);
	int64		last = 0;
	bool		ordered = true;

	while (ordered && table_scan_getnextslot(scan, ForwardScanDirection, reader->slot))
	{
		bool		isnull;
		int64		seq = DatumGetInt64(slot_getattr(reader->slot, reader->seq_attno, &isnull));

		if (isnull)
			continue;
		ordered = seq > last;
		last = seq;
		if (ordered)
			fold_row(fold, reader, seq);
	}
	table_endscan(scan);
	return ordered;
}

/* folds the rows in the order of their numbers, fetched one by one */
static void
fold_sorted(ScFold *fold, Reader *reader)
{
	TupleDesc	desc = entry_desc();
	TupleTableSlot *entry = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	TupleTableSlot *sorted = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	Tuplesortstate *sort = sort_rows(reader, entry);

	while (tuplesort_gettupleslot(sort, true, false, sorted, NULL))
	{
		ItemPointerData tid;

		slot_getallattrs(sorted);
		itemptr_decode(&tid, DatumGetInt64(sorted->tts_values[1]));
		if (table_tuple_fetch_row_version(reader->rel, &tid, reader->snapshot, reader->slot))
			fold_row(fold, reader, DatumGetInt64(sorted->tts_values[0]));
	}
	tuplesort_end(sort);
	ExecDropSingleTupleTableSlot(sorted);
	ExecDropSingleTupleTableSlot(entry);
}

ScFold *
sc_fold_table(Relation rel, const ScTableRules *rules, Snapshot snapshot)
{
	ScFold	   *fold = begin_fold(rules);
	Reader	   *reader = begin_reader(rel, rules, snapshot);
	int			nestlevel = sc_row_settings_begin(reader->format);

	/* most tables were filled in about the order of their numbers, many exactly so */
	if (!fold_in_place(fold, reader))
	{
		fold = begin_fold(rules);
		fold_sorted(fold, reader);
	}
	sc_row_settings_end(nestlevel);
	ExecDropSingleTupleTableSlot(reader->slot);
	return fold;
}
