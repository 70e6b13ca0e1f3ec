/*
 * decimal.c
 *	  Exact decimal numbers as texts.
 *
 * Schoolbook arithmetic on digits, and the machine's for whole numbers that
 * are sure to fit.  Only + and comparison are needed by rules.
 */
#include <string.h>

#include "core/decimal.h"

/* a number taken apart; digits point into the text */
typedef struct Parts
{
	bool		negative;
	const char *whole;			/* without leading zeros */
	size_t		nwhole;
	const char *fraction;		/* without zeros at the end */
	size_t		nfraction;
} Parts;

static size_t
count_digits(const char *s)
{
	return strspn(s, "0123456789");
}

bool
sc_decimal_ok(const char *text)
{
	size_t		whole,
				fraction = 0;

	if (*text == '-')
		text++;
	whole = count_digits(text);
	text += whole;
	if (*text == '.')
	{
		fraction = count_digits(++text);
		text += fraction;
		if (fraction == 0)
			return false;
	}
	return whole > 0 && *text == '\0' && whole + fraction <= SC_DECIMAL_DIGITS;
}

static Parts
take_apart(const char *text)
{
	Parts		parts = {0};

	parts.negative = *text == '-';
	text += parts.negative;
	parts.nwhole = count_digits(text);
	parts.fraction = text + parts.nwhole;
	if (*parts.fraction == '.')
	{
		parts.nfraction = count_digits(++parts.fraction);
		while (parts.nfraction > 0 && parts.fraction[parts.nfraction - 1] == '0')
			parts.nfraction--;
	}
	while (parts.nwhole > 0 && *text == '0')
	{
		text++;
		parts.nwhole--;
	}
	parts.whole = text;
	if (parts.nwhole == 0 && parts.nfraction == 0)
		parts.negative = false;
	return parts;
}

/* digits of equal place, the fraction's as if filled up with zeros */
static int
compare_size(const Parts *a, const Parts *b)
{
	size_t		common = a->nfraction < b->nfraction ? a->nfraction : b->nfraction;
	int			order;

	if (a->nwhole != b->nwhole)
		return a->nwhole < b->nwhole ? -1 : 1;
	order = memcmp(a->whole, b->whole, a->nwhole);
	if (order == 0)
		order = memcmp(a->fraction, b->fraction, common);
	if (order == 0)
		return a->nfraction < b->nfraction ? -1 : a->nfraction > b->nfraction;
	return order < 0 ? -1 : 1;
}

int
sc_decimal_compare(const char *a, const char *b)
{
	Parts		x = take_apart(a);
	Parts		y = take_apart(b);

	if (x.negative != y.negative)
		return x.negative ? -1 : 1;
	return x.negative ? compare_size(&y, &x) : compare_size(&x, &y);
}

int
sc_decimal_sign(const char *a)
{
	Parts		parts = take_apart(a);

	if (parts.negative)
		return -1;
	return parts.nwhole > 0 || parts.nfraction > 0;
}

int
sc_decimal_scale(const char *a)
{
	return (int) take_apart(a).nfraction;
}

/* the digit at place p: 0 is the last before the point, -1 the first behind it */
static int
digit_at(const Parts *parts, long place)
{
	if (place >= 0)
		return (size_t) place < parts->nwhole ? parts->whole[parts->nwhole - 1 - (size_t) place] - '0' : 0;
	return (size_t) (-place) <= parts->nfraction ? parts->fraction[-place - 1] - '0' : 0;
}

/* appends sign and digits of places top..bottom, which stand in `digits` from the lowest up */
static void
append_places(ScBuf *buf, bool negative, const char *digits, long top, long bottom)
{
	while (top > 0 && digits[top - bottom] == '0')
		top--;
	while (bottom < 0 && *digits == '0')
	{
		digits++;
		bottom++;
	}
	if (negative && !(top == 0 && bottom == 0 && *digits == '0'))
		sc_buf_char(buf, '-');
	for (long place = top; place >= bottom; place--)
	{
		if (place == -1)
			sc_buf_char(buf, '.');
		sc_buf_char(buf, digits[place - bottom]);
	}
}

static long
longer(size_t a, size_t b)
{
	return (long) (a > b ? a : b);
}

/* the value of a whole number that is sure to fit, with room for a sum */
static bool
read_small(int64_t *out, const char *text)
{
	bool		negative = *text == '-';
	size_t		len = count_digits(text += negative);

	if (text[len] != '\0' || len > 18)
		return false;
	*out = 0;
	for (; *text; text++)
		*out = *out * 10 + (*text - '0');
	if (negative)
		*out = -*out;
	return true;
}

static void
add_digits(ScBuf *buf, const char *a, const char *b)
{
	Parts		x = take_apart(a);
	Parts		y = take_apart(b);
	bool		subtract = x.negative != y.negative;
	long		top = longer(x.nwhole, y.nwhole);	/* one place more, for the carry */
	long		bottom = -longer(x.nfraction, y.nfraction);
	ScBuf		digits = SC_BUF_INIT;
	int			carry = 0;

	/* subtract the smaller from the larger: the difference has the larger one's sign */
	if (subtract && compare_size(&x, &y) < 0)
	{
		Parts		swap = x;

		x = y;
		y = swap;
	}
	for (long place = bottom; place <= top; place++)
	{
		int			d = digit_at(&x, place) + (subtract ? -digit_at(&y, place) : digit_at(&y, place)) + carry;

		carry = d < 0 ? -1 : d > 9;
		sc_buf_char(&digits, (char) ('0' + d - 10 * carry));
	}
	if (digits.failed)
		buf->failed = true;
	else
		append_places(buf, x.negative, digits.data, top, bottom);
	sc_buf_free(&digits);
}

void
sc_decimal_add(ScBuf *buf, const char *a, const char *b)
{
	int64_t		x,
				y;

	if (read_small(&x, a) && read_small(&y, b))
		sc_buf_int64(buf, x + y);
	else
		add_digits(buf, a, b);
}
