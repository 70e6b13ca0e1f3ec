/*
 * served.c
 *	  What this node tells its peers when they compare, repair or recover: rows and faults.
 *
 * The rest of what is served (blocks, tiles, events) are SQL functions over our
 * tables (sql/86_repair.sql).  Callers believe nothing of it before it is
 * proven.
 *
 * Invariant: only rows that are in a block are served, as they are stored now.
 * Privileges: roles that may read the whole database; the functions run as
 * the extension's owner.
 * Effects: none.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/journal.h"
#include "ledger/journal_table.h"
#include "ledger/registry.h"
#include "ledger/row.h"
#include "miscadmin.h"
#include "network/row_values.h"
#include "network/served.h"
#include "proof/guard.h"
#include "proof/inclusion.h"
#include "proof/locate.h"
#include "proof/values.h"
#include "proof/verify.h"
#include "network/ask.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "seal/tree_store.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_served_rows);
PG_FUNCTION_INFO_V1(sc_served_faults);
PG_FUNCTION_INFO_V1(sc_served_path);
PG_FUNCTION_INFO_V1(sc_served_above);
PG_FUNCTION_INFO_V1(sc_served_between);

#define SC_SERVED_ROW_NATTS 5

ScChain *
sc_chain_of_origin(const char *origin, bool missing_ok)
{
	ListCell   *lc;

	foreach(lc, sc_chain_list())
	{
		ScChain    *chain = lfirst(lc);

		if (strcmp(chain->origin, origin) == 0)
			return chain;
	}
	if (!missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("this node has no chain of origin \"%s\"", origin),
				 errhint("SELECT origin FROM seoulchain.served_chains() lists those that it has.")));
	return NULL;
}

/* one row to be served; what sc_guard calls */
typedef struct Serve
{
	ReturnSetInfo *result;
	Oid			relation;
	const char *table;
	int64		seq;
	bool		found;
} Serve;

/* a list of texts as an array value */
static Datum
text_array(char **texts, int count)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(count, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(count, 1));
	int			lower = 1;

	for (int i = 0; i < count; i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	if (count == 0)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	return PointerGetDatum(construct_md_array(values, nulls, 1, &count, &lower, TEXTOID, -1, false, TYPALIGN_INT));
}

/* adds a row to the result */
static void
put_row(ReturnSetInfo *result, const ScRowFormat *format, Relation rel, TupleTableSlot *slot, const char *table, int64 seq)
{
	ScRowValues row;
	Datum		values[SC_SERVED_ROW_NATTS];
	bool		nulls[SC_SERVED_ROW_NATTS] = {false};

	sc_row_values_read(&row, format, rel, slot, seq);
	values[0] = Int64GetDatum(seq);
	values[1] = CStringGetTextDatum(table);
	values[2] = text_array(row.names, row.count);
	values[3] = text_array(row.texts, row.count);
	values[4] = Int64GetDatum(row.time);
	nulls[4] = !row.timed;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* finds the row and adds it to the result; raises what a damaged row raises */
static void
serve_row(void *arg)
{
	Serve	   *serve = arg;
	ScRowPlace	place;
	const ScRowFormat *format;
	int			nestlevel;

	if (!sc_row_locate_sealed(&place, serve->relation, serve->seq, GetActiveSnapshot()))
		return;
	format = sc_row_format_copy(place.rel, CurrentMemoryContext);
	nestlevel = sc_row_settings_begin(format);
	put_row(serve->result, format, place.rel, place.slot, serve->table, serve->seq);
	sc_row_settings_end(nestlevel);
	sc_row_done(&place);
	serve->found = true;
}

/* the table whose row the tree's hint says the leaf is, or NULL */
static ScLedgerTable *
hinted_table(const ScChain *chain, int64 leaf)
{
	ScHash		hash;
	int32		table_id;
	ItemPointerData tid;
	ScLedgerTable *table;

	sc_tree_leaf(chain->chain_id, leaf, GetActiveSnapshot(), &hash, &table_id, &tid);
	table = table_id > 0 ? sc_ledger_by_id(table_id) : NULL;
	return table != NULL && table->chain_id == chain->chain_id && OidIsValid(table->relation) ? table : NULL;
}

/* errors because a row cannot be served: who asks for all rows must not get fewer */
static void
refuse_row(const char *table, int64 seq)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("row " INT64_FORMAT " of table \"%s\" cannot be read", seq, table),
			 errhint("seoulchain.verify() says what is wrong.")));
}

/* serves one number, if it is a row's; when it cannot be read that is an error if strict */
static void
serve_seq(ReturnSetInfo *result, const ScChain *chain, int64 seq, bool strict)
{
	int64		leaf = sc_member_leaf_index(chain->chain_id, seq, GetActiveSnapshot());
	ScLedgerTable *table = leaf >= 0 ? hinted_table(chain, leaf) : NULL;
	Serve		serve = {.result = result, .seq = seq};

	if (table == NULL)
		return;
	serve.relation = table->relation;
	serve.table = table->ledger_name;
	if ((!sc_guard(serve_row, &serve, NULL) || !serve.found) && strict)
		refuse_row(table->ledger_name, seq);
}

/*
 * seoulchain.served_rows(origin text, ledger_seqs bigint[]) returns setof record
 *		(ledger_seq bigint, relation text, names text[], texts text[], accepted bigint)
 *
 * The sealed rows of those numbers as this node stores them now: what it has
 * not, cannot read, or what is no row is left out.  accepted is in
 * microseconds since 2000-01-01 UTC.  Privileges: pg_read_all_data,
 * seoulchain_auditor.  Errors: UNDEFINED_OBJECT.
 */
Datum
sc_served_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ScChain    *chain = sc_chain_of_origin(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	Datum	   *seqs;
	bool	   *nulls;
	int			count;
	MemoryContext context;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &seqs, &nulls, &count);
	context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain served row", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!nulls[i])
			serve_seq(result, chain, DatumGetInt64(seqs[i]), false);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/* serves the rows of a run of journal entries whose numbers are in a range, by their places */
static void
serve_run(ReturnSetInfo *result, const ScJournalRun *run, const ScSeqRange *range)
{
	ScLedgerTable *table = run->table_id > 0 ? sc_ledger_by_id(run->table_id) : NULL;
	Relation	rel;
	TupleTableSlot *slot;
	const ScRowFormat *format;
	int			nestlevel;

	if (table == NULL || !OidIsValid(table->relation))
		return;
	rel = table_open(table->relation, AccessShareLock);
	slot = table_slot_create(rel, NULL);
	format = sc_row_format_copy(rel, CurrentMemoryContext);
	nestlevel = sc_row_settings_begin(format);
	for (int i = Max(range->lower - run->first_seq, 0); i < run->count && run->first_seq + i < range->upper; i++)
	{
		ItemPointerData tid;
		ScRowPlace	place;
		bool		isnull;

		sc_journal_tid(&tid, run, i);
		if (ItemPointerIsValid(&tid) && table_tuple_fetch_row_version(rel, &tid, GetActiveSnapshot(), slot) &&
			DatumGetInt64(slot_getattr(slot, sc_row_format_seq_attno(format), &isnull)) == run->first_seq + i && !isnull)
		{
			put_row(result, format, rel, slot, table->ledger_name, run->first_seq + i);
			continue;
		}
		/* it has been moved, or is gone: that is an error */
		sc_row_locate(&place, table->relation, run->first_seq + i, GetActiveSnapshot());
		put_row(result, format, place.rel, place.slot, table->ledger_name, run->first_seq + i);
		sc_row_done(&place);
	}
	sc_row_settings_end(nestlevel);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
}

typedef void (*RunVisitor) (ReturnSetInfo *result, const ScJournalRun *run, const ScSeqRange *range);

/* calls back for the runs of a journal row that meet the range, or for all; their entries stand behind them */
static void
each_run_of_row(const bytea *entries, RunVisitor visit, ReturnSetInfo *result, const ScSeqRange *range)
{
	const char *p = VARDATA_ANY(entries);
	Size		left = VARSIZE_ANY_EXHDR(entries);
	ScJournalRun run;

	while (left >= sizeof(run))
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(&run, p, sizeof(run));
		if (run.version != SC_JOURNAL_VERSION || left < sizeof(run) + (Size) run.count * SC_JOURNAL_ENTRY_LEN)
			break;
		if (range == NULL || (run.first_seq < range->upper && run.first_seq + run.count > range->lower))
			visit(result, (const ScJournalRun *) p, range);
		p += sizeof(run) + (Size) run.count * SC_JOURNAL_ENTRY_LEN;
		left -= sizeof(run) + (Size) run.count * SC_JOURNAL_ENTRY_LEN;
	}
}

/* calls back for every run of the chain that waits in a journal, under the active snapshot; in a context of its own */
static void
each_run(const ScChain *chain, bool copied, RunVisitor visit, ReturnSetInfo *result, const ScSeqRange *range)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain served run", ALLOCSET_DEFAULT_SIZES);
	Relation	rel = sc_internal_open(sc_journal_name(copied), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	sc_key_int4(&key, SC_JOURNAL_ATTR_CHAIN_ID, chain->chain_id);
	scan = systable_beginscan(rel, InvalidOid, false, GetActiveSnapshot(), 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		each_run_of_row(DatumGetByteaPP(sc_internal_attr(tuple, SC_JOURNAL_ATTR_ENTRIES, rel)), visit, result, range);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
	MemoryContextDelete(context);
}

/* of both journals: a chain that was recovered may have rows in both */
static void
each_waiting_run(const ScChain *chain, RunVisitor visit, ReturnSetInfo *result, const ScSeqRange *range)
{
	each_run(chain, false, visit, result, range);
	each_run(chain, true, visit, result, range);
}

/* adds a range of numbers to the result */
static void
put_range(ReturnSetInfo *result, int64 lower, int64 upper)
{
	Datum		values[2] = {Int64GetDatum(lower), Int64GetDatum(upper)};
	bool		nulls[2] = {false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_run(ReturnSetInfo *result, const ScJournalRun *run, const ScSeqRange *range)
{
	put_range(result, run->first_seq, run->first_seq + run->count);
}

/*
 * seoulchain.served_above(origin text, height bigint) returns setof record (lower bigint, upper bigint)
 *
 * The numbers of rows and events of the chain in blocks above that height, and
 * of those that wait for their block; upper is one too many, ranges are in no
 * order.  Privileges: pg_read_all_data, seoulchain_auditor.  Errors:
 * UNDEFINED_OBJECT.
 */
Datum
sc_served_above(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ScChain    *chain = sc_chain_of_origin(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	int64		height = PG_GETARG_INT64(1);
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;

	InitMaterializedSRF(fcinfo, 0);
	sc_key_int4(&key, SC_BLOCK_RANGE_ATTR_CHAIN_ID, chain->chain_id);
	sc_internal_scan_begin(&scan, "block_range", "block_range_pkey", GetActiveSnapshot(), &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_HEIGHT, scan.rel)) > height)
			put_range(result, DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_LOWER, scan.rel)),
					  DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_UPPER, scan.rel)));
	}
	sc_internal_scan_end(&scan);
	each_waiting_run(chain, put_run, result, NULL);
	return (Datum) 0;
}

/*
 * seoulchain.served_between(origin text, height bigint, lower bigint, upper bigint) returns setof record, as served_rows
 *
 * Every row of the chain whose number is in [lower, upper) and that is in a
 * block above that height, or waits for its block.  Privileges:
 * pg_read_all_data, seoulchain_auditor.  Errors: UNDEFINED_OBJECT;
 * INVALID_PARAMETER_VALUE for more than 10,000 numbers; DATA_CORRUPTED when
 * one of the rows cannot be read.
 */
Datum
sc_served_between(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ScChain    *chain = sc_chain_of_origin(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	ScSeqRange	range = {PG_GETARG_INT64(2), PG_GETARG_INT64(3)};
	MemoryContext context;
	ScBlock		block;
	int64		size = 0;

	if (range.lower < 0 || range.upper < range.lower || range.upper - range.lower > SC_ASK_SPAN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a range of at most %d numbers is served at once", SC_ASK_SPAN)));
	if (sc_block_by_height(chain->chain_id, PG_GETARG_INT64(1), GetActiveSnapshot(), &block))
		size = block.tree_size;
	InitMaterializedSRF(fcinfo, 0);
	context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain served row", ALLOCSET_DEFAULT_SIZES);
	for (int64 seq = range.lower; seq < range.upper; seq++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		if (sc_member_leaf_index(chain->chain_id, seq, GetActiveSnapshot()) >= size)
			serve_seq(result, chain, seq, true);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	each_waiting_run(chain, serve_run, result, &range);
	return (Datum) 0;
}

/*
 * seoulchain.served_path(origin text, ledger_seq bigint, tree_size bigint)
 *		returns record (leaf_index bigint, path bytea[])
 *
 * RFC 6962's path of the number's leaf in the tree of that size, NULLs when
 * it is not in there.  Privileges: pg_read_all_data, seoulchain_auditor.
 * Errors: UNDEFINED_OBJECT; DATA_CORRUPTED for a damaged tree.
 */
Datum
sc_served_path(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_of_origin(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	int64		size = PG_GETARG_INT64(2);
	Snapshot	snapshot = GetActiveSnapshot();
	int64		leaf = sc_member_leaf_index(chain->chain_id, PG_GETARG_INT64(1), snapshot);
	ScHash		path[SC_PROOF_MAX];
	TupleDesc	tupdesc;
	Datum		values[2] = {0};
	bool		nulls[2] = {false};
	ScBlock		last;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	nulls[0] = nulls[1] = leaf < 0 || leaf >= size || !sc_block_last(chain->chain_id, snapshot, &last) || size > last.tree_size;
	if (!nulls[0])
	{
		values[0] = Int64GetDatum(leaf);
		values[1] = sc_value_path(path, sc_inclusion_path(path, chain->chain_id, leaf, size, snapshot));
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/*
 * seoulchain.served_faults(origin text) returns setof seoulchain.fault
 *
 * What verify() finds on that chain here: every stored row is recomputed.
 * Privileges: pg_read_all_data, seoulchain_auditor.  Errors: UNDEFINED_OBJECT.
 */
Datum
sc_served_faults(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ScChain    *chain = sc_chain_of_origin(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);

	InitMaterializedSRF(fcinfo, 0);
	sc_verify_into(InvalidOid, chain->chain_id, NULL, result->setResult, result->setDesc);
	return (Datum) 0;
}
