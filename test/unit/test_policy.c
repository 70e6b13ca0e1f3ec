/*
 * test_policy.c
 *	  Trust policies: what parses, what does not, and who is enough.
 */
#include "harness.h"

#include "core/policy.h"

static ScPolicy policy;
static int	line;

/* a verifier key made of one byte, as text */
static const char *
vkey(const char *name, uint8_t type, uint8_t byte)
{
	static char texts[16][256];
	static int	next;
	ScVerifierKey key = {.type = type, .keylen = 32};
	ScBuf		buf = SC_BUF_INIT;
	char	   *text = texts[next++ % 16];

	strcpy(key.name, name);
	memset(key.key, byte, 32);
	sc_note_key_id(key.id, key.name, key.type, key.key, key.keylen);
	sc_note_format_key(&buf, &key);
	strcpy(text, sc_buf_cstr(&buf));
	sc_buf_free(&buf);
	return text;
}

static ScStatus
parse(const char *text)
{
	return sc_policy_parse(&policy, &line, text, strlen(text));
}

/* the specification's example: two of X1 X2 X3, and any of Y1 Y2 Y3 */
static void
test_example(void)
{
	static const char *const names[] = {"X1", "X2", "X3", "Y1", "Y2", "Y3"};
	ScBuf		buf = SC_BUF_INIT;
	int			before = test_failed;

	sc_buf_string(&buf, "# a policy\n\n\tlog ");
	sc_buf_string(&buf, vkey("example.com/log", SC_KEY_ED25519, 1));
	sc_buf_string(&buf, "  https://example.com/  \n");
	for (int i = 0; i < 6; i++)
	{
		sc_buf_string(&buf, "witness ");
		sc_buf_string(&buf, names[i]);
		sc_buf_char(&buf, ' ');
		sc_buf_string(&buf, vkey(names[i], SC_KEY_COSIGNATURE, (uint8_t) (10 + i)));
		sc_buf_char(&buf, '\n');
	}
	sc_buf_string(&buf, "group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n"
				  "group X-and-Y all X-witnesses Y-witnesses\n  # end\nquorum X-and-Y\n");
	CHECK(sc_buf_cstr(&buf) != NULL);
	CHECK_STATUS(parse(buf.data), SC_OK);
	CHECK(policy.nkeys == 7 && policy.nnames == 9 && policy.is_log[0] && !policy.is_log[1]);
	for (unsigned int set = 0; set < 128; set++)
	{
		bool		good[SC_POLICY_KEYS_MAX] = {0};
		int			x = __builtin_popcount(set >> 1 & 7);
		int			y = __builtin_popcount(set >> 4 & 7);

		for (int i = 0; i < 7; i++)
			good[i] = set >> i & 1;
		REQUIRE(sc_policy_quorum_met(&policy, good) == (x >= 2 && y >= 1));
		REQUIRE(sc_policy_log_signed(&policy, good, "example.com/log") == (set & 1));
		REQUIRE(!sc_policy_log_signed(&policy, good, "example.com/other"));
		REQUIRE(!sc_policy_log_signed(&policy, good, "X1"));
	}
	CHECK_NO_NEW_FAILURE(before);

	/* without its last newline it is cut short */
	CHECK_STATUS(sc_policy_parse(&policy, &line, buf.data, buf.len - 1), SC_MALFORMED);
	sc_buf_free(&buf);
}

static void
test_simple(void)
{
	char		text[1024];
	bool		good[SC_POLICY_KEYS_MAX] = {0};

	CHECK_STATUS(parse("quorum none\n"), SC_OK);
	CHECK(sc_policy_quorum_met(&policy, good) && !sc_policy_log_signed(&policy, good, "a"));

	snprintf(text, sizeof(text), "witness w %s\nquorum w\n", vkey("w.example", SC_KEY_COSIGNATURE, 3));
	CHECK_STATUS(parse(text), SC_OK);
	CHECK(!sc_policy_quorum_met(&policy, good));
	good[0] = true;
	CHECK(sc_policy_quorum_met(&policy, good));

	/* a witness behind the quorum's line changes nothing */
	snprintf(text, sizeof(text), "witness w %s\nquorum w\nwitness v %s\n",
			 vkey("w.example", SC_KEY_COSIGNATURE, 3), vkey("v.example", SC_KEY_COSIGNATURE, 4));
	CHECK_STATUS(parse(text), SC_OK);
	CHECK(sc_policy_quorum_met(&policy, good));
}

static void
test_refused(void)
{
	const char *w = vkey("w.example", SC_KEY_COSIGNATURE, 3);
	const char *v = vkey("v.example", SC_KEY_COSIGNATURE, 4);
	const char *l = vkey("log.example", SC_KEY_ED25519, 5);
	const char *w_again = vkey("other.example", SC_KEY_COSIGNATURE, 3);
	const char *l_again = vkey("other.example", SC_KEY_ED25519, 5);
	struct
	{
		const char *format;		/* $w, $v, $l, $W, $L stand for the keys above */
		int			line;
	}			cases[] = {
		{"", 0}, {"# nothing\n", 0}, {"log $l\n", 0},
		{"quorum none\nquorum none\n", 2}, {"quorum\n", 1}, {"quorum none x\n", 1}, {"quorum w\n", 1},
		{"quorum w\nwitness w $w\n", 1}, {"Quorum none\n", 1}, {"nonsense\nquorum none\n", 1},
		{"log\n", 1}, {"log x\n", 1}, {"log $l url more\n", 1}, {"log $w\n", 1}, {"log $l\nlog $L\n", 2}, {"log $l\nlog $l\n", 2},
		{"witness w\n", 1}, {"witness w $l\n", 1}, {"witness w x\n", 1}, {"witness none $w\n", 1},
		{"witness w $w\nwitness w $v\n", 2}, {"witness w $w\nwitness x $W\n", 2},
		{"witness w $w url more\n", 1},
		{"group g any\n", 1}, {"group g\n", 1}, {"group g any g\n", 1}, {"group g any w\nwitness w $w\n", 1},
		{"witness w $w\ngroup g 0 w\n", 2}, {"witness w $w\ngroup g 2 w\n", 2}, {"witness w $w\ngroup g some w\n", 2},
		{"witness w $w\ngroup g 01 w\n", 2}, {"witness w $w\ngroup g any w w\n", 2}, {"witness w $w\ngroup w any w\n", 2},
		{"witness w $w\ngroup g any none\n", 2}, {"witness w $w\ngroup none any w\n", 2},
		{"witness w $w\ngroup g any w\ngroup h any w\n", 3}, {"witness w $w\ngroup g any w\ngroup g any g\n", 3},
		{"quorum none\r\n", 1}, {"quorum none\n\x7F\n", 2}, {"quorum none\n#\x01\n", 2}, {"quorum none", 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ScBuf		buf = SC_BUF_INIT;

		for (const char *p = cases[i].format; *p; p++)
		{
			if (*p != '$')
				sc_buf_char(&buf, *p);
			else
			{
				p++;
				sc_buf_string(&buf, *p == 'w' ? w : *p == 'v' ? v : *p == 'l' ? l : *p == 'W' ? w_again : l_again);
			}
		}
		CHECK_CASE(sc_policy_parse(&policy, &line, buf.data, buf.len) == SC_MALFORMED, cases[i].format);
		CHECK_CASE(line == cases[i].line, cases[i].format);
		(void) sc_policy_fault(buf.data, buf.len, line);
		sc_buf_free(&buf);
	}
	CHECK_STATUS(sc_policy_parse(&policy, &line, "quorum none\n\0", 13), SC_MALFORMED);
}

/* what cannot be seen on a line is said in words */
static void
test_faults(void)
{
	char		text[1024];
	const char *log = vkey("log.example", SC_KEY_ED25519, 5);
	const char *witness = vkey("w.example", SC_KEY_COSIGNATURE, 3);

#define CHECK_FAULT(words) \
	CHECK(sc_policy_parse(&policy, &line, text, strlen(text)) == SC_MALFORMED && \
		  strstr(sc_policy_fault(text, strlen(text), line), words) != NULL)
	snprintf(text, sizeof(text), "log %s\r\nquorum none\r\n", log);
	CHECK_FAULT("carriage return");
	snprintf(text, sizeof(text), "log %s\nquorum none", log);
	CHECK_FAULT("does not end with a newline");
	snprintf(text, sizeof(text), "log %s\n", log);
	CHECK_FAULT("which quorum");
	snprintf(text, sizeof(text), "witness w %s\nquorum w\n", log);
	CHECK_FAULT("a witness's cosignature/v1");
	snprintf(text, sizeof(text), "log %s\nquorum none\n", witness);
	CHECK_FAULT("a log's is Ed25519");
	/* ML-DSA-44, which the specification has for new witnesses */
	snprintf(text, sizeof(text), "witness w w.example+12345678+BgAAAA==\nquorum w\n");
	CHECK_FAULT("cannot stand here");
	snprintf(text, sizeof(text), "witness w %s\nquorum v\n", witness);
	CHECK(sc_policy_parse(&policy, &line, text, strlen(text)) == SC_MALFORMED && line == 2);
	CHECK(sc_policy_fault(text, strlen(text), line) == NULL);
#undef CHECK_FAULT
}

/* the limits hold, and are above what the specification recommends */
static void
test_limits(void)
{
	ScBuf		buf = SC_BUF_INIT;
	char		name[32];

	for (int i = 0; i <= SC_POLICY_KEYS_MAX; i++)
	{
		snprintf(name, sizeof(name), "w%d", i);
		sc_buf_string(&buf, "witness ");
		sc_buf_string(&buf, name);
		sc_buf_char(&buf, ' ');
		sc_buf_string(&buf, vkey(name, SC_KEY_COSIGNATURE, (uint8_t) i));
		sc_buf_char(&buf, '\n');
	}
	CHECK_STATUS(sc_policy_parse(&policy, &line, buf.data, buf.len), SC_TOO_LARGE);
	CHECK(line == SC_POLICY_KEYS_MAX + 1);
	sc_buf_free(&buf);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_example();
	test_simple();
	test_refused();
	test_faults();
	test_limits();
	return test_end("policy");
}
