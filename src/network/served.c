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

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
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
#include "seal/tree_store.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_served_rows);
PG_FUNCTION_INFO_V1(sc_served_faults);
PG_FUNCTION_INFO_V1(sc_served_path);

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

/* finds the row and adds it to the result; raises what a damaged row raises */
static void
serve_row(void *arg)
{
	Serve	   *serve = arg;
	ScRowPlace	place;
	ScRowValues row;
	const ScRowFormat *format;
	Datum		values[SC_SERVED_ROW_NATTS];
	bool		nulls[SC_SERVED_ROW_NATTS] = {false};
	int			nestlevel;

	if (!sc_row_locate_sealed(&place, serve->relation, serve->seq, GetActiveSnapshot()))
		return;
	format = sc_row_format_copy(place.rel, CurrentMemoryContext);
	nestlevel = sc_row_settings_begin(format);
	sc_row_values_read(&row, format, place.rel, place.slot, serve->seq);
	sc_row_settings_end(nestlevel);
	sc_row_done(&place);
	values[0] = Int64GetDatum(serve->seq);
	values[1] = CStringGetTextDatum(serve->table);
	values[2] = text_array(row.names, row.count);
	values[3] = text_array(row.texts, row.count);
	values[4] = Int64GetDatum(row.time);
	nulls[4] = !row.timed;
	tuplestore_putvalues(serve->result->setResult, serve->result->setDesc, values, nulls);
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

/* serves one number, if it is a row's that can be read */
static void
serve_seq(ReturnSetInfo *result, const ScChain *chain, int64 seq)
{
	int64		leaf = sc_member_leaf_index(chain->chain_id, seq, GetActiveSnapshot());
	ScLedgerTable *table = leaf >= 0 ? hinted_table(chain, leaf) : NULL;
	Serve		serve = {.result = result, .seq = seq};

	if (table == NULL)
		return;
	serve.relation = table->relation;
	serve.table = table->ledger_name;
	(void) sc_guard(serve_row, &serve, NULL);
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
			serve_seq(result, chain, DatumGetInt64(seqs[i]));
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
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
