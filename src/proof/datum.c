/*
 * datum.c
 *	  Looking inside values before a type's output function does.
 *
 * Output functions trust what is stored.  A damaged array, jsonb, range, bit
 * string, path, polygon, tsvector or tsquery would lead them outside their
 * memory, so every length and offset that they follow is checked first.
 * Fixed-length types and texts have nothing to check.
 *
 * Invariant: no byte outside the value is read, here or, after `true`, by the
 * built-in output function.
 * Does not judge values: a wrong value shows in the leaf's hash.  Types of
 * other extensions (seoulchain.allowed_type) are not looked into.
 */
#include "postgres.h"

#include "proof/datum.h"

#include <sys/socket.h>

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tsearch/ts_type.h"
#include "utils/array.h"
#include "utils/geo_decls.h"
#include "utils/inet.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"
#include "utils/varbit.h"

/* a stretch of a value, its length word not counted */
typedef struct Span
{
	const char *data;
	size_t		len;
} Span;

static bool value_ok(Oid typid, Span span);

/* an int32 at an offset that the caller has checked */
static int32
read_int32(Span span, size_t offset)
{
	int32		value;

	memcpy(&value, span.data + offset, sizeof(value));
	return value;
}

/* does the type have anything to check? */
static bool
has_structure(Oid typid)
{
	switch (typid)
	{
		case BITOID:
		case VARBITOID:
		case INETOID:
		case CIDROID:
		case PATHOID:
		case POLYGONOID:
		case TSVECTOROID:
		case TSQUERYOID:
		case JSONBOID:
		case NUMERICOID:
			return true;
		default:
			return OidIsValid(get_element_type(typid)) || type_is_range(typid) || type_is_multirange(typid);
	}
}

static bool
numeric_ok(Span span)
{
	uint16		header;

	if (span.len < sizeof(uint16))
		return false;
	memcpy(&header, span.data, sizeof(header));
	/* the long form (sign bits 00 or 01) has a weight behind the header */
	return (header & 0x8000) != 0 || span.len >= 2 * sizeof(uint16);
}

static bool
bits_ok(Span span)
{
	int32		bits;

	if (span.len < sizeof(int32))
		return false;
	bits = read_int32(span, 0);
	return bits >= 0 && ((size_t) bits + BITS_PER_BYTE - 1) / BITS_PER_BYTE == span.len - sizeof(int32);
}

static bool
inet_ok(Span span)
{
	if (span.len < 2)
		return false;
	switch ((unsigned char) span.data[0])
	{
		case PGSQL_AF_INET:
			return span.len >= 2 + 4 && (unsigned char) span.data[1] <= 32;
		case PGSQL_AF_INET6:
			return span.len >= 2 + 16 && (unsigned char) span.data[1] <= 128;
		default:
			return false;
	}
}

/* points behind a count at the start and `fixed` bytes */
static bool
points_ok(Span span, size_t fixed)
{
	int32		npoints;

	if (span.len < fixed)
		return false;
	npoints = read_int32(span, 0);
	return npoints >= 0 && (span.len - fixed) / sizeof(Point) == (size_t) npoints;
}

static bool
tsvector_ok(Span span)
{
	int32		size;
	size_t		texts;
	size_t		room;

	if (span.len < sizeof(int32))
		return false;
	size = read_int32(span, 0);
	if (size < 0 || (size_t) size > (span.len - sizeof(int32)) / sizeof(WordEntry))
		return false;
	texts = sizeof(int32) + size * sizeof(WordEntry);
	room = span.len - texts;
	for (int32 i = 0; i < size; i++)
	{
		WordEntry	entry;
		size_t		end;
		uint16		positions;

		memcpy(&entry, span.data + sizeof(int32) + i * sizeof(WordEntry), sizeof(entry));
		end = (size_t) entry.pos + entry.len;
		if (end > room)
			return false;
		if (!entry.haspos)
			continue;
		end = SHORTALIGN(end);
		if (end + sizeof(uint16) > room)
			return false;
		memcpy(&positions, span.data + texts + end, sizeof(positions));
		if (end + sizeof(uint16) + positions * sizeof(WordEntryPos) > room)
			return false;
	}
	return true;
}

static bool
tsquery_ok(Span span)
{
	int32		size;
	size_t		texts;
	size_t		room;
	int64		wanted = 1;

	if (span.len < sizeof(int32))
		return false;
	size = read_int32(span, 0);
	if (size == 0)
		return true;
	if (size < 0 || (size_t) size > (span.len - sizeof(int32)) / sizeof(QueryItem))
		return false;
	texts = sizeof(int32) + size * sizeof(QueryItem);
	room = span.len - texts;
	for (int32 i = 0; i < size; i++)
	{
		QueryItem	item;
		size_t		end;

		if (wanted-- == 0)
			return false;
		memcpy(&item, span.data + sizeof(int32) + i * sizeof(QueryItem), sizeof(item));
		switch (item.type)
		{
			case QI_VAL:
				end = (size_t) item.qoperand.distance + item.qoperand.length;
				if (end >= room || span.data[texts + end] != '\0')
					return false;
				break;
			case QI_OPR:
				if (item.qoperator.oper < OP_NOT || item.qoperator.oper > OP_COUNT)
					return false;
				wanted += item.qoperator.oper == OP_NOT ? 1 : 2;
				break;
			default:
				return false;
		}
	}
	return wanted == 0;
}

/* a jsonb container: its header, entries and what they point to */
static bool
jsonb_ok(Span span)
{
	uint32		header;
	size_t		nentries;
	size_t		begin;
	size_t		room;
	size_t		end = 0;

	check_stack_depth();
	if (span.len < sizeof(uint32))
		return false;
	header = (uint32) read_int32(span, 0);
	if (!(header & (JB_FOBJECT | JB_FARRAY)))
		return false;
	nentries = header & JB_CMASK;
	if (header & JB_FOBJECT)
		nentries *= 2;
	if (nentries > (span.len - sizeof(uint32)) / sizeof(JEntry))
		return false;
	begin = sizeof(uint32) + nentries * sizeof(JEntry);
	room = span.len - begin;
	for (size_t i = 0; i < nentries; i++)
	{
		JEntry		entry = (JEntry) read_int32(span, sizeof(uint32) + i * sizeof(JEntry));
		size_t		start = end;
		size_t		aligned = INTALIGN(start);
		Span		inner;

		end = JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) : start + JBE_OFFLENFLD(entry);
		if (end < start || end > room)
			return false;
		inner.data = span.data + begin + aligned;
		inner.len = end > aligned ? end - aligned : 0;
		if (JBE_ISCONTAINER(entry))
		{
			if (!jsonb_ok(inner))
				return false;
		}
		else if (JBE_ISNUMERIC(entry))
		{
			if (inner.len < VARHDRSZ || VARATT_IS_EXTENDED(inner.data) ||
				VARSIZE_4B(inner.data) < VARHDRSZ || VARSIZE_4B(inner.data) > inner.len)
				return false;
			if (!numeric_ok((Span) {inner.data + VARHDRSZ, VARSIZE_4B(inner.data) - VARHDRSZ}))
				return false;
		}
		else if (!JBE_ISSTRING(entry) && !JBE_ISBOOL(entry) && !JBE_ISNULL(entry))
			return false;
	}
	return true;
}

/* what a value of a type looks like inside another value */
typedef struct Inner
{
	Oid			typid;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	bool		structure;
} Inner;

static Inner
inner_of(Oid typid)
{
	Inner		inner;

	inner.typid = getBaseType(typid);
	get_typlenbyvalalign(inner.typid, &inner.typlen, &inner.typbyval, &inner.typalign);
	inner.structure = has_structure(inner.typid);
	return inner;
}

/* a value at `*at` of the span; moves *at behind it */
static bool
inner_ok(const Inner *inner, Span span, const char **at)
{
	const char *end = span.data + span.len;
	const char *p = *at;
	size_t		size;

	if (p > end)
		return false;
	if (inner->typlen > 0)
		size = inner->typlen;
	else if (inner->typlen == -1)
	{
		if (p >= end || VARATT_IS_1B_E(p))
			return false;
		if (!VARATT_IS_1B(p) && (end - p < VARHDRSZ || VARATT_IS_4B_C(p) || VARSIZE_4B(p) < VARHDRSZ))
			return false;
		size = VARSIZE_ANY(p);
	}
	else
		size = strnlen(p, end - p) + 1;
	if (size > (size_t) (end - p))
		return false;
	if (inner->structure && !value_ok(inner->typid, (Span) {VARDATA_ANY(p), VARSIZE_ANY_EXHDR(p)}))
		return false;
	*at = p + size;
	return true;
}

/* the bounds of a range */
static bool
bounds_ok(const Inner *inner, Span span, const char **at, char flags)
{
	if (RANGE_HAS_LBOUND(flags) && !inner_ok(inner, span, at))
		return false;
	if (!RANGE_HAS_UBOUND(flags))
		return true;
	if (*at >= span.data + span.len)
		return false;
	*at = (const char *) att_align_pointer((uintptr_t) *at, inner->typalign, inner->typlen, *at);
	return inner_ok(inner, span, at);
}

static bool
range_ok(Oid typid, Span span)
{
	Inner		inner = inner_of(get_range_subtype(typid));
	const char *at = span.data + sizeof(Oid);

	/* type, bounds, and the flags in the last byte */
	if (span.len < sizeof(Oid) + 1 || (Oid) read_int32(span, 0) != typid)
		return false;
	return bounds_ok(&inner, (Span) {span.data, span.len - 1}, &at, span.data[span.len - 1]);
}

static bool
multirange_ok(Oid typid, Span span)
{
	Inner		inner = inner_of(get_range_subtype(get_multirange_range(typid)));
	size_t		count;
	size_t		flags;
	size_t		begin;
	size_t		offset = 0;

	/* type, count, count - 1 items, count flags, bounds */
	if (span.len < 2 * sizeof(int32) || (Oid) read_int32(span, 0) != typid)
		return false;
	count = (uint32) read_int32(span, sizeof(Oid));
	if (count == 0)
		return true;
	if (count > span.len / (sizeof(uint32) + 1) + 1)
		return false;
	flags = 2 * sizeof(int32) + (count - 1) * sizeof(uint32);
	begin = att_align_nominal(VARHDRSZ + flags + count, inner.typalign) - VARHDRSZ;
	if (begin > span.len)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		const char *at;

		if (i > 0)
		{
			uint32		item = (uint32) read_int32(span, 2 * sizeof(int32) + (i - 1) * sizeof(uint32));

			offset = (item & 0x80000000) ? (item & 0x7fffffff) : offset + (item & 0x7fffffff);
		}
		if (offset > span.len - begin)
			return false;
		at = span.data + begin + offset;
		if (!bounds_ok(&inner, span, &at, span.data[flags + i]))
			return false;
	}
	return true;
}

/* dimensions, null bitmap and elements of an array */
static bool
array_ok(Oid element, Span span)
{
	const char *start = span.data - VARHDRSZ;
	Span		whole = {start, span.len + VARHDRSZ};
	Inner		inner = inner_of(element);
	const bits8 *nulls = NULL;
	size_t		nitems = 1;
	size_t		header;
	int32		ndim;
	int32		dataoffset;
	const char *at;

	if (whole.len < sizeof(ArrayType))
		return false;
	ndim = read_int32(span, 0);
	dataoffset = read_int32(span, sizeof(int32));
	if (ndim < 0 || ndim > MAXDIM || (Oid) read_int32(span, 2 * sizeof(int32)) != element)
		return false;
	if (whole.len < ARR_OVERHEAD_NONULLS(ndim))
		return false;
	if (ndim == 0)
		return true;
	for (int i = 0; i < ndim; i++)
	{
		int32		dim = read_int32(span, 3 * sizeof(int32) + i * sizeof(int32));
		int32		lower = read_int32(span, 3 * sizeof(int32) + (ndim + i) * sizeof(int32));

		if (dim < 0 || (int64) lower + dim > PG_INT32_MAX)
			return false;
		nitems *= dim;
		if (nitems > MaxArraySize)
			return false;
	}
	header = ARR_OVERHEAD_NONULLS(ndim);
	if (dataoffset != 0)
	{
		header = ARR_OVERHEAD_WITHNULLS(ndim, nitems);
		if (dataoffset < 0 || (size_t) dataoffset != header)
			return false;
		nulls = (const bits8 *) start + sizeof(ArrayType) + 2 * sizeof(int) * ndim;
	}
	if (header > whole.len)
		return false;
	at = start + header;
	for (size_t i = 0; i < nitems; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (nulls && !(nulls[i / 8] & (1 << (i % 8))))
			continue;
		if (!inner_ok(&inner, whole, &at))
			return false;
		at = start + att_align_nominal(at - start, inner.typalign);
	}
	return true;
}

/* dispatch by base type */
static bool
value_ok(Oid typid, Span span)
{
	Oid			element;

	switch (typid)
	{
		case BITOID:
		case VARBITOID:
			return bits_ok(span);
		case INETOID:
		case CIDROID:
			return inet_ok(span);
		case PATHOID:
			return points_ok(span, 3 * sizeof(int32));
		case POLYGONOID:
			return points_ok(span, sizeof(int32) + sizeof(BOX));
		case TSVECTOROID:
			return tsvector_ok(span);
		case TSQUERYOID:
			return tsquery_ok(span);
		case JSONBOID:
			return jsonb_ok(span);
		case NUMERICOID:
			return numeric_ok(span);
	}
	element = get_element_type(typid);
	if (OidIsValid(element))
		return array_ok(element, span);
	return type_is_range(typid) ? range_ok(typid, span) : multirange_ok(typid, span);
}

int
sc_datum_checks(ScDatumCheck **out, TupleDesc tupdesc)
{
	int			n = 0;

	*out = palloc(sizeof(ScDatumCheck) * Max(tupdesc->natts, 1));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);
		Oid			typid;

		if (att->attisdropped || att->attlen != -1)
			continue;
		typid = getBaseType(att->atttypid);
		if (has_structure(typid))
			(*out)[n++] = (ScDatumCheck) {i, typid};
	}
	return n;
}

bool
sc_datum_ok(Oid typid, Datum *value)
{
	struct varlena *plain = PG_DETOAST_DATUM(*value);

	*value = PointerGetDatum(plain);
	return value_ok(typid, (Span) {VARDATA(plain), VARSIZE(plain) - VARHDRSZ});
}
