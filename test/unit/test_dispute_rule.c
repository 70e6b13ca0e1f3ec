/*
 * test_dispute_rule.c
 *	  Dispute files of broken rules: which rows convict, which do not decide, and that nothing in them can be changed.
 */
#include "chain.h"

#include "core/disputefile.h"
#include "core/rule.h"

static ScSigningKey log_key;
static ScSigningKey other_key;
static char log_vkey[512];
static char other_vkey[512];

#define DEFINITION "{\\\"contract\\\":\\\"odometer\\\",\\\"tables\\\":[{\\\"rules\\\":[" \
	"{\\\"name\\\":\\\"monotonic\\\",\\\"parameters\\\":{\\\"key\\\":[\\\"car\\\"],\\\"value\\\":\\\"km\\\"},\\\"version\\\":\\\"%s\\\"}," \
	"{\\\"name\\\":\\\"window\\\",\\\"parameters\\\":{\\\"until\\\":\\\"2026-06-01T00:00:00Z\\\"},\\\"version\\\":\\\"%s\\\"}" \
	"],\\\"table\\\":\\\"car\\\"},{\\\"rules\\\":[" \
	"{\\\"name\\\":\\\"balance\\\",\\\"parameters\\\":{\\\"account\\\":\\\"car\\\",\\\"amount\\\":\\\"km\\\"},\\\"version\\\":\\\"%s\\\"}" \
	"],\\\"table\\\":\\\"money\\\"}],\\\"version\\\":\\\"1\\\"}"

/* indexes of the leaves */
enum
{
	PROPOSE,
	ACTIVATE,
	KM_200,
	KM_100,
	KM_300,
	OTHER_CAR,
	LATE,
	EARLY,
	MONEY,
	OTHER_SOURCES
};

static void
event(const char *action, int seq, const char *more, const char *digest)
{
	char		text[8192];

	snprintf(text, sizeof(text), "{\"chain\":\"" ORIGIN "\",\"event\":{\"action\":\"%s\",\"contract\":\"odometer\",%s\"rules\":["
			 "{\"digest\":\"%s\",\"name\":\"monotonic\",\"version\":\"%s\"},{\"digest\":\"%s\",\"name\":\"window\",\"version\":\"%s\"}],"
			 "\"type\":\"contract\",\"version\":\"1\"},\"seq\":\"%d\"}",
			 action, more, digest ? digest : sc_rule_monotonic.source_digest, sc_rule_monotonic.version,
			 digest ? digest : sc_rule_window.source_digest, sc_rule_window.version, seq);
	(void) chain_leaf(text);
}

static void
row(const char *table, const char *car, int km, int seq, const char *time)
{
	char		text[512];

	snprintf(text, sizeof(text), "{\"chain\":\"" ORIGIN "\",\"columns\":{\"car\":\"%s\",\"km\":\"%d\"},\"seq\":\"%d\",\"table\":\"%s\",\"time\":\"%s\"}",
			 car, km, seq, table, time);
	(void) chain_leaf(text);
}

static void
make_leaves(void)
{
	char		definition[4096];

	snprintf(definition, sizeof(definition), "\"definition\":\"" DEFINITION "\",", sc_rule_monotonic.version,
			 sc_rule_window.version, sc_rule_balance.version);
	event("propose", 1, definition, NULL);
	event("activate", 2, "\"from\":\"2026-02-01 00:00:00+00\",", NULL);
	row("car", "A", 200, 3, "2026-03-01 00:00:00+00");
	row("car", "A", 100, 4, "2026-03-02 00:00:00+00");
	row("car", "A", 300, 5, "2026-03-03 00:00:00+00");
	row("car", "B", 100, 6, "2026-03-04 00:00:00+00");
	row("car", "C", 100, 7, "2026-07-01 00:00:00+00");
	row("car", "A", 50, 8, "2026-01-01 00:00:00+00");
	row("money", "A", -5, 9, "2026-03-01 00:00:00+00");
	event("activate", 10, "\"from\":\"2026-02-01 00:00:00+00\",", ZEROS);
	row("car", "A", 10, 11, "2026-03-09 00:00:00+00");
}

/* a file of these leaves' receipts, ended by -1 */
static void
build(ScBuf *buf, const int *leaves, const ScSigningKey *key)
{
	sc_disputefile_begin(buf, SC_DISPUTE_RULE);
	for (; *leaves >= 0; leaves++)
	{
		ScBuf		part = SC_BUF_INIT;

		receipt(&part, (uint64_t) *leaves, key, NULL);
		sc_disputefile_part(buf, "receipt", part.data, part.len);
		sc_buf_free(&part);
	}
}

/* what the program says of such a file */
static int
judge(const int *leaves, const ScSigningKey *key, const char *vkey)
{
	ScBuf		buf = SC_BUF_INIT;

	build(&buf, leaves, key);
	write_buf("file", &buf);
	return run_key(vkey, "file");
}

#define LEAVES(...) (const int[]) {__VA_ARGS__, -1}

static void
test_verdicts(void)
{
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE, KM_200, KM_100), &log_key, log_vkey) == 0 && says("PROOF: a row breaks its contract") &&
		  says("rule           monotonic") && says("row number     4") && says("contract       odometer, version 1"));
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE, LATE), &log_key, log_vkey) == 0 && says("rule           window"));
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE, KM_200, KM_100), &other_key, log_vkey) == 2 && !says("PROOF"));
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE, KM_200, KM_100), &log_key, other_vkey) == 2 && !says("PROOF"));

	/* rows that the rules accept */
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE, KM_200, KM_300), &log_key, log_vkey) == 1 && says("the rules accept this row"));
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE, KM_100), &log_key, log_vkey) == 1);
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE, KM_200, OTHER_CAR), &log_key, log_vkey) == 1);

	/* accepted before the version began; in another order; without the events */
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE, KM_200, EARLY), &log_key, log_vkey) == 1 && says("not a contract's events"));
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE, KM_300, KM_100), &log_key, log_vkey) == 1 && says("not a contract's events"));
	CHECK(judge(LEAVES(ACTIVATE, PROPOSE, KM_200, KM_100), &log_key, log_vkey) == 1);
	CHECK(judge(LEAVES(PROPOSE, PROPOSE, KM_200, KM_100), &log_key, log_vkey) == 1);
	CHECK(judge(LEAVES(KM_200, KM_100), &log_key, log_vkey) == 1);
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE), &log_key, log_vkey) == 1);
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE, KM_200, MONEY), &log_key, log_vkey) == 1);

	/* a rule that needs every row, and one whose sources are not ours */
	CHECK(judge(LEAVES(PROPOSE, ACTIVATE, MONEY), &log_key, log_vkey) == 5 && says("do not decide"));
	CHECK(judge(LEAVES(PROPOSE, OTHER_SOURCES, OTHER_SOURCES + 1), &log_key, log_vkey) == 5 && says("do not decide"));
}

/* a receipt of another size of the tree does not mix in; altered bytes prove nothing */
static void
test_altered(void)
{
	ScBuf		buf = SC_BUF_INIT;
	ScBuf		copy = SC_BUF_INIT;
	int			survived = 0;

	build(&buf, LEAVES(PROPOSE, ACTIVATE, KM_200, KM_100), &log_key);
	for (size_t i = 0; i < buf.len; i += 97)
	{
		sc_buf_append(&copy, buf.data, buf.len);
		copy.data[i] ^= 1;
		write_buf("altered", &copy);
		survived += run_key(log_vkey, "altered") == 0;
	}
	CHECK(survived == 0);
	write_file("shorter", buf.data, buf.len / 2);
	CHECK(run_key(log_vkey, "shorter") == 1);
	sc_buf_free(&buf);
}

int
main(int argc, char **argv)
{
	chain_begin(argc, argv);
	make_key(&log_key, ORIGIN, SC_KEY_ED25519, log_vkey);
	make_key(&other_key, "seoul.go.kr/other/main", SC_KEY_ED25519, other_vkey);
	make_leaves();
	test_verdicts();
	test_altered();
	return chain_end("dispute_rule");
}
