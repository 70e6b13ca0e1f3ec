/*
 * row_format.c
 *	  Prepares a relation's row format: names escaped and sorted, output functions looked up.
 *
 * Invariant: a format depends on the registry, the relation's columns and
 * their types only; two sessions build the same one.
 *
 * A registered column is found by its attribute number if the name agrees,
 * else by its name (numbers differ after a restore), else by its number (it
 * was renamed behind the registry's back).
 *
 * Locks: AccessShareLock on registry tables; the caller holds one on `rel`.
 * Context: a transaction.  Does not: cache, see row_cache.c.
 */
#include "postgres.h"

#include "ledger/row_internal.h"

#include "core/json.h"
#include "ledger/registry_column.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* the attribute of that name that is not dropped, or 0 */
static AttrNumber
attribute_by_name(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
			return att->attnum;
	}
	return InvalidAttrNumber;
}

/* the attribute of a registered column, or 0 */
static AttrNumber
find_attribute(TupleDesc desc, const ScLedgerColumn *column)
{
	bool		exists = column->attnum > 0 && column->attnum <= desc->natts &&
		!TupleDescAttr(desc, column->attnum - 1)->attisdropped;
	AttrNumber	found;

	if (exists && strcmp(NameStr(TupleDescAttr(desc, column->attnum - 1)->attname), column->column_name) == 0)
		return column->attnum;
	found = attribute_by_name(desc, column->column_name);
	if (found != InvalidAttrNumber)
		return found;
	return exists ? column->attnum : InvalidAttrNumber;
}

/* orders columns as JCS orders their keys */
static int
compare_columns(const ListCell *a, const ListCell *b)
{
	const ScLedgerColumn *left = lfirst(a);
	const ScLedgerColumn *right = lfirst(b);

	return sc_json_compare_keys(left->ledger_name, strlen(left->ledger_name),
								right->ledger_name, strlen(right->ledger_name));
}

/* moves a buffer's contents to palloc'd memory and frees it */
static char *
take_buffer(ScBuf *buf, int *len)
{
	char	   *copy;

	if (buf->failed)
	{
		sc_buf_free(buf);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	}
	copy = palloc_extended(buf->len + 1, MCXT_ALLOC_NO_OOM);
	if (copy != NULL)
	{
		memcpy(copy, buf->data, buf->len);
		copy[buf->len] = '\0';
		*len = (int) buf->len;
	}
	sc_buf_free(buf);
	if (copy == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	return copy;
}

/* ,"<escaped name>": */
static char *
make_key(const char *name, int *len)
{
	ScBuf		buf = SC_BUF_INIT;

	sc_buf_char(&buf, ',');
	sc_json_string(&buf, name, strlen(name));
	sc_buf_char(&buf, ':');
	return take_buffer(&buf, len);
}

/* what stands in every leaf of the table before the columns and behind ledger_seq */
static void
make_frame(ScRowFormat *format, const char *origin)
{
	ScBuf		buf = SC_BUF_INIT;

	sc_buf_literal(&buf, "{\"chain\":");
	sc_json_string(&buf, origin, strlen(origin));
	sc_buf_literal(&buf, ",\"columns\":{");
	format->prefix = take_buffer(&buf, &format->prefixlen);
	sc_hash_leaf_prefix(&format->hashed, format->prefix, format->prefixlen);

	sc_buf_literal(&buf, "\",\"table\":");
	sc_json_string(&buf, format->ledger_name, strlen(format->ledger_name));
	format->suffix = take_buffer(&buf, &format->suffixlen);
}

/* completes one column from the type of its attribute */
static void
make_column(ScRowFormat *format, ScRowColumn *out, Form_pg_attribute att, const ScLedgerColumn *column)
{
	ScRowSettings settings = 0;

	out->index = att->attnum - 1;
	out->joined_seq = column->joined_seq;
	out->name = pstrdup(column->ledger_name);
	out->key = make_key(column->ledger_name, &out->keylen);
	out->kind = sc_row_value_kind(att->atttypid, &settings);
	out->output = NULL;
	if (out->kind == SC_VALUE_OUTPUT)
	{
		Oid			function;
		bool		varlena;

		getTypeOutputInfo(att->atttypid, &function, &varlena);
		out->output = palloc(sizeof(FmgrInfo));
		fmgr_info_cxt(function, out->output, CurrentMemoryContext);
		format->settings |= settings;
	}
}

/* the columns in JCS order; one that the relation has not is remembered as missing */
static void
make_columns(ScRowFormat *format, TupleDesc desc, List *columns)
{
	ListCell   *lc;

	list_sort(columns, compare_columns);
	format->columns = palloc(sizeof(ScRowColumn) * Max(list_length(columns), 1));
	foreach(lc, columns)
	{
		const ScLedgerColumn *column = lfirst(lc);
		AttrNumber	attnum = find_attribute(desc, column);

		if (attnum == InvalidAttrNumber)
			format->missing = pstrdup(column->column_name);
		else
			make_column(format, &format->columns[format->ncolumns++], TupleDescAttr(desc, attnum - 1), column);
	}
}

ScRowFormat *
sc_row_format_build(Relation rel, MemoryContext context)
{
	ScLedgerTable *ledger = sc_ledger_by_relation(RelationGetRelid(rel), false);
	ScChain    *chain = sc_chain_by_id(ledger->chain_id, false);
	List	   *columns = sc_ledger_columns(ledger->table_id);
	MemoryContext old = MemoryContextSwitchTo(context);
	ScRowFormat *format = palloc0(sizeof(ScRowFormat));

	format->chain_id = ledger->chain_id;
	format->table_id = ledger->table_id;
	format->ledger_name = pstrdup(ledger->ledger_name);
	format->seq_attno = attribute_by_name(RelationGetDescr(rel), SC_LEDGER_SEQ);
	if (format->seq_attno == InvalidAttrNumber)
		format->missing = pstrdup(SC_LEDGER_SEQ);
	format->time_seq = ledger->time_seq;
	if (format->time_seq != 0)
		format->time_attno = attribute_by_name(RelationGetDescr(rel), SC_LEDGER_TIME);
	if (format->time_seq != 0 && format->time_attno == InvalidAttrNumber)
		format->missing = pstrdup(SC_LEDGER_TIME);
	make_frame(format, chain->origin);
	make_columns(format, RelationGetDescr(rel), columns);
	MemoryContextSwitchTo(old);
	return format;
}
