/*
 * seq_column.c
 *	  Putting ledger_seq and ledger_time into a tuple slot.
 *
 * The executor has materialized the row before the access method sees it, so
 * the tuple has to be formed again.  COPY does this for every row: where
 * ledger_seq is the last attribute its eight bytes are appended to the tuple,
 * which gives what heap_form_tuple would have made.
 * Rows with an acceptance time are formed again: next to what they are judged
 * by, that costs nothing.
 * Invariant: the slot holds the same row afterwards, those columns apart.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/tuptable.h"
#include "ledger/seq_column.h"
#include "utils/timestamp.h"

StaticAssertDecl(FLOAT8PASSBYVAL, "ledger_seq is set as a pass-by-value datum");

/* forms the tuple anew with the values of some attributes, 1 or 2, changed */
static void
form_again(TupleTableSlot *slot, int n, const AttrNumber *attnos, const Datum *datums, bool isnull)
{
	int			natts = slot->tts_tupleDescriptor->natts;
	Datum	   *values = palloc(natts * sizeof(Datum));
	bool	   *nulls = palloc(natts * sizeof(bool));
	HeapTuple	tuple;

	slot_getallattrs(slot);
	memcpy(values, slot->tts_values, natts * sizeof(Datum));
	memcpy(nulls, slot->tts_isnull, natts * sizeof(bool));
	for (int i = 0; i < n; i++)
	{
		values[attnos[i] - 1] = isnull ? (Datum) 0 : datums[i];
		nulls[attnos[i] - 1] = isnull;
	}
	tuple = heap_form_tuple(slot->tts_tupleDescriptor, values, nulls);
	ExecForceStoreHeapTuple(tuple, slot, true);
	pfree(values);
	pfree(nulls);
}

/* the slot's own tuple if it is one that append_seq can take, else NULL */
static HeapTuple
appendable_tuple(TupleTableSlot *slot, AttrNumber attno)
{
	BufferHeapTupleTableSlot *bslot = (BufferHeapTupleTableSlot *) slot;

	if (!TTS_IS_BUFFERTUPLE(slot) || bslot->base.tuple == NULL || !TTS_SHOULDFREE(slot))
		return NULL;
	if (attno != slot->tts_tupleDescriptor->natts ||
		HeapTupleHeaderGetNatts(bslot->base.tuple->t_data) != attno)
		return NULL;
	return bslot->base.tuple;
}

/* are all attributes but the last not null? */
static bool
only_last_null(HeapTuple tuple, int natts)
{
	for (int i = 0; i < natts - 1; i++)
		if (att_isnull(i, tuple->t_data->t_bits))
			return false;
	return true;
}

/*
 * Puts seq where a tuple's last attribute is NULL; the tuple's memory, one
 * chunk, may move.  The null bitmap goes when nothing else is NULL.
 */
static HeapTuple
append_seq(HeapTuple tuple, int natts, int64 seq)
{
	bool		full = only_last_null(tuple, natts);
	int			old_hoff = tuple->t_data->t_hoff;
	int			hoff = full ? (int) MAXALIGN(SizeofHeapTupleHeader) : old_hoff;
	int			datalen = tuple->t_len - old_hoff;
	int			seqoff = hoff + TYPEALIGN(ALIGNOF_LONG, datalen);
	int			len = seqoff + (int) sizeof(int64);
	HeapTupleHeader header;

	tuple = repalloc(tuple, HEAPTUPLESIZE + Max(len, (int) tuple->t_len));
	header = (HeapTupleHeader) ((char *) tuple + HEAPTUPLESIZE);
	if (hoff != old_hoff)
		memmove((char *) header + hoff, (char *) header + old_hoff, datalen);
	memset((char *) header + hoff + datalen, 0, seqoff - hoff - datalen);
	memcpy((char *) header + seqoff, &seq, sizeof(seq));

	header->t_hoff = hoff;
	HeapTupleHeaderSetDatumLength(header, len);
	if (full)
		header->t_infomask &= ~HEAP_HASNULL;
	else
		header->t_bits[(natts - 1) >> 3] |= 1 << ((natts - 1) & 7);
	tuple->t_data = header;
	tuple->t_len = len;
	return tuple;
}

void
sc_seq_column_set(TupleTableSlot *slot, AttrNumber attno, int64 seq)
{
	HeapTuple	old = appendable_tuple(slot, attno);

	if (TTS_IS_VIRTUAL(slot))
	{
		slot_getallattrs(slot);
		slot->tts_values[attno - 1] = Int64GetDatum(seq);
		slot->tts_isnull[attno - 1] = false;
		return;
	}
	if (old == NULL)
	{
		Datum		datum = Int64GetDatum(seq);

		form_again(slot, 1, &attno, &datum, false);
		return;
	}

	((BufferHeapTupleTableSlot *) slot)->base.tuple = append_seq(old, attno, seq);
	((BufferHeapTupleTableSlot *) slot)->base.off = 0;
	slot->tts_nvalid = 0;
}

void
sc_seq_time_set(TupleTableSlot *slot, AttrNumber seq_attno, int64 seq, AttrNumber time_attno, TimestampTz time)
{
	AttrNumber	attnos[] = {seq_attno, time_attno};
	Datum		datums[] = {Int64GetDatum(seq), TimestampTzGetDatum(time)};

	form_again(slot, 2, attnos, datums, false);
}

void
sc_seq_time_clear(TupleTableSlot *slot, AttrNumber seq_attno, AttrNumber time_attno)
{
	AttrNumber	attnos[] = {seq_attno, time_attno};

	form_again(slot, time_attno != InvalidAttrNumber ? 2 : 1, attnos, NULL, true);
}
