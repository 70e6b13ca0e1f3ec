/*
 * row.c
 *	  Composes a row's canonical leaf.
 *
 * Invariant: the same row, format and ledger_seq give the same bytes in every
 * session.  Members stand in the order of JCS: chain, columns, digests,
 * (private,) seq, table, time.
 *
 * Context: a transaction; the caller has dump settings on if the format asks
 * for them.  The common types allocate nothing; others palloc in the current
 * memory context.  The caller holds a lock on the relation (values may have to
 * be fetched from its TOAST table).
 * Effects: none but the buffer.  Errors: PROGRAM_LIMIT_EXCEEDED for a leaf
 * over SC_LEAF_MAX; what detoasting and output functions raise.
 *
 * Source: docs/format.md section 1.1.
 */
#include "postgres.h"

#include "ledger/row_internal.h"

#include "compat.h"
#include "core/hash.h"
#include "core/json.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* a value that stands under "digests" */
typedef struct LongValue
{
	const ScRowColumn *column;
	const char *data;			/* its text, or the bytes of a bytea */
	size_t		len;
} LongValue;

typedef struct LongValues
{
	int			count;
	LongValue  *items;			/* palloc'd with the first; room for every column */
} LongValues;

/* notes a long value; the text lives as long as the caller's memory context */
static void
add_long(LongValues *longs, const ScRowFormat *format, const ScRowColumn *column, const char *data, size_t len)
{
	if (longs->items == NULL)
		longs->items = palloc(sizeof(LongValue) * format->ncolumns);
	longs->items[longs->count++] = (LongValue) {column, data, len};
}

/* writes a value that no fast text exceeds; returns its end */
static inline char *
write_fast(char *p, ScValueKind kind, Datum value)
{
	switch (kind)
	{
		case SC_VALUE_BOOL:
			*p = DatumGetBool(value) ? 't' : 'f';
			return p + 1;
		case SC_VALUE_INT2:
			return sc_row_write_int64(p, DatumGetInt16(value));
		case SC_VALUE_INT4:
			return sc_row_write_int64(p, DatumGetInt32(value));
		case SC_VALUE_INT8:
			return sc_row_write_int64(p, DatumGetInt64(value));
		case SC_VALUE_FLOAT4:
			return sc_row_write_float4(p, DatumGetFloat4(value));
		case SC_VALUE_FLOAT8:
			return sc_row_write_float8(p, DatumGetFloat8(value));
		case SC_VALUE_UUID:
			return sc_row_write_uuid(p, DatumGetUUIDP(value)->data);
		case SC_VALUE_DATE:
			return sc_row_write_date(p, DatumGetDateADT(value));
		case SC_VALUE_TIMESTAMP:
			return sc_row_write_timestamp(p, DatumGetTimestamp(value), false);
		case SC_VALUE_TIMESTAMPTZ:
			return sc_row_write_timestamp(p, DatumGetTimestampTz(value), true);
		default:
			elog(ERROR, "value kind %d has no fast text", (int) kind);
	}
}

/* the quoted text of a bytea's hex form */
static void
append_bytea(ScBuf *buf, const char *data, size_t len)
{
	sc_buf_literal(buf, "\"\\\\x");
	sc_buf_hex(buf, data, len);
	sc_buf_char(buf, '"');
}

/* appends a column's quoted text; false when it is long and was noted instead */
static inline bool
append_value(ScBuf *buf, LongValues *longs, const ScRowFormat *format, const ScRowColumn *column, Datum value)
{
	const char *data;
	size_t		len;

	switch (column->kind)
	{
		case SC_VALUE_TEXT:
			{
				struct varlena *text = PG_DETOAST_DATUM_PACKED(value);

				data = VARDATA_ANY(text);
				len = VARSIZE_ANY_EXHDR(text);
				break;
			}
		case SC_VALUE_BYTEA:
			{
				struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

				data = VARDATA_ANY(bytes);
				len = VARSIZE_ANY_EXHDR(bytes);
				if (len <= (SC_LEAF_LONG_VALUE - 2) / 2)
				{
					append_bytea(buf, data, len);
					return true;
				}
				add_long(longs, format, column, data, len);
				return false;
			}
		case SC_VALUE_NUMERIC:
			data = DatumGetCString(DirectFunctionCall1(numeric_out, value));
			len = strlen(data);
			break;
		case SC_VALUE_OUTPUT:
			data = OutputFunctionCall(column->output, value);
			len = strlen(data);
			break;
		default:
			{
				char	   *p;

				if (buf->cap - buf->len < SC_ROW_FAST_MAX + 2 && !sc_buf_reserve(buf, SC_ROW_FAST_MAX + 2))
					return true;
				p = buf->data + buf->len;
				*p++ = '"';
				p = write_fast(p, column->kind, value);
				*p++ = '"';
				buf->len = p - buf->data;
				return true;
			}
	}
	if (len > SC_LEAF_LONG_VALUE)
	{
		add_long(longs, format, column, data, len);
		return false;
	}
	sc_json_string(buf, data, len);
	return true;
}

/* length and hash of a long value's text; a bytea's text is its hex form */
static void
digest_long(const LongValue *value, size_t *len, ScHash *hash)
{
	ScBuf		text = SC_BUF_INIT;

	if (value->column->kind != SC_VALUE_BYTEA)
	{
		*len = value->len;
		sc_hash_bytes(hash, value->data, value->len);
		return;
	}
	sc_buf_literal(&text, "\\x");
	sc_buf_hex(&text, value->data, value->len);
	if (text.failed)
	{
		sc_buf_free(&text);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed on the text of a bytea of %zu bytes.", value->len)));
	}
	*len = text.len;
	sc_hash_bytes(hash, text.data, text.len);
	sc_buf_free(&text);
}

/* ,"digests":{"name":{"bytes":"N","sha256":"hex"},...} */
static void
append_digests(ScBuf *buf, const LongValues *longs)
{
	sc_buf_literal(buf, ",\"digests\":{");
	for (int i = 0; i < longs->count; i++)
	{
		const ScRowColumn *column = longs->items[i].column;
		size_t		len;
		ScHash		hash;
		int			skip = i == 0 ? 1 : 0;	/* the first key has no comma */

		digest_long(&longs->items[i], &len, &hash);
		sc_buf_append(buf, column->key + skip, column->keylen - skip);
		sc_buf_literal(buf, "{\"bytes\":\"");
		sc_buf_uint64(buf, len);
		sc_buf_literal(buf, "\",\"sha256\":\"");
		sc_buf_hex(buf, hash.bytes, SC_HASH_LEN);
		sc_buf_literal(buf, "\"}");
	}
	sc_buf_char(buf, '}');
}

/* the members of "columns", of those that the mask has if there is one; long values are noted for "digests" */
static inline void
append_columns(ScBuf *buf, LongValues *longs, const ScRowFormat *format,
			   const Datum *values, const bool *nulls, int64 ledger_seq, const bool *mask)
{
	int			skip = 1;		/* the first key has no comma */

	for (int i = 0; i < format->ncolumns; i++)
	{
		const ScRowColumn *column = &format->columns[i];
		size_t		mark = buf->len;

		if (nulls[column->index] || column->joined_seq >= ledger_seq || (mask != NULL && !mask[i]))
			continue;
		sc_buf_append(buf, column->key + skip, column->keylen - skip);
		if (append_value(buf, longs, format, column, values[column->index]))
			skip = 0;
		else
			buf->len = mark;
	}
}

/* errors when there was no memory for the leaf */
static void
check_memory(const ScBuf *buf, const ScRowFormat *format)
{
	if (buf->failed)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed on a row of ledger table \"%s\".", format->ledger_name)));
}

/* errors when the leaf could not be made or is no entry of a tile */
static void
check_leaf(const ScBuf *buf, const ScRowFormat *format)
{
	check_memory(buf, format);
	if (buf->len > SC_LEAF_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("row of ledger table \"%s\" is too large", format->ledger_name),
				 errdetail("Its leaf would have %zu bytes, the limit is %d bytes.", buf->len, SC_LEAF_MAX),
				 errhint("Use fewer or shorter columns; of a value over %d bytes a leaf holds only the digest.",
						 SC_LEAF_LONG_VALUE)));
}

/* a nest level of GUCs ends with its subtransaction: a caller can lose it unawares */
static void
require_settings(const ScRowFormat *format)
{
	if (format->settings != 0 && !sc_row_settings_hold(format))
		elog(ERROR, "a leaf is made without dump settings");
}

/* ,"time":"<acceptance time in UTC>" */
static void
append_time(ScBuf *buf, TimestampTz time)
{
	char		text[SC_ROW_FAST_MAX];

	sc_buf_literal(buf, ",\"time\":\"");
	sc_buf_append(buf, text, sc_row_write_timestamp(text, time, true) - text);
	sc_buf_char(buf, '"');
}

/* the leaf, whatever its length */
static inline void
compose_leaf(ScBuf *buf, const ScRowFormat *format, const Datum *values, const bool *nulls, int64 ledger_seq)
{
	LongValues	longs = {0, NULL};
	char		number[24];

	require_settings(format);
	sc_buf_reset(buf);
	sc_buf_append(buf, format->prefix, format->prefixlen);
	append_columns(buf, &longs, format, values, nulls, ledger_seq, NULL);
	sc_buf_char(buf, '}');
	if (longs.count > 0)
		append_digests(buf, &longs);
	sc_buf_literal(buf, ",\"seq\":\"");
	sc_buf_append(buf, number, sc_row_write_int64(number, ledger_seq) - number);
	sc_buf_append(buf, format->suffix, format->suffixlen);
	if (format->time_attno != 0 && ledger_seq > format->time_seq && !nulls[format->time_attno - 1])
		append_time(buf, DatumGetTimestampTz(values[format->time_attno - 1]));
	sc_buf_char(buf, '}');
}

void
sc_row_leaf(ScBuf *buf, const ScRowFormat *format, const Datum *values, const bool *nulls, int64 ledger_seq)
{
	compose_leaf(buf, format, values, nulls, ledger_seq);
	check_leaf(buf, format);
}

bool
sc_row_leaf_fits(ScBuf *buf, const ScRowFormat *format, const Datum *values, const bool *nulls, int64 ledger_seq)
{
	compose_leaf(buf, format, values, nulls, ledger_seq);
	check_memory(buf, format);
	return buf->len <= SC_LEAF_MAX;
}

int
sc_row_column(const ScRowFormat *format, AttrNumber attno)
{
	for (int i = 0; i < format->ncolumns; i++)
		if (format->columns[i].index == attno - 1)
			return i;
	return -1;
}

/* the text of a value, unquoted */
static void
append_text(ScBuf *buf, const ScRowColumn *column, Datum value)
{
	char		fast[SC_ROW_FAST_MAX];

	switch (column->kind)
	{
		case SC_VALUE_TEXT:
			{
				struct varlena *text = PG_DETOAST_DATUM_PACKED(value);

				sc_buf_append(buf, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
				break;
			}
		case SC_VALUE_BYTEA:
			{
				struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

				sc_buf_literal(buf, "\\x");
				sc_buf_hex(buf, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
				break;
			}
		case SC_VALUE_NUMERIC:
			sc_buf_string(buf, DatumGetCString(DirectFunctionCall1(numeric_out, value)));
			break;
		case SC_VALUE_OUTPUT:
			sc_buf_string(buf, OutputFunctionCall(column->output, value));
			break;
		default:
			sc_buf_append(buf, fast, write_fast(fast, column->kind, value) - fast);
	}
}

bool
sc_row_text(ScBuf *buf, const ScRowFormat *format, int column, const Datum *values, const bool *nulls, int64 ledger_seq)
{
	const ScRowColumn *col = &format->columns[column];
	ScHash		hash;

	sc_buf_reset(buf);
	if (nulls[col->index] || col->joined_seq >= ledger_seq)
		return false;
	append_text(buf, col, values[col->index]);
	if (buf->len > SC_LEAF_LONG_VALUE)
	{
		sc_hash_bytes(&hash, buf->data, buf->len);
		sc_buf_reset(buf);
		sc_buf_literal(buf, "sha256:");
		sc_buf_hex(buf, hash.bytes, SC_HASH_LEN);
	}
	if (sc_buf_cstr(buf) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed on a value of ledger table \"%s\".", format->ledger_name)));
	return true;
}

void
sc_row_payload(ScBuf *buf, const ScRowFormat *format, const Datum *values, const bool *nulls, const bool *mask)
{
	LongValues	longs = {0, NULL};

	require_settings(format);
	sc_buf_reset(buf);
	sc_buf_append(buf, format->prefix, format->prefixlen);
	append_columns(buf, &longs, format, values, nulls, PG_INT64_MAX, mask);
	sc_buf_char(buf, '}');
	if (longs.count > 0)
		append_digests(buf, &longs);
	/* without the quote that ends seq */
	sc_buf_append(buf, format->suffix + 1, format->suffixlen - 1);
	sc_buf_char(buf, '}');
	check_leaf(buf, format);
}

int
sc_row_format_count(const ScRowFormat *format)
{
	return format->ncolumns;
}

AttrNumber
sc_row_format_column(const ScRowFormat *format, int i, const char **ledger_name)
{
	*ledger_name = format->columns[i].name;
	return format->columns[i].index + 1;
}

void
sc_row_hash(ScHash *hash, const ScRowFormat *format, const ScBuf *leaf)
{
	sc_hash_leaf_after(hash, &format->hashed, leaf->data, leaf->len);
}

AttrNumber
sc_row_format_seq_attno(const ScRowFormat *format)
{
	return format->seq_attno;
}

const char *
sc_row_format_missing(const ScRowFormat *format)
{
	return format->missing;
}
