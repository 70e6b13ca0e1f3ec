/*
 * row_fast.c
 *	  The text of frequent types, written straight into the leaf.
 *
 * Invariant: the bytes are those of the type's output function under dump
 * settings (DateStyle ISO, TimeZone UTC, extra_float_digits 3), whatever the
 * session's settings are; test/t/ledger_types.pl compares the two.
 *
 * Context: any; nothing is allocated, no catalogue or GUC is read.
 * Effects: none beyond the caller's buffer, which must have SC_ROW_FAST_MAX
 * bytes.  Errors: DATETIME_VALUE_OUT_OF_RANGE for a timestamp that no
 * function of PostgreSQL can have made (a damaged page), as PostgreSQL does.
 *
 * Source: docs/format.md section 1.1.
 */
#include "postgres.h"

#include "ledger/row_internal.h"

#include "common/shortest_dec.h"
#include "datatype/timestamp.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/uuid.h"

static const char two_digits[] =
	"0001020304050607080910111213141516171819"
	"2021222324252627282930313233343536373839"
	"4041424344454647484950515253545556575859"
	"6061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

/* two decimal digits of a value below 100 */
static inline char *
write_two(char *p, uint32 value)
{
	memcpy(p, two_digits + 2 * value, 2);
	return p + 2;
}

char *
sc_row_write_int64(char *p, int64 value)
{
	return p + pg_lltoa(value, p);
}

char *
sc_row_write_float4(char *p, float4 value)
{
	return p + float_to_shortest_decimal_bufn(value, p);
}

char *
sc_row_write_float8(char *p, float8 value)
{
	return p + double_to_shortest_decimal_bufn(value, p);
}

/* lower-case hex of n bytes; n is a constant, so that the loop unrolls */
static inline char *
write_hex(char *p, const unsigned char *bytes, int n)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < n; i++)
	{
		p[2 * i] = digits[bytes[i] >> 4];
		p[2 * i + 1] = digits[bytes[i] & 0x0f];
	}
	return p + 2 * n;
}

/* 8-4-4-4-12 hex digits */
char *
sc_row_write_uuid(char *p, const unsigned char *uuid)
{
	p = write_hex(p, uuid, 4);
	*p++ = '-';
	p = write_hex(p, uuid + 4, 2);
	*p++ = '-';
	p = write_hex(p, uuid + 6, 2);
	*p++ = '-';
	p = write_hex(p, uuid + 8, 2);
	*p++ = '-';
	return write_hex(p, uuid + 10, 6);
}

/* a year of four digits or more; astronomical year 0 is 1 BC, which the caller appends */
static inline char *
write_year(char *p, int32 year)
{
	uint32		shown = year > 0 ? (uint32) year : (uint32) (1 - year);

	if (shown > 9999)
		return p + pg_ultoa_n(shown, p);
	p = write_two(p, shown / 100);
	return write_two(p, shown % 100);
}

/*
 * YYYY-MM-DD of a Julian day >= 0.  The arithmetic is that of the proleptic
 * Gregorian calendar in cycles of 400 years = 146097 days, counted from
 * 1 March so that the leap day comes last.
 */
static char *
write_ymd(char *p, uint32 julian, bool *bc)
{
	/* day 0 of the count: 1 March 4801 BC, 32044 days before Julian day 0 */
	uint64		days = (uint64) julian + 32044;
	uint32		cycle = (uint32) (days / 146097);
	uint32		day = (uint32) (days % 146097);
	uint32		year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	uint32		of_year = day - (365 * year + year / 4 - year / 100);
	uint32		month = (5 * of_year + 2) / 153;	/* 0 = March */
	int32		shown;

	shown = (int32) (cycle * 400 + year) - 4800 + (month >= 10 ? 1 : 0);
	*bc = shown <= 0;
	p = write_year(p, shown);
	*p++ = '-';
	p = write_two(p, month >= 10 ? month - 9 : month + 3);
	*p++ = '-';
	return write_two(p, of_year - (153 * month + 2) / 5 + 1);
}

/*
 * The same, remembering the last day: rows of one load mostly share it, and
 * the divisions cost more than all else in a timestamp.
 */
static inline char *
write_day(char *p, uint32 julian, bool *bc)
{
	static uint32 last_julian;
	static char last_text[16];
	static int	last_len = 0;	/* 0: nothing remembered yet */
	static bool last_bc;

	if (last_len == 0 || last_julian != julian)
	{
		last_len = (int) (write_ymd(last_text, julian, &last_bc) - last_text);
		last_julian = julian;
	}
	memcpy(p, last_text, sizeof(last_text));
	*bc = last_bc;
	return p + last_len;
}

/* "infinity" or "-infinity" */
static char *
write_infinity(char *p, bool negative)
{
	const char *text = negative ? EARLY : LATE;
	size_t		len = strlen(text);

	memcpy(p, text, len);
	return p + len;
}

char *
sc_row_write_date(char *p, int32 date)
{
	bool		bc;

	if (DATE_NOT_FINITE(date))
		return write_infinity(p, DATE_IS_NOBEGIN(date));

	/* only a damaged page holds a day before Julian day 0: unsigned, it stays in bounds */
	p = write_day(p, (uint32) date + POSTGRES_EPOCH_JDATE, &bc);
	if (bc)
	{
		memcpy(p, " BC", 3);
		p += 3;
	}
	return p;
}

/* HH:MM:SS and the fraction without trailing zeros */
static char *
write_time(char *p, uint64 usecs)
{
	uint32		fraction = (uint32) (usecs % USECS_PER_SEC);
	uint32		seconds = (uint32) (usecs / USECS_PER_SEC);

	p = write_two(p, seconds / SECS_PER_HOUR);
	*p++ = ':';
	p = write_two(p, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	*p++ = ':';
	p = write_two(p, seconds % SECS_PER_MINUTE);
	if (fraction != 0)
	{
		*p++ = '.';
		p = write_two(p, fraction / 10000);
		p = write_two(p, fraction / 100 % 100);
		p = write_two(p, fraction % 100);
		while (p[-1] == '0')
			p--;
	}
	return p;
}

/* timestamp, or timestamptz as UTC with "+00" */
char *
sc_row_write_timestamp(char *p, int64 timestamp, bool with_zone)
{
	uint64		since;
	bool		bc;

	if (TIMESTAMP_NOT_FINITE(timestamp))
		return write_infinity(p, TIMESTAMP_IS_NOBEGIN(timestamp));
	if (timestamp < MIN_TIMESTAMP)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));

	since = (uint64) timestamp - (uint64) MIN_TIMESTAMP;
	p = write_day(p, (uint32) (since / USECS_PER_DAY), &bc);
	*p++ = ' ';
	p = write_time(p, since % USECS_PER_DAY);
	if (with_zone)
	{
		memcpy(p, "+00", 3);
		p += 3;
	}
	if (bc)
	{
		memcpy(p, " BC", 3);
		p += 3;
	}
	return p;
}
