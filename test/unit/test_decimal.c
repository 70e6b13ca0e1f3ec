/*
 * test_decimal.c
 *	  Decimals against integer arithmetic, instants against a calendar counted day by day.
 */
#include "harness.h"

#include "core/decimal.h"
#include "core/instant.h"

/* n / 100 with two, one or no digits behind the point and odd zeros */
static const char *
write_hundredths(char *out, int n, int style)
{
	int			size = n < 0 ? -n : n;
	const char *sign = n < 0 ? "-" : "";

	if (style == 0)
		sprintf(out, "%s%d.%02d", sign, size / 100, size % 100);
	else if (style == 1)
		sprintf(out, "%s000%d.%02d00", sign, size / 100, size % 100);
	else if (size % 100 == 0)
		sprintf(out, "%s%d", sign, size / 100);
	else if (size % 10 == 0)
		sprintf(out, "%s%d.%d", sign, size / 100, size / 10 % 10);
	else
		sprintf(out, "%s%d.%02d", sign, size / 100, size % 100);
	return out;
}

static int
order(int a, int b)
{
	return a < b ? -1 : a > b;
}

static void
test_arithmetic(void)
{
	static const int numbers[] = {0, 1, 2, 9, 10, 11, 50, 90, 99, 100, 101, 110, 199, 900, 990, 999, 1000, 1001, 9999,
	10000, 10001, 99999, 100000, 123456, 999999};
	int			n = (int) (sizeof(numbers) / sizeof(numbers[0]));
	int			before = test_failed;
	ScBuf		sum = SC_BUF_INIT;
	char		a[64],
				b[64],
				expected[64];

	for (int i = -n + 1; i < n; i++)
	{
		for (int j = -n + 1; j < n; j++)
		{
			int			x = i < 0 ? -numbers[-i] : numbers[i];
			int			y = j < 0 ? -numbers[-j] : numbers[j];

			for (int style = 0; style < 9; style++)
			{
				write_hundredths(a, x, style % 3);
				write_hundredths(b, y, style / 3);
				REQUIRE_CASE(sc_decimal_ok(a) && sc_decimal_ok(b), a);
				REQUIRE_CASE(sc_decimal_compare(a, b) == order(x, y), a);
				REQUIRE_CASE(sc_decimal_sign(a) == order(x, 0), a);
				sc_buf_reset(&sum);
				sc_decimal_add(&sum, a, b);
				REQUIRE_CASE(strcmp(sc_buf_cstr(&sum), write_hundredths(expected, x + y, 2)) == 0, expected);
			}
		}
	}
	CHECK_NO_NEW_FAILURE(before);
	sc_buf_free(&sum);
}

static void
test_long(void)
{
	char		nines[SC_DECIMAL_DIGITS + 2];
	ScBuf		sum = SC_BUF_INIT;

	memset(nines, '9', sizeof(nines));
	nines[SC_DECIMAL_DIGITS + 1] = '\0';
	CHECK(!sc_decimal_ok(nines));
	nines[SC_DECIMAL_DIGITS] = '\0';
	CHECK(sc_decimal_ok(nines));
	sc_decimal_add(&sum, nines, "1");
	CHECK(sum.len == SC_DECIMAL_DIGITS + 1 && sum.data[0] == '1' && sum.data[1] == '0');
	sc_buf_reset(&sum);
	sc_decimal_add(&sum, "0.00000000000000000000000000000000000001", "-1");
	CHECK(strcmp(sc_buf_cstr(&sum), "-0.99999999999999999999999999999999999999") == 0);
	CHECK(sc_decimal_scale(sum.data) == 38 && sc_decimal_scale("7") == 0 && sc_decimal_scale("-7.500") == 1);
	sc_buf_free(&sum);
}

static void
test_refused(void)
{
	static const char *const bad[] = {"", "-", ".", "1.", ".5", "--1", "+1", "1e5", "1 ", " 1", "NaN", "Infinity", "-Infinity",
	"1,5", "1.2.3", "0x10", "1.-5", "\xD9\xA1"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(!sc_decimal_ok(bad[i]), bad[i]);
	CHECK(sc_decimal_ok("-0") && sc_decimal_sign("-0.00") == 0 && sc_decimal_compare("-0", "0.0") == 0);
}

static bool
reads(const char *text, int64_t expected)
{
	int64_t		instant;

	return sc_instant_read(&instant, text) && instant == expected;
}

/* every day of ten thousand years: months and leap days counted one by one */
static void
test_calendar(void)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t		seconds = INT64_C(-62135596800);	/* of 0001-01-01 */
	int			before = test_failed;
	ScBuf		buf = SC_BUF_INIT;
	char		text[64];

	for (int year = 1; year <= 9999; year++)
	{
		bool		leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		for (int month = 1; month <= 12; month++)
		{
			for (int day = 1; day <= days[month - 1] + (leap && month == 2); day++)
			{
				sprintf(text, "%04d-%02d-%02d 00:00:00+00", year, month, day);
				REQUIRE_CASE(reads(text, seconds * 1000000), text);
				sc_buf_reset(&buf);
				sc_instant_write(&buf, seconds * 1000000);
				REQUIRE_CASE(strcmp(sc_buf_cstr(&buf), text) == 0, text);
				seconds += 86400;
			}
			sprintf(text, "%04d-%02d-%02d 00:00:00+00", year, month, days[month - 1] + (leap && month == 2) + 1);
			REQUIRE_CASE(!reads(text, 0), text);
		}
	}
	CHECK_NO_NEW_FAILURE(before);
	sc_buf_free(&buf);
}

static void
test_instants(void)
{
	static const char *const bad[] = {"", "2026-06-03", "2026-06-03 06:00", "2026-06-03 06:00:00", "2026-6-3 06:00Z",
		"2026-06-03  06:00Z", "2026-13-03 06:00Z", "2026-06-31 06:00Z", "2026-06-03 24:00Z", "2026-06-03 06:60Z",
		"2026-06-03 06:00:60Z", "2026-06-03 06:00:00.Z", "2026-06-03 06:00:00.1234567Z", "2026-06-03 06:00:00z",
		"2026-06-03 06:00:00+16", "2026-06-03 06:00:00+9", "2026-06-03 06:00:00+09:60", "2026-06-03 06:00:00Z ",
		"0000-06-03 06:00Z", "10000-06-03 06:00Z", "-2026-06-03 06:00Z", "Infinity", "now", "2026-06-03 06:00:00 Asia/Seoul"};
	int64_t		instant;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(!sc_instant_read(&instant, bad[i]), bad[i]);
	CHECK(reads("1970-01-01T00:00Z", 0) && reads("1970-01-01 00:00:00.000001+00", 1) && reads("1969-12-31 23:59:59.5Z", -500000));
	CHECK(reads("2026-06-03T06:00:00+09:00", INT64_C(1780434000000000)) && reads("2026-06-02 21:00:00+00", INT64_C(1780434000000000)));
	CHECK(reads("2026-06-02 14:30:00-06:30", INT64_C(1780434000000000)) && reads("1908-04-01 08:27:52+08:27:52", INT64_C(-1948752000000000)));
	CHECK(reads("infinity", INT64_MAX) && reads("-infinity", INT64_MIN));
}

/* what is written is read as the same */
static void
test_written(void)
{
	ScBuf		buf = SC_BUF_INIT;
	int			before = test_failed;

	for (int i = 0; i < 100000; i++)
	{
		int64_t		instant = (int64_t) (test_random() % UINT64_C(300000000000000000)) - INT64_C(60000000000000000);

		if (i % 3 == 0)
			instant -= instant % 1000;
		sc_buf_reset(&buf);
		sc_instant_write(&buf, instant);
		REQUIRE_CASE(reads(sc_buf_cstr(&buf), instant), buf.data);
	}
	CHECK_NO_NEW_FAILURE(before);
	sc_buf_reset(&buf);
	sc_instant_write(&buf, -1);
	CHECK(strcmp(sc_buf_cstr(&buf), "1969-12-31 23:59:59.999999+00") == 0);
	sc_buf_reset(&buf);
	sc_instant_write(&buf, INT64_MIN);
	CHECK(strcmp(sc_buf_cstr(&buf), "-infinity") == 0);
	sc_buf_free(&buf);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_arithmetic();
	test_long();
	test_refused();
	test_calendar();
	test_instants();
	test_written();
	return test_end("decimal");
}
