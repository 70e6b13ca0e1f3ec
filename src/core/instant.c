/*
 * instant.c
 *	  Instants of time as texts.
 *
 * The proleptic Gregorian calendar and UTC without leap seconds, as
 * PostgreSQL counts; no time zone data is asked, so that every machine
 * gives the same answer.
 *
 * Invariant: an instant has one text in leaves, which is the one that is
 * written; reading a leaf's takes that text only.
 */
#include <stdio.h>
#include <string.h>

#include "core/instant.h"
#include "core/text.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

#define YEAR_LEAST (-4712)		/* 4713 BC */
#define YEAR_MOST 294276		/* of a timestamptz */
#define YEAR_COUNTED 290000		/* microseconds since 1970 reach a little less far than since 2000 */
#define TEXT_MAX 48

/* date and clock in UTC; year 0 is 1 BC */
typedef struct Moment
{
	int			year;
	int			month;
	int			day;
	int64_t		clock;			/* microseconds of the day */
} Moment;

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

/* the year's digits: four, or more where years beyond 9999 are taken */
static int
year_digits(const char *text, int most)
{
	int			n = 0;

	while (n < most && text[n] >= '0' && text[n] <= '9')
		n++;
	return n < 4 ? 4 : n;
}

static bool
cut_date(Moment *moment, const char **text, int digits)
{
	return cut_number(&moment->year, text, year_digits(*text, digits), 1, YEAR_MOST) && cut_char(text, '-') &&
		cut_number(&moment->month, text, 2, 1, 12) && cut_char(text, '-') &&
		cut_number(&moment->day, text, 2, 1, 31);
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

/* "infinity", "-infinity" */
static bool
read_infinity(int64_t *instant, const char *text)
{
	if (strcmp(text, "infinity") != 0 && strcmp(text, "-infinity") != 0)
		return false;
	*instant = *text == '-' ? SC_INSTANT_BEGIN : SC_INSTANT_END;
	return true;
}

static int64_t
count(const Moment *moment)
{
	return days_from_date(moment->year, moment->month, moment->day) * DAY + moment->clock;
}

bool
sc_instant_read(int64_t *instant, const char *text)
{
	Moment		moment;
	int64_t		offset;

	if (read_infinity(instant, text))
		return true;
	if (!cut_date(&moment, &text, 4) || moment.day > days_of_month(moment.year, moment.month) ||
		(!cut_char(&text, 'T') && !cut_char(&text, ' ')) ||
		!cut_clock(&moment.clock, &text) || !cut_offset(&offset, &text))
		return false;
	*instant = count(&moment) - offset;
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
format_fraction(char *text, int microseconds)
{
	size_t		len = 7;

	*text = '\0';
	if (microseconds == 0)
		return;
	sprintf(text, ".%06d", microseconds);
	while (text[len - 1] == '0')
		len--;
	text[len] = '\0';
}

/* the one text that leaves have for it */
static void
format_moment(char text[TEXT_MAX], const Moment *moment)
{
	int			seconds = (int) (moment->clock / SECOND);
	char		fraction[16];

	format_fraction(fraction, (int) (moment->clock % SECOND));
	snprintf(text, TEXT_MAX, "%04d-%02d-%02d %02d:%02d:%02d%s+00%s",
			 moment->year > 0 ? moment->year : 1 - moment->year, moment->month, moment->day,
			 seconds / 3600, seconds / 60 % 60, seconds % 60, fraction, moment->year > 0 ? "" : " BC");
}

bool
sc_instant_read_leaf(int64_t *instant, const char *text, size_t len)
{
	char		copy[TEXT_MAX];
	char		again[TEXT_MAX];
	const char *rest = copy;
	Moment		moment;
	int64_t		offset;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strlen(copy) == len && read_infinity(instant, copy))
		return true;
	if (!cut_date(&moment, &rest, 6) || !cut_char(&rest, ' ') || !cut_clock(&moment.clock, &rest) || !cut_offset(&offset, &rest))
		return false;
	if (strcmp(rest, " BC") == 0)
		moment.year = 1 - moment.year;
	if (moment.year < YEAR_LEAST || moment.day > days_of_month(moment.year, moment.month))
		return false;
	format_moment(again, &moment);
	if (!sc_text_is(text, len, again))
		return false;
	*instant = moment.year > YEAR_COUNTED ? SC_INSTANT_END : count(&moment);
	return true;
}

void
sc_instant_write(ScBuf *buf, int64_t instant)
{
	int64_t		days = instant / DAY - (instant % DAY < 0);
	char		text[TEXT_MAX];
	Moment		moment;

	if (instant == SC_INSTANT_END || instant == SC_INSTANT_BEGIN)
	{
		sc_buf_string(buf, instant == SC_INSTANT_END ? "infinity" : "-infinity");
		return;
	}
	date_from_days(days, &moment.year, &moment.month, &moment.day);
	moment.clock = (instant % DAY + DAY) % DAY;
	format_moment(text, &moment);
	sc_buf_string(buf, text);
}
