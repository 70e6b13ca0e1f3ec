/*
 * row_internal.h
 *	  What the files of the row encoder share: kinds of values and the prepared format.
 *
 * Nobody but row*.c includes this; row.h is the interface.
 */
#ifndef SC_LEDGER_ROW_INTERNAL_H
#define SC_LEDGER_ROW_INTERNAL_H

#include "ledger/row.h"

#include "core/hash.h"
#include "fmgr.h"

/* how a column's text is made; all but SC_VALUE_OUTPUT and SC_VALUE_NUMERIC need no palloc */
typedef enum ScValueKind
{
	SC_VALUE_OUTPUT,			/* the type's output function */
	SC_VALUE_BOOL,
	SC_VALUE_INT2,
	SC_VALUE_INT4,
	SC_VALUE_INT8,
	SC_VALUE_FLOAT4,
	SC_VALUE_FLOAT8,
	SC_VALUE_NUMERIC,
	SC_VALUE_TEXT,				/* text, varchar, bpchar */
	SC_VALUE_UUID,
	SC_VALUE_DATE,
	SC_VALUE_TIMESTAMP,
	SC_VALUE_TIMESTAMPTZ,
	SC_VALUE_BYTEA
} ScValueKind;

/* the GUCs that shape the text of output functions: bits of a set */
typedef uint8 ScRowSettings;

#define SC_SETTING_DATESTYLE 0x01
#define SC_SETTING_TIMEZONE 0x02
#define SC_SETTING_INTERVALSTYLE 0x04
#define SC_SETTING_FLOAT_DIGITS 0x08
#define SC_SETTING_BYTEA_OUTPUT 0x10
#define SC_SETTING_ALL 0x1f

typedef struct ScRowColumn
{
	int			index;			/* in values and nulls: attnum - 1 */
	ScValueKind kind;
	int64		joined_seq;		/* leaves with a greater ledger_seq hold the column */
	char	   *name;			/* ledger name */
	char	   *key;			/* ,"<escaped ledger name>": */
	int			keylen;
	FmgrInfo   *output;			/* SC_VALUE_OUTPUT only */
} ScRowColumn;

struct ScRowFormat
{
	int32		chain_id;
	int32		table_id;
	AttrNumber	seq_attno;		/* 0 when the relation has no ledger_seq any more */
	AttrNumber	time_attno;		/* 0 while rows have no acceptance time */
	int64		time_seq;		/* leaves with a greater ledger_seq hold it */
	ScRowSettings settings;		/* what the columns' output functions depend on */
	char	   *ledger_name;	/* for messages */
	char	   *missing;		/* a registered column that the relation has not, or NULL */
	char	   *prefix;			/* {"chain":"<origin>","columns":{ */
	int			prefixlen;
	ScLeafPrefix hashed;		/* the prefix, already hashed */
	char	   *suffix;			/* ","table":"<ledger name>" */
	int			suffixlen;
	int			ncolumns;
	ScRowColumn *columns;		/* in the order of JCS */
};

/* row_settings.c: are those of the settings that the format depends on dump settings now? */
extern bool sc_row_settings_hold(const ScRowFormat *format);

/* row_format.c: reads the registry and builds a format wholly in `context` */
extern ScRowFormat *sc_row_format_build(Relation rel, MemoryContext context);

/*
 * row_types.c: the kind of a type's values and the GUCs that its output
 * function depends on; domains count as what they stand on.
 */
extern ScValueKind sc_row_value_kind(Oid typeid, ScRowSettings *settings);

/* the longest text that a fast writer makes, and room enough for its sloppiest store */
#define SC_ROW_FAST_MAX 64

/*
 * row_fast.c: each writes a value's text at p, which has SC_ROW_FAST_MAX
 * bytes, without quotes and NUL, and returns the end.
 */
extern char *sc_row_write_int64(char *p, int64 value);
extern char *sc_row_write_float4(char *p, float4 value);
extern char *sc_row_write_float8(char *p, float8 value);
extern char *sc_row_write_uuid(char *p, const unsigned char *uuid);
extern char *sc_row_write_date(char *p, int32 date);
extern char *sc_row_write_timestamp(char *p, int64 timestamp, bool with_zone);

#endif							/* SC_LEDGER_ROW_INTERNAL_H */
