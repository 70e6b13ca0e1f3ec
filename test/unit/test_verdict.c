/*
 * test_verdict.c
 *	  The judgement of keys over time, every combination of order, recorded times and outside times.
 *
 * The table of docs/sign.md stands here a second time, as a table; all
 * combinations of one end on a small grid are compared with it, and many ends
 * at random with what must hold of any judgement.
 */
#include "harness.h"

#include "core/verdict.h"

#define SECONDS(n) ((n) * INT64_C(1000000))
#define HOUR SECONDS(3600)

static ScMoment
moment(uint64_t leaf, int64_t time)
{
	return (ScMoment) {leaf, true, time};
}

/* a row at leaf 50, at 50 h, by a key registered at leaf 10, at 10 h */
static ScNeed plain_need = {{10, true, 10 * HOUR}, SC_INSTANT_END};

static ScCase
plain(void)
{
	return (ScCase) {.row = {50, true, 50 * HOUR}, .needs = &plain_need, .nneeds = 1};
}

static bool
is(const ScCase *c, ScReason reason)
{
	ScRuling	ruling = sc_verdict(c);

	if (ruling.reason != reason)
		fprintf(stderr, "%s instead of %s\n", sc_reason_code(ruling.reason), sc_reason_code(reason));
	return ruling.reason == reason && ruling.answer == sc_verdict_for(reason).answer;
}

/* the row against one end: order x recorded time x outside time */
static void
test_one_end(void)
{
	/* the end's recorded time against the row's: earlier, the same, later */
	static const int64_t times[3] = {-HOUR, 0, HOUR};
	/* the outside time: none, between row and end, after both */
	static const struct
	{
		bool		before;		/* the end stands before the row in the tree */
		int			time;
		ScReason	none;
		ScReason	near;		/* an outside time a second behind the row's */
		ScReason	late;		/* an outside time long behind both */
	}			table[] = {
		{false, 2, SC_REASON_IN_FORCE, SC_REASON_IN_FORCE, SC_REASON_IN_FORCE},
		{false, 1, SC_REASON_IN_FORCE, SC_REASON_IN_FORCE, SC_REASON_IN_FORCE},
		{false, 0, SC_REASON_SEALED_BEFORE, SC_REASON_SEALED_BEFORE, SC_REASON_SEALED_BEFORE},
		{true, 2, SC_REASON_SEALED_AFTER, SC_REASON_SEALED_AFTER, SC_REASON_SEALED_AFTER},
		{true, 1, SC_REASON_ENDED, SC_REASON_ENDED, SC_REASON_ENDED},
		{true, 0, SC_REASON_ENDED, SC_REASON_ENDED, SC_REASON_ENDED},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		ScCase		c = plain();
		ScEnd		end = {.from = moment(table[i].before ? 40 : 60, c.row.time + times[table[i].time])};

		c.ends = &end;
		c.nends = 1;
		CHECK(is(&c, table[i].none));
		c.outside_expected = true;
		CHECK(is(&c, table[i].none));
		c.seen = true;
		c.seen_by = c.row.time + SECONDS(1);
		CHECK(is(&c, table[i].near));
		c.seen_by = c.row.time + 100 * HOUR;
		CHECK(is(&c, table[i].late));

		/* a suspension is the same under another name */
		end.suspends = true;
		CHECK(is(&c, table[i].late == SC_REASON_ENDED ? SC_REASON_SUSPENDED : table[i].late));
	}
}

/* sealed before an end that was recorded a moment earlier: an outside time before the end decides, no other */
static void
test_outside_decides(void)
{
	ScCase		c = plain();
	ScEnd		end = {.from = moment(60, c.row.time - SECONDS(1))};

	c.ends = &end;
	c.nends = 1;
	CHECK(is(&c, SC_REASON_SEALED_BEFORE));
	c.seen = true;
	c.seen_by = end.from.time - 1;
	CHECK(is(&c, SC_REASON_SHOWN_BEFORE));
	c.seen_by = end.from.time;
	CHECK(is(&c, SC_REASON_SEALED_BEFORE));

	/* whoever backdates behind an end's leaf is not helped by a time before the end: that tree held the end as well */
	end.from = moment(40, c.row.time + HOUR);
	c.seen_by = c.row.time + SECONDS(1);
	CHECK(is(&c, SC_REASON_SEALED_AFTER));
}

/* a row that was seen before it says that it was accepted */
static void
test_wrong_clocks(void)
{
	ScCase		c = plain();
	ScEnd		end = {.from = moment(40, 40 * HOUR)};

	c.seen = true;
	c.seen_by = c.row.time - SC_VERDICT_SKEW;
	CHECK(is(&c, SC_REASON_IN_FORCE));
	c.seen_by--;
	CHECK(is(&c, SC_REASON_TIME_REFUTED));

	/* what the origin's own record refuses stays refused, whatever its clock */
	c.ends = &end;
	c.nends = 1;
	CHECK(is(&c, SC_REASON_ENDED));
	c.nends = 0;
	c.row.has_time = false;
	CHECK(is(&c, SC_REASON_NO_TIME));
}

static void
test_needs(void)
{
	ScCase		c = plain();
	ScNeed		needs[2] = {plain_need, plain_need};
	ScRuling	ruling;

	c.needs = needs;
	c.nneeds = 2;
	CHECK(is(&c, SC_REASON_IN_FORCE));
	needs[1].from = moment(60, 10 * HOUR);
	CHECK(is(&c, SC_REASON_NOT_YET));
	needs[1].from = moment(50, 10 * HOUR);
	CHECK(is(&c, SC_REASON_NOT_YET));
	needs[1].from = moment(49, c.row.time + 1);
	CHECK(is(&c, SC_REASON_NOT_YET));
	ruling = sc_verdict(&c);
	CHECK(ruling.need == 1 && ruling.end == -1);
	needs[1].from = moment(49, c.row.time);
	CHECK(is(&c, SC_REASON_IN_FORCE));
	needs[1].until = c.row.time + 1;
	CHECK(is(&c, SC_REASON_IN_FORCE));
	needs[1].until = c.row.time;
	CHECK(is(&c, SC_REASON_EXPIRED));
	needs[1].until = SC_INSTANT_BEGIN;
	CHECK(is(&c, SC_REASON_EXPIRED));
	needs[1].until = SC_INSTANT_END;
	needs[1].from.has_time = false;
	CHECK(is(&c, SC_REASON_NO_TIME));

	/* order refuses also where times are missing */
	needs[1].from.leaf = 70;
	CHECK(is(&c, SC_REASON_NOT_YET));
	c = plain();
	c.has_rule = true;
	c.rule = 49;
	CHECK(is(&c, SC_REASON_IN_FORCE));
	c.rule = 50;
	CHECK(is(&c, SC_REASON_BEFORE_RULE));
	c.rule = 51;
	CHECK(is(&c, SC_REASON_BEFORE_RULE));
}

/* suspended and resumed: over only when order and time both say so */
static void
test_resumed(void)
{
	ScCase		c = plain();
	ScEnd		end = {.from = moment(30, 30 * HOUR), .suspends = true, .resumed = true, .resumed_from = moment(40, 40 * HOUR)};

	c.ends = &end;
	c.nends = 1;
	CHECK(is(&c, SC_REASON_IN_FORCE));
	end.resumed_from = moment(49, c.row.time);
	CHECK(is(&c, SC_REASON_IN_FORCE));
	end.resumed_from = moment(49, c.row.time + 1);
	CHECK(is(&c, SC_REASON_SUSPENDED));
	end.resumed_from = moment(51, c.row.time);
	CHECK(is(&c, SC_REASON_SUSPENDED));
	end.resumed_from = moment(70, 70 * HOUR);
	CHECK(is(&c, SC_REASON_SUSPENDED));
	end.from = moment(60, 60 * HOUR);
	CHECK(is(&c, SC_REASON_IN_FORCE));
	end.from = moment(40, 60 * HOUR);
	CHECK(is(&c, SC_REASON_SEALED_AFTER));
	end.resumed_from.has_time = false;
	CHECK(is(&c, SC_REASON_NO_TIME));

	/* a key that was revoked does not come back */
	end = (ScEnd) {.from = moment(30, 30 * HOUR), .resumed = true, .resumed_from = moment(40, 40 * HOUR)};
	CHECK(is(&c, SC_REASON_ENDED));
}

/* "compromised since": after it doubtful; before it, who asks for outside times gets an answer only from them */
static void
test_compromised(void)
{
	ScCase		c = plain();
	ScEnd		end = {.from = moment(60, 60 * HOUR), .has_since = true, .since = 45 * HOUR};

	c.ends = &end;
	c.nends = 1;
	CHECK(is(&c, SC_REASON_COMPROMISED));
	CHECK(sc_verdict(&c).end == 0);
	end.since = c.row.time;
	CHECK(is(&c, SC_REASON_COMPROMISED));
	end.since = SC_INSTANT_BEGIN;
	CHECK(is(&c, SC_REASON_COMPROMISED));
	end.since = c.row.time + 2;
	CHECK(is(&c, SC_REASON_IN_FORCE));
	c.outside_expected = true;
	CHECK(is(&c, SC_REASON_NOT_SHOWN_BEFORE));
	c.seen = true;
	c.seen_by = c.row.time + 2;
	CHECK(is(&c, SC_REASON_NOT_SHOWN_BEFORE));
	c.seen_by = c.row.time + 1;
	CHECK(is(&c, SC_REASON_SHOWN_BEFORE));
	c.outside_expected = false;
	CHECK(is(&c, SC_REASON_SHOWN_BEFORE));
	c.seen_by = c.row.time + HOUR;
	CHECK(is(&c, SC_REASON_IN_FORCE));

	/* an end before the row weighs more, and so does what is open */
	end.since = 45 * HOUR;
	end.from = moment(40, 40 * HOUR);
	CHECK(is(&c, SC_REASON_ENDED));
	end.from = moment(40, 60 * HOUR);
	CHECK(is(&c, SC_REASON_SEALED_AFTER));

	/* a suspension that is over still says since when */
	end = (ScEnd) {.from = moment(60, 60 * HOUR), .suspends = true, .resumed = true, .resumed_from = moment(70, 70 * HOUR),
		.has_since = true, .since = 45 * HOUR};
	CHECK(is(&c, SC_REASON_COMPROMISED));
}

static void
test_certificates(void)
{
	ScCase		c = plain();
	ScEnd		end = {.from = moment(60, 60 * HOUR), .has_since = true, .since = 45 * HOUR};

	c.certificate = SC_CERTIFICATE_GOOD;
	CHECK(is(&c, SC_REASON_IN_FORCE));
	c.certificate = SC_CERTIFICATE_LATE;
	CHECK(is(&c, SC_REASON_CERTIFICATE_LATE));
	c.certificate = SC_CERTIFICATE_NOT_SHOWN;
	CHECK(is(&c, SC_REASON_NOT_SHOWN));
	c.certificate = SC_CERTIFICATE_BAD;
	CHECK(is(&c, SC_REASON_CERTIFICATE));
	c.ends = &end;
	c.nends = 1;
	CHECK(is(&c, SC_REASON_CERTIFICATE));
}

/* a small random case; everything within a few hours and leaves of the row */
static void
random_case(ScCase *c, ScNeed *needs, ScEnd *ends)
{
	*c = plain();
	c->needs = needs;
	c->ends = ends;
	c->nneeds = (int) (test_random() % 3);
	c->nends = (int) (test_random() % 4);
	c->certificate = (ScCertificateState) (test_random() % 5);
	c->seen = test_random() % 2;
	c->outside_expected = test_random() % 2;
	c->seen_by = (int64_t) (45 + test_random() % 10) * HOUR;
	for (int i = 0; i < c->nneeds; i++)
		needs[i] = (ScNeed) {moment(47 + test_random() % 4, (int64_t) (47 + test_random() % 4) * HOUR),
			test_random() % 4 ? SC_INSTANT_END : (int64_t) (49 + test_random() % 4) * HOUR};
	for (int i = 0; i < c->nends; i++)
	{
		uint64_t	leaf = 46 + test_random() % 9;

		ends[i] = (ScEnd) {.from = moment(leaf, (int64_t) (46 + test_random() % 9) * HOUR), .suspends = test_random() % 2,
			.resumed = test_random() % 2, .resumed_from = moment(leaf + 1, (int64_t) (46 + test_random() % 9) * HOUR),
			.has_since = test_random() % 2, .since = (int64_t) (46 + test_random() % 9) * HOUR};
	}
}

/* what holds of any judgement: nobody gains by withholding what the reader asked for, and no end makes anything better */
static void
test_properties(void)
{
	int			before = test_failed;

	for (int i = 0; i < 2000000; i++)
	{
		ScNeed		needs[3];
		ScEnd		ends[4];
		ScCase		c;
		ScCase		other;
		ScRuling	ruling;

		random_case(&c, needs, ends);
		ruling = sc_verdict(&c);
		REQUIRE(ruling.answer != SC_ANSWER_VALID || c.certificate <= SC_CERTIFICATE_GOOD);
		REQUIRE((ruling.end >= 0 && ruling.end < c.nends) || ruling.end == -1);

		/* the same without the outside time: never better for a reader who asked for one, unless the time refuted the row's own */
		other = c;
		other.outside_expected = true;
		if (c.seen && sc_verdict(&other).reason != SC_REASON_TIME_REFUTED)
		{
			ScAnswer	with = sc_verdict(&other).answer;

			other.seen = false;
			REQUIRE(sc_verdict(&other).answer >= with);
		}

		/* one more end, or one need more that was there in time */
		other = c;
		other.nends = c.nends > 0 ? c.nends - 1 : 0;
		REQUIRE(sc_verdict(&other).answer <= ruling.answer || ruling.answer == SC_ANSWER_DOUBTFUL ||
				sc_verdict(&other).answer == SC_ANSWER_DOUBTFUL);
		other.nends = 0;
		other.certificate = SC_CERTIFICATE_NONE;
		REQUIRE(sc_verdict(&other).answer != SC_ANSWER_DOUBTFUL);

		/* a row sealed behind an end that is not over is never valid */
		for (int j = 0; j < c.nends; j++)
			REQUIRE(ruling.answer != SC_ANSWER_VALID || ends[j].from.leaf >= c.row.leaf ||
					(ends[j].suspends && ends[j].resumed && ends[j].resumed_from.leaf < c.row.leaf));
	}
	CHECK_NO_NEW_FAILURE(before);
}

static void
test_words(void)
{
	for (int i = 0; i <= SC_REASON_USED; i++)
	{
		CHECK(sc_reason_code((ScReason) i) != NULL && strlen(sc_reason_text((ScReason) i)) > 10);
		for (int j = 0; j < i; j++)
			CHECK(strcmp(sc_reason_code((ScReason) i), sc_reason_code((ScReason) j)) != 0);
	}
	CHECK(strcmp(sc_answer_text(SC_ANSWER_UNDECIDED), "undecided") == 0);
	CHECK(sc_verdict_for(SC_REASON_USED).answer == SC_ANSWER_INVALID);
	CHECK(sc_verdict_for(SC_REASON_COMPROMISED).answer == SC_ANSWER_DOUBTFUL);
	CHECK(sc_verdict_for(SC_REASON_SHOWN_BEFORE).answer == SC_ANSWER_VALID);
	CHECK(sc_verdict_for(SC_REASON_NOT_SHOWN).answer == SC_ANSWER_UNDECIDED);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_one_end();
	test_outside_decides();
	test_wrong_clocks();
	test_needs();
	test_resumed();
	test_compromised();
	test_certificates();
	test_properties();
	test_words();
	return test_end("verdict");
}
