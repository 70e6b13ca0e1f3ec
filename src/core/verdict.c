/*
 * verdict.c
 *	  Whether a key was in force for a row, by order of leaves, recorded times and outside times.
 *
 * Order of leaves is proof: what stands before in the tree was sealed before.
 * A recorded time is the origin's word.  An outside time is an upper bound
 * only: it shows that a tree existed by then, never that it did not exist
 * before.  A tree that holds the row holds all that stands before it, so no
 * outside time can move a row in front of an end that was sealed before it.
 *
 * An honest origin keeps both in step: it takes a lock that signers and ends of
 * their keys exclude each other by before it reads the time, so a row recorded
 * before an end is sealed before it, however slow its transaction.  Where they
 * disagree, a clock went wrong or somebody backdates; that is never "valid"
 * unless an outside time shows that the row was there before the end.
 *
 * Withholding evidence must not make an answer better: see outside_expected.
 */
#include <stddef.h>

#include "core/verdict.h"

static ScAnswer
answer_of(ScReason reason)
{
	if (reason >= SC_REASON_BAD_SIGNATURE)
		return SC_ANSWER_INVALID;
	if (reason >= SC_REASON_NO_TIME)
		return SC_ANSWER_UNDECIDED;
	return reason >= SC_REASON_COMPROMISED ? SC_ANSWER_DOUBTFUL : SC_ANSWER_VALID;
}

ScRuling
sc_verdict_for(ScReason reason)
{
	return (ScRuling) {answer_of(reason), reason, -1, -1};
}

static ScRuling
by_need(ScReason reason, int need)
{
	return (ScRuling) {answer_of(reason), reason, need, -1};
}

static ScRuling
by_end(ScReason reason, int end)
{
	return (ScRuling) {answer_of(reason), reason, -1, end};
}

/* in force for the row: sealed before it, and recorded at or before its time */
static bool
precedes(const ScMoment *moment, const ScMoment *row)
{
	return moment->leaf < row->leaf && moment->time <= row->time;
}

/* whether an outside time shows that the row was there before a moment */
static bool
seen_before(const ScCase *c, int64_t time)
{
	return c->seen && c->seen_by < time;
}

/* where order and recorded time say different things: which reason, and whether it counts */
static bool
contradicts(const ScCase *c, const ScEnd *end, ScReason *reason)
{
	bool		sealed_after = end->from.leaf < c->row.leaf;
	bool		recorded_after = end->from.time <= c->row.time;

	/* a tie in time is no contradiction: order decides it */
	if (sealed_after == recorded_after || (!sealed_after && end->from.time == c->row.time))
		return false;
	*reason = sealed_after ? SC_REASON_SEALED_AFTER : SC_REASON_SEALED_BEFORE;
	return sealed_after || !seen_before(c, end->from.time);
}

static bool
is_over(const ScEnd *end, const ScMoment *row)
{
	return end->suspends && end->resumed && precedes(&end->resumed_from, row);
}

static bool
all_have_times(const ScCase *c)
{
	bool		all = c->row.has_time;

	for (int i = 0; i < c->nneeds; i++)
		all = all && c->needs[i].from.has_time;
	for (int i = 0; i < c->nends; i++)
		all = all && c->ends[i].from.has_time && (!c->ends[i].resumed || c->ends[i].resumed_from.has_time);
	return all;
}

/* what an honest origin would have refused; false when there is nothing */
static bool
refused(ScRuling *out, const ScCase *c)
{
	for (int i = 0; i < c->nneeds; i++)
	{
		const ScNeed *need = &c->needs[i];

		if (!precedes(&need->from, &c->row))
			*out = by_need(SC_REASON_NOT_YET, i);
		else if (need->until <= c->row.time)
			*out = by_need(SC_REASON_EXPIRED, i);
		else
			continue;
		return true;
	}
	for (int i = 0; i < c->nends; i++)
	{
		const ScEnd *end = &c->ends[i];

		if (!precedes(&end->from, &c->row) || is_over(end, &c->row))
			continue;
		*out = by_end(end->suspends ? SC_REASON_SUSPENDED : SC_REASON_ENDED, i);
		return true;
	}
	if (c->certificate != SC_CERTIFICATE_BAD)
		return false;
	*out = sc_verdict_for(SC_REASON_CERTIFICATE);
	return true;
}

/* where order and times leave open whether it had to be refused */
static bool
open_question(ScRuling *out, const ScCase *c)
{
	ScReason	reason;

	if (c->certificate == SC_CERTIFICATE_NOT_SHOWN)
	{
		*out = sc_verdict_for(SC_REASON_NOT_SHOWN);
		return true;
	}
	/* seen_by is not near the ends of time: it comes from a clock */
	if (c->seen && c->row.time > c->seen_by + SC_VERDICT_SKEW)
	{
		*out = sc_verdict_for(SC_REASON_TIME_REFUTED);
		return true;
	}
	for (int i = 0; i < c->nends; i++)
	{
		if (is_over(&c->ends[i], &c->row) || !contradicts(c, &c->ends[i], &reason))
			continue;
		*out = by_end(reason, i);
		return true;
	}
	return false;
}

/* accepted rightly, by a key that somebody else may have had */
static bool
doubtful(ScRuling *out, const ScCase *c)
{
	for (int i = 0; i < c->nends; i++)
	{
		if (!c->ends[i].has_since || c->row.time < c->ends[i].since)
			continue;
		*out = by_end(SC_REASON_COMPROMISED, i);
		return true;
	}
	if (c->certificate != SC_CERTIFICATE_LATE)
		return false;
	*out = sc_verdict_for(SC_REASON_CERTIFICATE_LATE);
	return true;
}

/*
 * Recorded before the compromise.  Who has the key and the origin can still
 * write rows that say so, and no end stands in the tree at that moment: for a
 * reader who does not take the origin's word only an outside time counts.
 */
static bool
not_shown_before(ScRuling *out, const ScCase *c)
{
	for (int i = 0; i < c->nends && c->outside_expected; i++)
	{
		if (!c->ends[i].has_since || seen_before(c, c->ends[i].since))
			continue;
		*out = by_end(SC_REASON_NOT_SHOWN_BEFORE, i);
		return true;
	}
	return false;
}

/* whether a valid row owes it to an outside time */
static bool
needed_outside(const ScCase *c)
{
	ScReason	reason;
	ScCase		alone = *c;

	alone.seen = false;
	for (int i = 0; i < c->nends; i++)
	{
		if ((c->ends[i].has_since && seen_before(c, c->ends[i].since)) ||
			(!is_over(&c->ends[i], &c->row) && contradicts(&alone, &c->ends[i], &reason)))
			return true;
	}
	return false;
}

ScRuling
sc_verdict(const ScCase *c)
{
	ScRuling out;

	/* order alone refuses, whatever is said about time */
	for (int i = 0; i < c->nneeds; i++)
	{
		if (c->needs[i].from.leaf >= c->row.leaf)
			return by_need(SC_REASON_NOT_YET, i);
	}
	if (c->has_rule && c->rule >= c->row.leaf)
		return sc_verdict_for(SC_REASON_BEFORE_RULE);
	if (!all_have_times(c))
		return sc_verdict_for(SC_REASON_NO_TIME);
	if (refused(&out, c) || open_question(&out, c) || doubtful(&out, c) || not_shown_before(&out, c))
		return out;
	return sc_verdict_for(needed_outside(c) ? SC_REASON_SHOWN_BEFORE : SC_REASON_IN_FORCE);
}

const char *
sc_answer_text(ScAnswer answer)
{
	static const char *const texts[] = {"valid", "doubtful", "undecided", "invalid"};

	return texts[answer];
}

static const struct
{
	const char *code;
	const char *text;
}			reasons[] = {
	[SC_REASON_IN_FORCE] = {"in_force", "the key was registered before the row and had not ended, by order and by recorded times"},
	[SC_REASON_SHOWN_BEFORE] = {"shown_before", "an outside time shows that the row was there while the key was good"},
	[SC_REASON_COMPROMISED] = {"compromised", "the key is said to be compromised since before the row was accepted"},
	[SC_REASON_CERTIFICATE_LATE] = {"certificate_revoked_later", "a later record says that the certificate was not good at that time"},
	[SC_REASON_NO_TIME] = {"no_time", "no acceptance time was recorded, so times cannot be compared"},
	[SC_REASON_BEFORE_RULE] = {"before_rule", "the table's rule that rows are signed came after the row"},
	[SC_REASON_TIME_REFUTED] = {"time_refuted", "the row was seen outside before the time at which it says it was accepted, so that time is wrong"},
	[SC_REASON_SEALED_AFTER] = {"sealed_after_end", "the row says that it was accepted before the key ended, but it was sealed after that end"},
	[SC_REASON_SEALED_BEFORE] = {"sealed_before_end", "the row was sealed before the key's end, but says that it was accepted after it"},
	[SC_REASON_NOT_SHOWN_BEFORE] = {"not_shown_before", "the row says that it was accepted before the key was compromised, but no outside time shows that it was there before"},
	[SC_REASON_NOT_SHOWN] = {"not_shown", "what decides was not shown"},
	[SC_REASON_BAD_SIGNATURE] = {"bad_signature", "the signature is not this key's over this row"},
	[SC_REASON_NOT_YET] = {"not_registered", "the key, its member or the delegation was recorded after the row"},
	[SC_REASON_ENDED] = {"ended", "the key, its member or the delegation had ended before the row was accepted"},
	[SC_REASON_SUSPENDED] = {"suspended", "the key or its member was suspended when the row was accepted"},
	[SC_REASON_EXPIRED] = {"expired", "the delegation had run out when the row was accepted"},
	[SC_REASON_CERTIFICATE] = {"certificate", "the certificate was not good when the row was accepted"},
	[SC_REASON_USED] = {"payload_used", "an earlier row carries the same statement of the same signer"},
};

const char *
sc_reason_code(ScReason reason)
{
	return reasons[reason].code;
}

const char *
sc_reason_text(ScReason reason)
{
	return reasons[reason].text;
}
