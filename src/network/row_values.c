/*
 * row_values.c
 *	  The values of a row as text, on their way between nodes, and back into a tuple.
 *
 * Invariant: what is filled into a slot has been hashed as it stands there, so
 * a row whose hash is proven is stored as it was on its origin, whatever the
 * sender wrote.  Columns that the row's leaf does not hold take what ALTER
 * TABLE left for old rows; the sender has no say in them.
 * Context: a transaction with an active snapshot; the caller holds a lock on
 * the relation.  Input functions run on the sender's text, in a subtransaction.
 * Effects: none but the slot.
 */
#include "postgres.h"

#include "network/row_values.h"

#include "access/htup_details.h"
#include "ledger/registry_column.h"
#include "proof/guard.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

void
sc_row_values_read(ScRowValues *out, const ScRowFormat *format, Relation rel, TupleTableSlot *slot, int64 ledger_seq)
{
	TupleDesc	desc = RelationGetDescr(rel);
	AttrNumber	time_attno = get_attnum(RelationGetRelid(rel), SC_LEDGER_TIME);

	slot_getallattrs(slot);
	out->ledger_seq = ledger_seq;
	out->count = sc_row_format_count(format);
	out->names = palloc(sizeof(char *) * Max(out->count, 1));
	out->texts = palloc(sizeof(char *) * Max(out->count, 1));
	for (int i = 0; i < out->count; i++)
	{
		const char *name;
		AttrNumber	attno = sc_row_format_column(format, i, &name);
		Oid			output;
		bool		varlena;

		out->names[i] = pstrdup(name);
		out->texts[i] = NULL;
		if (slot->tts_isnull[attno - 1])
			continue;
		getTypeOutputInfo(TupleDescAttr(desc, attno - 1)->atttypid, &output, &varlena);
		out->texts[i] = OidOutputFunctionCall(output, slot->tts_values[attno - 1]);
	}
	out->timed = time_attno != InvalidAttrNumber && !slot->tts_isnull[time_attno - 1];
	out->time = out->timed ? DatumGetInt64(slot->tts_values[time_attno - 1]) : 0;
}

/* what sc_guard calls */
typedef struct Fill
{
	TupleTableSlot *slot;
	ScHash	   *hash;
	const ScRowValues *row;
	Relation	rel;
	MemoryContext context;
} Fill;

/* the text of a column, or NULL */
static const char *
text_of(const ScRowValues *row, const char *name)
{
	for (int i = 0; i < row->count; i++)
		if (strcmp(row->names[i], name) == 0)
			return row->texts[i];
	return NULL;
}

/* columns as old rows have them: what ALTER TABLE ... ADD COLUMN left for them */
static void
fill_missing(TupleTableSlot *slot, TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		slot->tts_values[i] = (Datum) 0;
		slot->tts_isnull[i] = true;
		if (!att->attisdropped && att->atthasmissing)
			slot->tts_values[i] = getmissingattr(desc, i + 1, &slot->tts_isnull[i]);
	}
}

/* the columns that the leaf of that number holds */
static void
fill_columns(TupleTableSlot *slot, const ScRowFormat *format, const ScRowValues *row, TupleDesc desc, int32 table_id)
{
	List	   *columns = sc_ledger_columns(table_id);

	for (int i = 0; i < sc_row_format_count(format); i++)
	{
		const char *name;
		AttrNumber	attno = sc_row_format_column(format, i, &name);
		Form_pg_attribute att = TupleDescAttr(desc, attno - 1);
		const char *text = text_of(row, name);
		Oid			input;
		Oid			param;
		ListCell   *lc;
		bool		joined = true;

		foreach(lc, columns)
		{
			const ScLedgerColumn *column = lfirst(lc);

			if (strcmp(column->ledger_name, name) == 0)
				joined = column->joined_seq < row->ledger_seq;
		}
		if (!joined)
			continue;
		slot->tts_isnull[attno - 1] = text == NULL;
		if (text == NULL)
			continue;
		getTypeInputInfo(att->atttypid, &input, &param);
		slot->tts_values[attno - 1] = OidInputFunctionCall(input, pstrdup(text), param, att->atttypmod);
	}
}

/* the leaf hash of what the slot holds */
static void
hash_slot(ScHash *hash, const ScRowFormat *format, TupleTableSlot *slot, int64 ledger_seq)
{
	static ScBuf buf = SC_BUF_INIT;	/* kept: an error of an output function must not leak it */

	sc_row_leaf(&buf, format, slot->tts_values, slot->tts_isnull, ledger_seq);
	sc_row_hash(hash, format, &buf);
}

/* fills the slot; may raise whatever input functions raise */
static void
fill(void *arg)
{
	Fill	   *fill = arg;
	TupleDesc	desc = RelationGetDescr(fill->rel);
	MemoryContext old = MemoryContextSwitchTo(fill->context);
	ScRowFormat *format = sc_row_format_copy(fill->rel, fill->context);
	ScLedgerTable *table = sc_ledger_by_relation(RelationGetRelid(fill->rel), false);
	AttrNumber	time_attno = get_attnum(table->relation, SC_LEDGER_TIME);
	int			nestlevel = sc_row_settings_begin(format);

	ExecClearTuple(fill->slot);
	fill_missing(fill->slot, desc);
	fill_columns(fill->slot, format, fill->row, desc, table->table_id);
	fill->slot->tts_values[sc_row_format_seq_attno(format) - 1] = Int64GetDatum(fill->row->ledger_seq);
	fill->slot->tts_isnull[sc_row_format_seq_attno(format) - 1] = false;
	if (time_attno != InvalidAttrNumber)
	{
		fill->slot->tts_values[time_attno - 1] = Int64GetDatum(fill->row->time);
		fill->slot->tts_isnull[time_attno - 1] = !fill->row->timed;
	}
	ExecStoreVirtualTuple(fill->slot);
	hash_slot(fill->hash, format, fill->slot, fill->row->ledger_seq);
	sc_row_settings_end(nestlevel);
	MemoryContextSwitchTo(old);
}

bool
sc_row_values_fill(TupleTableSlot *slot, ScHash *hash, const ScRowValues *row, Relation rel, char **problem)
{
	Fill		arg = {slot, hash, row, rel, CurrentMemoryContext};

	return sc_guard(fill, &arg, problem);
}
