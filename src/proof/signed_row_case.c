/*
 * signed_row_case.c
 *	  Registrations, ends and delegations of a stored row's signature, as a case for core's judgement.
 *
 * Order: leaves by their place in the tree; what no block holds yet stands
 * behind all that is sealed, by its number.
 * Outside times are the timestamps that are stored beside the chain; the
 * node's own cosignature is none.
 */
#include "postgres.h"

#include "proof/signed_row.h"

#include "datatype/timestamp.h"
#include "member/authority.h"
#include "seal/timestamp_store.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define EPOCH_MICROS ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)
#define UNSEALED (UINT64CONST(1) << 63)

typedef struct Builder
{
	ScSignedRow *row;
	ScSignedTable *t;
	ScNeed		needs[4];
	int			nneeds;
	ScEnd	   *ends;
	int64	   *end_seqs;
	const char **end_words;		/* "revoked", ... and why */
	int			nends;
	ScCertificateState certificate;
} Builder;

/* microseconds since 1970 */
static int64
unix_of(TimestampTz time)
{
	if (TIMESTAMP_IS_NOBEGIN(time))
		return SC_INSTANT_BEGIN;
	if (TIMESTAMP_IS_NOEND(time) || time > PG_INT64_MAX - EPOCH_MICROS)
		return SC_INSTANT_END;
	return time + EPOCH_MICROS;
}

static ScMoment
moment(const ScSignedTable *t, int64 seq, TimestampTz time)
{
	int64		leaf = sc_member_leaf_index(t->table->chain_id, seq, t->snapshot);

	return (ScMoment) {
		.leaf = leaf >= 0 ? (uint64) leaf : UNSEALED + (uint64) seq,
		.has_time = !TIMESTAMP_NOT_FINITE(time),
		.time = unix_of(time)
	};
}

static void
add_need(Builder *b, int64 seq, TimestampTz time, int64 until)
{
	b->needs[b->nneeds++] = (ScNeed) {moment(b->t, seq, time), until};
}

static ScEnd *
add_end(Builder *b, int64 seq, TimestampTz time, const char *word)
{
	ScEnd	   *end = &b->ends[b->nends];

	*end = (ScEnd) {.from = moment(b->t, seq, time)};
	b->end_seqs[b->nends] = seq;
	b->end_words[b->nends++] = word;
	return end;
}

/* the same member, or the same key of it */
static bool
same_target(const ScStatus1 *a, const ScStatus1 *b)
{
	return a->key && b->key ? strcmp(a->key, b->key) == 0 : a->key == b->key;
}

/* the first resumption behind a suspension; entries are in order */
static const ScStatus1 *
resumption(const ScMemberLife *life, int at)
{
	const ScStatus1 *suspension = list_nth(life->entries, at);

	for (int i = at + 1; i < list_length(life->entries); i++)
	{
		const ScStatus1 *entry = list_nth(life->entries, i);

		if (entry->action == SC_ACTION_RESUME && same_target(entry, suspension))
			return entry;
	}
	return NULL;
}

/* what one entry ends */
static void
take_entry(Builder *b, const ScMemberLife *life, int at)
{
	static const char *const words[] = {
		[SC_ACTION_SUSPEND] = "suspended", [SC_ACTION_RESUME] = "resumed",
		[SC_ACTION_REVOKE] = "revoked", [SC_ACTION_REPLACE] = "replaced"
	};
	const ScStatus1 *entry = list_nth(life->entries, at);
	const ScStatus1 *resumed;
	ScEnd	   *end;

	if (entry->action == SC_ACTION_RESUME)
		return;
	end = add_end(b, entry->seq, entry->time,
				  psprintf("%s at %s (%s)", words[entry->action], timestamptz_to_str(entry->time), entry->reason));
	end->suspends = entry->action == SC_ACTION_SUSPEND;
	end->has_since = entry->compromised_since != DT_NOEND;
	end->since = unix_of(entry->compromised_since);
	b->row->compromised_since = Min(b->row->compromised_since, entry->compromised_since);
	resumed = end->suspends ? resumption(life, at) : NULL;
	if (resumed)
	{
		end->resumed = true;
		end->resumed_from = moment(b->t, resumed->seq, resumed->time);
	}
}

/* entries about the member as a whole, and about the key (NULL: none) */
static void
take_entries(Builder *b, const ScMemberLife *life, const char *key)
{
	for (int i = 0; i < list_length(life->entries); i++)
	{
		const ScStatus1 *entry = list_nth(life->entries, i);

		if (entry->key == NULL || (key && strcmp(entry->key, key) == 0))
			take_entry(b, life, i);
	}
}

/* how the certificate was at the row's time */
static void
take_certificate(Builder *b)
{
	ScSignedRow *row = b->row;
	ScKeyAt    *key;
	TimestampTz since;

	b->certificate = row->key->certificate ? SC_CERTIFICATE_GOOD : SC_CERTIFICATE_NONE;
	if (row->key->certificate == NULL || TIMESTAMP_NOT_FINITE(row->accepted_at))
		return;
	key = sc_life_key_at(row->owner->life, row->key, row->accepted_at);
	since = key->compromised_since;
	sc_certificate_at(&b->t->members, key, row->accepted_at, b->t->snapshot);
	if (key->cert_reason != SC_CERT_OK)
	{
		b->certificate = SC_CERTIFICATE_BAD;
		row->detail = pstrdup(sc_cert_reason_text(key->cert_reason));
	}
	else if (key->compromised_since < since && key->compromised_since <= row->accepted_at)
	{
		b->certificate = SC_CERTIFICATE_LATE;
		row->compromised_since = Min(row->compromised_since, key->compromised_since);
	}
}

/* the earliest outside time of a tree with the leaf; kept for the leaves that follow */
static TimestampTz
seen_by(ScSignedTable *t, int64 leaf)
{
	List	   *stamps;
	const ScStoredTimestamp *first;

	if (t->seen_from >= 0 && t->seen_from <= leaf && leaf < t->seen_size)
		return t->seen_at;
	stamps = sc_timestamps_covering(t->table->chain_id, leaf, t->snapshot);
	first = stamps ? linitial(stamps) : NULL;
	t->seen_from = leaf;
	t->seen_size = first ? first->tree_size : PG_INT64_MAX;
	t->seen_at = first ? first->latest : DT_NOEND;
	return t->seen_at;
}

/* judges what has been put together */
static ScRuling
rule(Builder *b)
{
	ScSignedRow *row = b->row;
	int64		leaf = sc_member_leaf_index(b->t->table->chain_id, row->ledger_seq, b->t->snapshot);
	ScCase		c = {
		.row = moment(b->t, row->ledger_seq, row->accepted_at),
		.needs = b->needs,
		.nneeds = b->nneeds,
		.ends = b->ends,
		.nends = b->nends,
		.certificate = b->certificate
	};

	row->seen_by = leaf >= 0 ? seen_by(b->t, leaf) : DT_NOEND;
	c.seen = row->seen_by != DT_NOEND;
	c.seen_by = unix_of(row->seen_by);
	return sc_verdict(&c);
}

/* tells of the end that is the reason, or else of the first */
static void
tell_end(Builder *b)
{
	ScSignedRow *row = b->row;
	int			told = row->ruling.end;

	for (int i = 0; i < b->nends && row->ruling.end < 0; i++)
	{
		if (told < 0 || b->ends[i].from.leaf < b->ends[told].from.leaf)
			told = i;
	}
	if (told < 0)
		return;
	row->end_seq = b->end_seqs[told];
	row->ended_at = b->ends[told].from.has_time ? b->ends[told].from.time - EPOCH_MICROS : DT_NOBEGIN;
	if (row->ruling.end >= 0)
		row->detail = pstrdup(b->end_words[told]);
}

/* under each grant of the delegation, whatever is said of it behind taking its place; the best counts */
static void
rule_delegated(Builder *b)
{
	ScSignedRow *row = b->row;
	const char *table = b->t->table->ledger_name;
	int			nneeds = b->nneeds;
	int			nends = b->nends;
	bool		found = false;
	List	   *rows = row->principal->delegations;

	row->ruling = sc_verdict_for(SC_REASON_NOT_YET);
	for (int i = 0; i < list_length(rows); i++)
	{
		const ScDelegationRow *grant = list_nth(rows, i);
		ScSignedRow before = *row;
		ScRuling	ruling;

		if (!grant->grant || strcmp(grant->delegate, row->owner->life->member) != 0 || !sc_delegation_names(grant, table))
			continue;
		b->nneeds = nneeds;
		b->nends = nends;
		add_need(b, grant->seq, grant->time, unix_of(grant->until));
		for (int j = i + 1; j < list_length(rows); j++)
		{
			const ScDelegationRow *next = list_nth(rows, j);

			if (strcmp(next->delegate, grant->delegate) == 0 && sc_delegation_names(next, table))
				(void) add_end(b, next->seq, next->time, next->grant ? "delegated anew" : "delegation ended");
		}
		ruling = rule(b);
		if (found && ruling.answer >= before.ruling.answer)
			continue;
		found = true;
		row->ruling = ruling;
		tell_end(b);
	}
}

void
sc_signed_row_rule(ScSignedRow *row, ScSignedTable *t)
{
	int			room = list_length(row->owner->life->entries) + list_length(row->principal->life->entries) +
		list_length(row->principal->delegations) + 1;
	Builder		b = {
		.row = row,
		.t = t,
		.ends = palloc(room * sizeof(ScEnd)),
		.end_seqs = palloc(room * sizeof(int64)),
		.end_words = palloc(room * sizeof(char *))
	};
	bool		own = row->owner == row->principal;

	add_need(&b, row->principal->member_seq, row->principal->member_time, SC_INSTANT_END);
	add_need(&b, row->key->seq, row->key->time, SC_INSTANT_END);
	take_entries(&b, row->owner->life, row->key->key);
	if (!own)
	{
		add_need(&b, row->owner->member_seq, row->owner->member_time, SC_INSTANT_END);
		take_entries(&b, row->principal->life, NULL);
	}
	take_certificate(&b);
	if (!own)
	{
		rule_delegated(&b);
		return;
	}
	row->ruling = rule(&b);
	tell_end(&b);
}
