/*
 * row_text.c
 *	  Calls the row encoder with a row of any table.
 */
#include "postgres.h"

#include <time.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "core/buf.h"
#include "core/hash.h"
#include "fmgr.h"
#include "ledger/row.h"
#include "ledger/row_types.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_MODULE_MAGIC;

/* a row taken apart, and the relation it belongs to, locked */
typedef struct Row
{
	Relation	rel;
	Datum	   *values;
	bool	   *nulls;
} Row;

/* opens the relation and takes the composite value apart with its descriptor */
static Row
open_row(Oid relid, HeapTupleHeader record)
{
	Row			row;
	HeapTupleData tuple;
	int			natts;

	row.rel = table_open(relid, AccessShareLock);
	natts = RelationGetDescr(row.rel)->natts;
	row.values = palloc(sizeof(Datum) * natts);
	row.nulls = palloc(sizeof(bool) * natts);
	tuple.t_len = HeapTupleHeaderGetDatumLength(record);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = record;
	heap_deform_tuple(&tuple, RelationGetDescr(row.rel), row.values, row.nulls);
	return row;
}

/* the leaf that one format makes of the row */
static void
make_leaf(ScBuf *buf, const ScRowFormat *format, const Row *row, int64 ledger_seq)
{
	int			nestlevel = sc_row_settings_begin(format);

	sc_row_leaf(buf, format, row->values, row->nulls, ledger_seq);
	sc_row_settings_end(nestlevel);
}

/*
 * row_text.leaf(relation regclass, row record, ledger_seq bigint) returns text
 *
 * Errors when the cached format and one built now do not agree, or the two ways to hash.
 */
PG_FUNCTION_INFO_V1(row_text_leaf);
Datum
row_text_leaf(PG_FUNCTION_ARGS)
{
	Row			row = open_row(PG_GETARG_OID(0), PG_GETARG_HEAPTUPLEHEADER(1));
	int64		ledger_seq = PG_GETARG_INT64(2);
	static ScBuf buf = SC_BUF_INIT;
	static ScBuf cached = SC_BUF_INIT;
	ScHash		shared;
	ScHash		whole;

	make_leaf(&buf, sc_row_format_copy(row.rel, CurrentMemoryContext), &row, ledger_seq);
	make_leaf(&cached, sc_row_format(row.rel), &row, ledger_seq);
	if (buf.len != cached.len || memcmp(buf.data, cached.data, buf.len) != 0)
		elog(ERROR, "the cached row format is stale");
	sc_row_hash(&shared, sc_row_format(row.rel), &buf);
	sc_hash_leaf(&whole, buf.data, buf.len);
	if (memcmp(&shared, &whole, sizeof(ScHash)) != 0)
		elog(ERROR, "the hash from the shared beginning is wrong");
	(void) pg_verifymbstr(buf.data, buf.len, false);
	table_close(row.rel, AccessShareLock);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(buf.data, buf.len));
}

/* seconds of processor time that this process has had: other load counts less than on the clock */
static double
processor_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/*
 * row_text.nanoseconds(relation regclass, row record, loops integer, hash boolean) returns double precision
 */
PG_FUNCTION_INFO_V1(row_text_nanoseconds);
Datum
row_text_nanoseconds(PG_FUNCTION_ARGS)
{
	Row			row = open_row(PG_GETARG_OID(0), PG_GETARG_HEAPTUPLEHEADER(1));
	int			loops = PG_GETARG_INT32(2);
	bool		hash = PG_GETARG_BOOL(3);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	static ScBuf buf = SC_BUF_INIT;
	double		spent;
	ScHash		leaf;

	(void) sc_row_format(row.rel);
	spent = processor_time();
	for (int i = 0; i < loops; i++)
	{
		const ScRowFormat *format = sc_row_format(row.rel);
		int			nestlevel = sc_row_settings_begin(format);

		sc_row_leaf(&buf, format, row.values, row.nulls, 1000000 + i);
		sc_row_settings_end(nestlevel);
		if (hash)
			sc_row_hash(&leaf, format, &buf);
		MemoryContextReset(context);
	}
	spent = processor_time() - spent;
	MemoryContextSwitchTo(old);
	table_close(row.rel, AccessShareLock);
	PG_RETURN_FLOAT8(spent * 1e9 / loops);
}

/*
 * row_text.type_check(type oid, typmod integer, column text) returns void
 */
PG_FUNCTION_INFO_V1(row_text_type_check);
Datum
row_text_type_check(PG_FUNCTION_ARGS)
{
	sc_type_check(PG_GETARG_OID(0), PG_GETARG_INT32(1), text_to_cstring(PG_GETARG_TEXT_PP(2)));
	PG_RETURN_VOID();
}

/*
 * row_text.type_is_allowed(type oid) returns boolean
 */
PG_FUNCTION_INFO_V1(row_text_type_is_allowed);
Datum
row_text_type_is_allowed(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sc_type_is_allowed(PG_GETARG_OID(0)));
}
