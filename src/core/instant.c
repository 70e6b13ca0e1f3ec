/*
 * instant.c
 *	  Instants of time as texts.
 *
 * The proleptic Gregorian calendar and UTC without leap seconds, as
 * PostgreSQL counts; no time zone data is asked, so that every machine
 * gives the same answer.
 */
#include <stdio.h>
#include <string.h>

#include "core/instant.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

/* days from 1970-01-01 to the date; years begin in March so that the leap day is the last */
static int64_t
days_from_date(int year, int month, int day)
{
	int64_t		y = year - (month <= 2);
	int64_t		era = (y >= 0 ? y : y - 399) / 400;
	int64_t		year_of_era = y - era * 400;
	int64_t		day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static int
days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

/* cuts exactly n digits off, between min and max */
static bool
cut_number(int *out, const char **text, int n, int min, int max)
{
	*out = 0;
	for (int i = 0; i < n; i++)
	{
		char		c = **text;

		if (c < '0' || c > '9')
			return false;
		*out = *out * 10 + (c - '0');
		(*text)++;
	}
	return *out >= min && *out <= max;
}

static bool
cut_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static bool
cut_date(int64_t *days, const char **text)
{
	int			year,
				month,
				day;

	if (!cut_number(&year, text, 4, 1, 9999) || !cut_char(text, '-') ||
		!cut_number(&month, text, 2, 1, 12) || !cut_char(text, '-') ||
		!cut_number(&day, text, 2, 1, days_of_month(year, month)))
		return false;
	*days = days_from_date(year, month, day);
	return true;
}

/* up to six digits behind the seconds' point */
static bool
cut_fraction(int *microseconds, const char **text)
{
	int			unit = SECOND / 10;

	*microseconds = 0;
	for (; **text >= '0' && **text <= '9'; (*text)++, unit /= 10)
	{
		if (unit == 0)
			return false;
		*microseconds += (**text - '0') * unit;
	}
	return unit < SECOND / 10;
}

static bool
cut_clock(int64_t *microseconds, const char **text)
{
	int			hour,
				minute,
				second = 0,
				fraction = 0;

	if (!cut_number(&hour, text, 2, 0, 23) || !cut_char(text, ':') || !cut_number(&minute, text, 2, 0, 59))
		return false;
	if (cut_char(text, ':'))
	{
		if (!cut_number(&second, text, 2, 0, 59))
			return false;
		if (cut_char(text, '.') && !cut_fraction(&fraction, text))
			return false;
	}
	*microseconds = (hour * 3600 + minute * 60 + second) * SECOND + fraction;
	return true;
}

static bool
cut_offset(int64_t *microseconds, const char **text)
{
	bool		west = **text == '-';
	int			hour,
				minute = 0,
				second = 0;

	if (cut_char(text, 'Z'))
	{
		*microseconds = 0;
		return true;
	}
	if (!cut_char(text, west ? '-' : '+') || !cut_number(&hour, text, 2, 0, 15))
		return false;
	if (cut_char(text, ':') && !cut_number(&minute, text, 2, 0, 59))
		return false;
	if (cut_char(text, ':') && !cut_number(&second, text, 2, 0, 59))
		return false;
	*microseconds = (hour * 3600 + minute * 60 + second) * SECOND * (west ? -1 : 1);
	return true;
}

bool
sc_instant_read(int64_t *instant, const char *text)
{
	int64_t		days,
				clock,
				offset;

	if (strcmp(text, "infinity") == 0 || strcmp(text, "-infinity") == 0)
	{
		*instant = *text == '-' ? SC_INSTANT_ALWAYS : SC_INSTANT_NEVER;
		return true;
	}
	if (!cut_date(&days, &text) || (!cut_char(&text, 'T') && !cut_char(&text, ' ')) ||
		!cut_clock(&clock, &text) || !cut_offset(&offset, &text))
		return false;
	*instant = days * DAY + clock - offset;
	return *text == '\0';
}

static void
date_from_days(int64_t days, int *year, int *month, int *day)
{
	int64_t		shifted = days + 719468;
	int64_t		era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t		day_of_era = shifted - era * 146097;
	int64_t		year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t		day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t		shifted_month = (5 * day_of_year + 2) / 153;

	*day = (int) (day_of_year - (153 * shifted_month + 2) / 5 + 1);
	*month = (int) (shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
	*year = (int) (year_of_era + era * 400 + (*month <= 2));
}

/* .5 for half a second, nothing for a whole one */
static void
write_fraction(ScBuf *buf, int microseconds)
{
	char		digits[16];
	size_t		len = 6;

	if (microseconds == 0)
		return;
	snprintf(digits, sizeof(digits), "%06d", microseconds);
	while (digits[len - 1] == '0')
		len--;
	sc_buf_char(buf, '.');
	sc_buf_append(buf, digits, len);
}

void
sc_instant_write(ScBuf *buf, int64_t instant)
{
	int64_t		days = instant / DAY - (instant % DAY < 0);
	int64_t		clock = (instant % DAY + DAY) % DAY;
	int			seconds = (int) (clock / SECOND);
	int			year,
				month,
				day;
	char		text[64];

	if (instant == SC_INSTANT_NEVER || instant == SC_INSTANT_ALWAYS)
	{
		sc_buf_string(buf, instant == SC_INSTANT_NEVER ? "infinity" : "-infinity");
		return;
	}
	date_from_days(days, &year, &month, &day);
	snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d:%02d", year, month, day,
			 seconds / 3600, seconds / 60 % 60, seconds % 60);
	sc_buf_string(buf, text);
	write_fraction(buf, (int) (clock % SECOND));
	sc_buf_literal(buf, "+00");
}
