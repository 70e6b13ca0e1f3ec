/*
 * test_instant.c
 *	  Times as texts, against a calendar counted day by day.
 */
#include "harness.h"

#include "core/buf.h"
#include "core/instant.h"

static bool
reads(const char *text, int64_t expected)
{
	int64_t		instant;

	return sc_instant_read(&instant, text) && instant == expected;
}

static bool
reads_leaf(const char *text, int64_t expected)
{
	int64_t		instant;

	return sc_instant_read_leaf(&instant, text, strlen(text)) && instant == expected;
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
				REQUIRE_CASE(reads_leaf(text, seconds * 1000000), text);
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
		REQUIRE_CASE(reads_leaf(buf.data, instant), buf.data);
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

static void
check_leaf(const char *text, int64_t expected)
{
	CHECK_CASE(reads_leaf(text, expected), text);
}

static void
test_leaf_times(void)
{
	static const char *const bad[] = {
		"", "now", "2026-11-23", "2026-11-23 03:00:00", "2026-11-23 03:00:00+09", "2026-11-23 03:00:00.+00",
		"2026-11-23 03:00:00.250+00", "2026-11-23 03:00:00.0+00", "2026-11-23 03:00:00.1234567+00", "2026-11-23T03:00:00+00",
		"2026-13-01 00:00:00+00", "2026-00-01 00:00:00+00", "2026-02-29 00:00:00+00", "2026-04-31 00:00:00+00",
		"1900-02-29 00:00:00+00", "2026-11-23 24:00:00+00", "2026-11-23 03:60:00+00", "2026-11-23 03:00:60+00",
		"02026-11-23 03:00:00+00", "294277-01-01 00:00:00+00", "0000-01-01 00:00:00+00", "4714-01-01 00:00:00+00 BC",
		"2026-11-23 03:00:00+00 ", " 2026-11-23 03:00:00+00", "2026-11-23 03:00:00+00 bc", "2026-1-23 03:00:00+00", "Infinity",
	};
	int64_t		out;

	check_leaf("1970-01-01 00:00:00+00", 0);
	check_leaf("1969-12-31 23:59:59.999999+00", -1);
	check_leaf("2000-03-01 00:00:00+00", INT64_C(1000000) * (951868800));
	check_leaf("2024-02-29 12:00:00.5+00", INT64_C(1000000) * (1709208000) + 500000);
	check_leaf("2026-11-23 03:00:00.000001+00", INT64_C(1000000) * (1795402800) + 1);
	check_leaf("0001-01-01 00:00:00+00", INT64_C(1000000) * (-62135596800));
	check_leaf("0001-12-31 00:00:00+00 BC", INT64_C(1000000) * (-62135683200));
	check_leaf("4713-01-01 00:00:00+00 BC", INT64_C(1000000) * (-210863520000));
	check_leaf("290000-12-31 23:59:59.999999+00", INT64_C(1000000) * (9089380483200) - 1);
	check_leaf("294276-12-31 23:59:59.999999+00", SC_INSTANT_END);
	check_leaf("infinity", SC_INSTANT_END);
	check_leaf("-infinity", SC_INSTANT_BEGIN);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(!sc_instant_read_leaf(&out, bad[i], strlen(bad[i])), bad[i]);
	CHECK(!sc_instant_read_leaf(&out, "2026-11-23 03:00:00+00\0", 23));
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_calendar();
	test_instants();
	test_written();
	test_leaf_times();
	return test_end("instant");
}
