/*
 * places.c
 *	  Writing and reading the hint where the rows of a tile were stored.
 *
 * Invariant: decode(encode(p)) = p.  decode never reads beyond its input and
 * never fails: a damaged hint is a hint less.
 */
#include "postgres.h"

#include "compat.h"
#include "ledger/journal.h"
#include "seal/places.h"
#include "seal/tree_store.h"

/* most bytes of one place: run header of 5 + 2, step of 5, offset of 3 */
#define SC_PLACE_MAX 15

/* appends a LEB128 number */
static uint8 *
put_varint(uint8 *out, uint64 value)
{
	while (value >= 0x80)
	{
		*out++ = (uint8) (value | 0x80);
		value >>= 7;
	}
	*out++ = (uint8) value;
	return out;
}

/* reads a LEB128 number; false at the end of the input */
static bool
get_varint(const uint8 **in, const uint8 *end, uint64 *value)
{
	*value = 0;
	for (int shift = 0; shift < 63; shift += 7)
	{
		uint8		byte;

		if (*in >= end)
			return false;
		byte = *(*in)++;
		*value |= (uint64) (byte & 0x7F) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

static uint64
zigzag(int64 value)
{
	return ((uint64) value << 1) ^ (uint64) (value >> 63);
}

static int64
unzigzag(uint64 value)
{
	return (int64) (value >> 1) ^ -(int64) (value & 1);
}

/* the block and offset, whatever they are: a hint may be invalid */
static inline int64
tid_block(const ScPlace *place)
{
	return ItemPointerGetBlockNumberNoCheck(&place->tid);
}

static inline int
tid_offset(const ScPlace *place)
{
	return ItemPointerGetOffsetNumberNoCheck(&place->tid);
}

/* steps of a run of TIDs */
static uint8 *
put_tids(uint8 *out, const ScPlace *places, int count)
{
	int64		block = 0;

	for (int i = 0; i < count;)
	{
		int			more = 0;

		while (i > 0 && i + more < count &&
			   tid_block(&places[i + more]) == block &&
			   tid_offset(&places[i + more]) == tid_offset(&places[i + more - 1]) + 1)
			more++;
		if (more > 0)
		{
			out = put_varint(out, (uint64) more << 1);
			i += more;
			continue;
		}
		out = put_varint(out, zigzag(tid_block(&places[i]) - block) << 1 | 1);
		out = put_varint(out, tid_offset(&places[i]));
		block = tid_block(&places[i]);
		i++;
	}
	return out;
}

bytea *
sc_places_encode(const ScPlace *places, int count)
{
	bytea	   *result = palloc(VARHDRSZ + 1 + (Size) count * SC_PLACE_MAX);
	uint8	   *out = (uint8 *) VARDATA(result);

	*out++ = SC_PLACES_VERSION;
	for (int i = 0; i < count;)
	{
		int			n = 1;

		while (i + n < count && places[i + n].table_id == places[i].table_id)
			n++;
		out = put_varint(out, zigzag(places[i].table_id));
		out = put_varint(out, n);
		if (places[i].table_id > SC_TABLE_EVENTS)
			out = put_tids(out, &places[i], n);
		i += n;
	}
	SET_VARSIZE(result, (char *) out - (char *) result);
	return result;
}

/* TIDs of a run; how many could be read */
static int
get_tids(ScPlace *places, int count, const uint8 **in, const uint8 *end)
{
	int64		block = 0;
	uint64		offset = 0;
	int			i = 0;

	while (i < count)
	{
		uint64		step;

		if (!get_varint(in, end, &step))
			return i;
		if (step & 1)
		{
			block += unzigzag(step >> 1);
			if (!get_varint(in, end, &offset))
				return i;
			ItemPointerSet(&places[i].tid, (BlockNumber) block, (OffsetNumber) offset);
			i++;
			continue;
		}
		if (step == 0)
			return i;
		for (uint64 more = step >> 1; more > 0 && i < count; more--, i++)
		{
			offset++;
			ItemPointerSet(&places[i].tid, (BlockNumber) block, (OffsetNumber) offset);
		}
	}
	return i;
}

void
sc_places_decode(ScPlace *places, int count, const bytea *encoded)
{
	const uint8 *in = (const uint8 *) VARDATA_ANY(encoded);
	const uint8 *end = in + VARSIZE_ANY_EXHDR(encoded);
	int			i = 0;

	for (int k = 0; k < count; k++)
	{
		places[k].table_id = SC_TABLE_EVENTS;
		ItemPointerSetInvalid(&places[k].tid);
	}
	if (in >= end || *in++ != SC_PLACES_VERSION)
		return;
	while (i < count)
	{
		uint64		table_id;
		uint64		n;
		int			got;

		if (!get_varint(&in, end, &table_id) || !get_varint(&in, end, &n) || n == 0)
			return;
		n = Min(n, (uint64) (count - i));
		got = n;
		if (unzigzag(table_id) > SC_TABLE_EVENTS)
			got = get_tids(&places[i], (int) n, &in, end);
		for (int k = 0; k < got; k++)
			places[i + k].table_id = (int32) unzigzag(table_id);
		if (got < (int) n)
			return;
		i += got;
	}
}
