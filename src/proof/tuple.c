/*
 * tuple.c
 *	  Taking apart a stored tuple that may be damaged.
 *
 * heap_deform_tuple trusts what it reads, which is right for a server and
 * wrong for a verifier.  Here every offset and length is checked before it is
 * used, as amcheck's verify_heapam does, in one pass.
 *
 * Invariant: no byte outside [header, header + len) is read.
 * Context: the tuple is a private copy or pinned and locked; sc_tuple_state
 * needs a registered or active snapshot.  Writes nothing, no hint bits.
 * Does not look inside values: datum.h does.
 */
#include "postgres.h"

#include "proof/tuple.h"

#include "access/detoast.h"
#include "access/toast_internals.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/multixact.h"
#include "access/heapam.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* has the transaction committed, as the snapshot sees it? */
static bool
committed(TransactionId xid, bool hinted, Snapshot snapshot)
{
	if (XidInMVCCSnapshot(xid, snapshot))
		return false;
	return hinted || TransactionIdDidCommit(xid);
}

/* did a transaction delete or update the tuple, as the snapshot sees it? */
static bool
deleted(HeapTupleHeader header, Snapshot snapshot)
{
	TransactionId xmax;

	if ((header->t_infomask & HEAP_XMAX_INVALID) || HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
		return false;
	xmax = HeapTupleHeaderGetUpdateXid(header);
	if (!TransactionIdIsValid(xmax))
		return false;
	if (TransactionIdIsCurrentTransactionId(xmax))
		return true;
	return committed(xmax, !(header->t_infomask & HEAP_XMAX_IS_MULTI) &&
					 (header->t_infomask & HEAP_XMAX_COMMITTED), snapshot);
}

ScTupleState
sc_tuple_state(HeapTupleHeader header, Snapshot snapshot)
{
	if (!HeapTupleHeaderXminFrozen(header))
	{
		TransactionId xmin = HeapTupleHeaderGetRawXmin(header);

		if (HeapTupleHeaderXminInvalid(header))
			return SC_TUPLE_INVISIBLE;
		if (TransactionIdIsCurrentTransactionId(xmin))
			return deleted(header, snapshot) ? SC_TUPLE_INVISIBLE : SC_TUPLE_OWN;
		if (!committed(xmin, HeapTupleHeaderXminCommitted(header), snapshot))
			return SC_TUPLE_INVISIBLE;
	}
	return deleted(header, snapshot) ? SC_TUPLE_INVISIBLE : SC_TUPLE_VISIBLE;
}

/* is the header whole, with room for its null bitmap? */
static bool
header_ok(HeapTupleHeader header, uint32 len, TupleDesc tupdesc)
{
	int			natts;
	uint32		least;

	if (len < SizeofHeapTupleHeader || header->t_hoff > len || header->t_hoff != MAXALIGN(header->t_hoff))
		return false;
	natts = HeapTupleHeaderGetNatts(header);
	least = SizeofHeapTupleHeader;
	if (header->t_infomask & HEAP_HASNULL)
		least += BITMAPLEN(natts);
	return natts <= tupdesc->natts && header->t_hoff >= MAXALIGN(least);
}

/* a varlena of `room` bytes at most: its size in the tuple, 0 when it is damaged */
static uint32
varlena_size(const char *data, uint32 room, Oid toastrelid)
{
	uint32		size;

	if (VARATT_IS_1B_E(data))
	{
		struct varatt_external external;

		if (room < TOAST_POINTER_SIZE || VARTAG_1B_E(data) != VARTAG_ONDISK)
			return 0;
		VARATT_EXTERNAL_GET_POINTER(external, data);
		if (external.va_toastrelid != toastrelid || external.va_rawsize < VARHDRSZ ||
			(Size) external.va_rawsize > MaxAllocSize ||
			(int32) VARATT_EXTERNAL_GET_EXTSIZE(external) > external.va_rawsize - VARHDRSZ)
			return 0;
		return TOAST_POINTER_SIZE;
	}
	if (VARATT_IS_1B(data))
		size = VARSIZE_1B(data);
	else
	{
		if (room < VARHDRSZ)
			return 0;
		size = VARSIZE_4B(data);
		if (size < VARHDRSZ || (VARATT_IS_4B_C(data) && size < VARHDRSZ_COMPRESSED))
			return 0;
	}
	return size <= room ? size : 0;
}

bool
sc_attributes_deform(Datum *values, bool *nulls, const char *data, uint32 room,
					 int natts, const bits8 *bits, TupleDesc tupdesc, Oid toastrelid)
{
	uint32		off = 0;

	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);
		uint32		size;

		values[i] = (Datum) 0;
		nulls[i] = bits != NULL && att_isnull(i, bits);
		if (nulls[i])
			continue;
		if (att->attlen == -1)
		{
			if (off >= room)
				return false;
			off = att_align_pointer(off, att->attalign, -1, data + off);
			if (off >= room || (size = varlena_size(data + off, room - off, toastrelid)) == 0)
				return false;
		}
		else
		{
			off = att_align_nominal(off, att->attalign);
			if (off > room)
				return false;
			size = att->attlen > 0 ? (uint32) att->attlen : strnlen(data + off, room - off) + 1;
			if (size > room - off)
				return false;
		}
		values[i] = fetchatt(att, data + off);
		off += size;
	}
	return true;
}

bool
sc_tuple_deform(Datum *values, bool *nulls, HeapTupleHeader header, uint32 len,
				TupleDesc tupdesc, Oid toastrelid)
{
	bool		hasnulls;
	int			natts;

	if (!header_ok(header, len, tupdesc))
		return false;
	hasnulls = (header->t_infomask & HEAP_HASNULL) != 0;
	natts = HeapTupleHeaderGetNatts(header);
	if (!sc_attributes_deform(values, nulls, (const char *) header + header->t_hoff, len - header->t_hoff,
							  natts, hasnulls ? header->t_bits : NULL, tupdesc, toastrelid))
		return false;
	for (int i = natts; i < tupdesc->natts; i++)
		values[i] = getmissingattr(tupdesc, i + 1, &nulls[i]);
	return true;
}
