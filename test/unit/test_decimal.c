/*
 * test_decimal.c
 *	  Decimals against integer arithmetic.
 */
#include "harness.h"

#include "core/decimal.h"

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

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_arithmetic();
	test_long();
	test_refused();
	return test_end("decimal");
}
