/*
 * time.c
 *	  Reading the times that stand in leaves.
 *
 * The calendar is the proleptic Gregorian one, without leap seconds, as
 * PostgreSQL's; there is one text for each moment (no trailing zeros behind
 * the point), and every other is refused.
 */
#include "core/text.h"
#include "core/time.h"

#define SECOND INT64_C(1000000)
#define YEAR_MAX 294276			/* of a timestamptz */
#define YEAR_COUNTED 290000		/* microseconds since 1970 reach a little less far than since 2000 */

/* exactly n digits, or between n and max of them when max > n */
static bool
take_digits(int64_t *out, const char **s, size_t *len, int n, int max)
{
	int			taken = 0;

	*out = 0;
	while (taken < max && *len > 0 && **s >= '0' && **s <= '9')
	{
		*out = *out * 10 + (**s - '0');
		(*s)++;
		(*len)--;
		taken++;
	}
	return taken >= n;
}

/* "-", two digits up to a limit, ... */
static bool
take_part(int64_t *out, const char **s, size_t *len, const char *before, int64_t least, int64_t most)
{
	return sc_text_skip(s, len, before) && take_digits(out, s, len, 2, 2) && *out >= least && *out <= most;
}

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* days from 1970-01-01 to a date; year 0 is 1 BC */
static int64_t
days_to(int64_t year, int64_t month, int64_t day)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int64_t		y = year + 8000;	/* a multiple of 400, so that nothing is negative */

	return 365 * y + (y + 3) / 4 - (y + 99) / 100 + (y + 399) / 400 +
		before[month - 1] + (month > 2 && is_leap(y)) + day - 1 - INT64_C(3641468);
}

static bool
day_ok(int64_t year, int64_t month, int64_t day)
{
	static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return day <= length[month - 1] + (month == 2 && is_leap(year + 8000));
}

/* ".25": up to six digits, the last of them not zero; absent is zero */
static bool
take_fraction(int64_t *micros, const char **s, size_t *len)
{
	const char *start;

	*micros = 0;
	if (!sc_text_skip(s, len, "."))
		return true;
	start = *s;
	if (!take_digits(micros, s, len, 1, 6) || (*s)[-1] == '0')
		return false;
	for (const char *end = *s; end < start + 6; end++)
		*micros *= 10;
	return true;
}

bool
sc_time_parse(int64_t *out, const char *s, size_t len)
{
	int64_t		year;
	int64_t		month;
	int64_t		day;
	int64_t		hour;
	int64_t		minute;
	int64_t		second;
	int64_t		micros;
	const char *start = s;

	if (sc_text_is(s, len, "infinity") || sc_text_is(s, len, "-infinity"))
	{
		*out = *s == '-' ? SC_TIME_BEGIN : SC_TIME_ALWAYS;
		return true;
	}
	if (!take_digits(&year, &s, &len, 4, 6) || year < 1 || year > YEAR_MAX || (s - start > 4 && *start == '0') ||
		!take_part(&month, &s, &len, "-", 1, 12) || !take_part(&day, &s, &len, "-", 1, 31) ||
		!take_part(&hour, &s, &len, " ", 0, 23) || !take_part(&minute, &s, &len, ":", 0, 59) ||
		!take_part(&second, &s, &len, ":", 0, 59) || !take_fraction(&micros, &s, &len) ||
		!sc_text_skip(&s, &len, "+00"))
		return false;
	if (sc_text_skip(&s, &len, " BC"))
		year = 1 - year;
	if (len != 0 || year < -4712 || !day_ok(year, month, day))
		return false;
	*out = year > YEAR_COUNTED ? SC_TIME_ALWAYS :
		(((days_to(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * SECOND + micros;
	return true;
}
