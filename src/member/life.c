/*
 * life.c
 *	  From the entries about a member to what a key was at a time.
 *
 * Invariant: the answer depends on recorded times alone, never on a clock.
 * An entry counts from its own time on, that moment included: a row accepted
 * at the time of a revocation is accepted after it.
 * Entries are ordered by time; of the same time by ledger_seq.
 * Effects: none.
 */
#include "postgres.h"

#include "member/life.h"

#include "compat.h"
#include "core/text.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

const char *
sc_key_algorithm(ScKeyKind kind)
{
	switch (kind)
	{
		case SC_KIND_ED25519:
			return "EdDSA";
		case SC_KIND_P256:
			return "ES256";
		case SC_KIND_RSA:
			return "PS256";
	}
	return "unknown";
}

bool
sc_key_algorithm_parse(const char *text, ScKeyKind *kind)
{
	static const ScKeyKind kinds[] = {SC_KIND_ED25519, SC_KIND_P256, SC_KIND_RSA};

	for (size_t i = 0; i < lengthof(kinds); i++)
	{
		*kind = kinds[i];
		if (strcmp(text, sc_key_algorithm(*kind)) == 0)
			return true;
	}
	return false;
}

bool
sc_status_action_parse(const char *text, ScStatusAction *action)
{
	static const char *const names[] = {"suspend", "resume", "revoke"};

	for (size_t i = 0; i < lengthof(names); i++)
	{
		*action = (ScStatusAction) i;
		if (strcmp(text, names[i]) == 0)
			return true;
	}
	return false;
}

ScKeyRow *
sc_key_row(const ScMemberRow *row)
{
	ScKeyRow   *key = palloc0(sizeof(ScKeyRow));
	char	   *algorithm = TextDatumGetCString(row->values[SC_K_ALGORITHM]);
	char	   *thumbprint = TextDatumGetCString(row->values[SC_K_THUMBPRINT]);

	key->seq = row->seq;
	key->time = row->time;
	key->member = TextDatumGetCString(row->values[SC_K_MEMBER]);
	key->key = TextDatumGetCString(row->values[SC_K_KEY]);
	key->public_key = DatumGetByteaPCopy(row->values[SC_K_PUBLIC_KEY]);
	if (!row->nulls[SC_K_CERTIFICATE])
		key->certificate = DatumGetByteaPCopy(row->values[SC_K_CERTIFICATE]);
	if (!row->nulls[SC_K_REPLACES])
		key->replaces = TextDatumGetCString(row->values[SC_K_REPLACES]);
	if (!sc_key_algorithm_parse(algorithm, &key->kind) ||
		!sc_text_hex(key->thumbprint.bytes, SC_HASH_LEN, thumbprint, strlen(thumbprint)))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the stored key \"%s\" of member \"%s\" is damaged", key->key, key->member),
				 errhint("SELECT * FROM seoulchain.verify(); tells what else was changed.")));
	return key;
}

/* visitor: gathers keys, and replacements as entries */
static bool
take_key(void *state, const ScMemberRow *row)
{
	ScMemberLife *life = state;
	ScKeyRow   *key = sc_key_row(row);
	ScStatus1  *entry;

	life->keys = lappend(life->keys, key);
	if (key->replaces == NULL)
		return true;
	entry = palloc0(sizeof(ScStatus1));
	entry->seq = key->seq;
	entry->time = key->time;
	entry->action = SC_ACTION_REPLACE;
	entry->key = key->replaces;
	entry->reason = key->key;
	entry->compromised_since = DT_NOEND;
	life->entries = lappend(life->entries, entry);
	return true;
}

/* visitor: gathers entries */
static bool
take_status(void *state, const ScMemberRow *row)
{
	ScMemberLife *life = state;
	ScStatus1  *entry = palloc0(sizeof(ScStatus1));

	entry->seq = row->seq;
	entry->time = row->time;
	(void) sc_status_action_parse(TextDatumGetCString(row->values[SC_S_ACTION]), &entry->action);
	if (!row->nulls[SC_S_KEY])
		entry->key = TextDatumGetCString(row->values[SC_S_KEY]);
	entry->reason = TextDatumGetCString(row->values[SC_S_REASON]);
	entry->compromised_since = row->nulls[SC_S_COMPROMISED_SINCE] ? DT_NOEND :
		DatumGetTimestampTz(row->values[SC_S_COMPROMISED_SINCE]);
	life->entries = lappend(life->entries, entry);
	return true;
}

/* by time, then by number */
static int
compare_times(TimestampTz a, int64 a_seq, TimestampTz b, int64 b_seq)
{
	if (a != b)
		return a < b ? -1 : 1;
	return (a_seq > b_seq) - (a_seq < b_seq);
}

static int
compare_entries(const ListCell *a, const ListCell *b)
{
	const ScStatus1 *x = lfirst(a);
	const ScStatus1 *y = lfirst(b);

	return compare_times(x->time, x->seq, y->time, y->seq);
}

static int
compare_keys(const ListCell *a, const ListCell *b)
{
	const ScKeyRow *x = lfirst(a);
	const ScKeyRow *y = lfirst(b);

	return compare_times(x->time, x->seq, y->time, y->seq);
}

/* keys and entries into their order */
static ScMemberLife *
in_order(ScMemberLife *life)
{
	if (list_length(life->keys) > 1)
		list_sort(life->keys, compare_keys);
	if (list_length(life->entries) > 1)
		list_sort(life->entries, compare_entries);
	return life;
}

ScMemberLife *
sc_member_life_plain(const ScMemberTables *tables, const char *member, Snapshot snapshot)
{
	ScMemberLife *life = palloc0(sizeof(ScMemberLife));

	life->member = pstrdup(member);
	sc_member_scan(tables, SC_MT_KEY, SC_BY_MEMBER, member, snapshot, take_key, life);
	return in_order(life);
}

ScMemberLife *
sc_member_life(const ScMemberTables *tables, const char *member, Snapshot snapshot)
{
	ScMemberLife *life = sc_member_life_plain(tables, member, snapshot);

	sc_member_scan(tables, SC_MT_STATUS, SC_BY_MEMBER, member, snapshot, take_status, life);
	return in_order(life);
}

ScKeyRow *
sc_life_key(const ScMemberLife *life, const char *key)
{
	ListCell   *cell;

	foreach(cell, life->keys)
	{
		ScKeyRow   *row = lfirst(cell);

		if (strcmp(row->key, key) == 0)
			return row;
	}
	return NULL;
}

TimestampTz
sc_life_last(const ScMemberLife *life)
{
	TimestampTz last = DT_NOBEGIN;

	if (life->keys != NIL)
		last = ((ScKeyRow *) llast(life->keys))->time;
	if (life->entries != NIL)
		last = Max(last, ((ScStatus1 *) llast(life->entries))->time);
	return last;
}

/* one more entry */
static void
advance(ScStanding *standing, const ScStatus1 *entry)
{
	switch (entry->action)
	{
		case SC_ACTION_SUSPEND:
			standing->suspended = true;
			break;
		case SC_ACTION_RESUME:
			standing->suspended = false;
			break;
		case SC_ACTION_REVOKE:
			standing->revoked = true;
			break;
		case SC_ACTION_REPLACE:
			standing->replaced = true;
			break;
	}
	standing->since = entry->time;
	standing->reason = entry->reason;
}

ScStanding
sc_life_standing(const ScMemberLife *life, const char *key)
{
	ScStanding	standing = {0};
	ListCell   *cell;

	foreach(cell, life->entries)
	{
		const ScStatus1 *entry = lfirst(cell);

		if (key ? (entry->key && strcmp(entry->key, key) == 0) : entry->key == NULL)
			advance(&standing, entry);
	}
	return standing;
}

/* what the two standings make of a key, the graver first */
static ScKeyState
state_of(const ScStanding *member, const ScStanding *key)
{
	if (member->revoked || key->revoked)
		return SC_KEY_REVOKED;
	if (key->replaced)
		return SC_KEY_REPLACED;
	if (member->suspended || key->suspended)
		return SC_KEY_SUSPENDED;
	return SC_KEY_GOOD;
}

/* keeps the earliest time since when the key may have been somebody else's */
static void
note_compromise(ScKeyAt *out, const ScStatus1 *entry)
{
	if (entry->compromised_since >= out->compromised_since)
		return;
	out->compromised_since = entry->compromised_since;
	out->compromised_at = entry->time;
	out->compromised_seq = entry->seq;
	out->compromised_reason = entry->reason;
}

/* keeps the entry by which the key stopped being good */
static void
note_end(ScKeyAt *out, ScKeyState state, const ScStatus1 *entry)
{
	out->end_state = state;
	out->end_seq = entry->seq;
	out->end_at = entry->time;
	out->end_reason = entry->reason;
}

/*
 * Follows the entries: up to the time asked about they make the state and its
 * beginning, the first one behind that changes whether the key is good makes
 * its end.
 */
static void
follow(ScKeyAt *out, const ScMemberLife *life, TimestampTz at)
{
	ScStanding	member = {0};
	ScStanding	own = {0};
	ListCell   *cell;

	foreach(cell, life->entries)
	{
		const ScStatus1 *entry = lfirst(cell);
		ScKeyState	before = state_of(&member, &own);
		ScKeyState	after;

		if (entry->key && strcmp(entry->key, out->key) != 0)
			continue;
		note_compromise(out, entry);
		advance(entry->key ? &own : &member, entry);
		after = state_of(&member, &own);
		if (before == after || out->until != DT_NOEND)
			continue;
		if (entry->time > at && out->registered_at <= at)
			out->until = entry->time;
		else if (entry->time <= at)
		{
			out->state = after;
			out->from = Max(entry->time, out->registered_at);
		}
		if (before == SC_KEY_GOOD || entry->time <= at)
			note_end(out, after, entry);
	}
}

ScKeyAt *
sc_life_key_at(const ScMemberLife *life, const ScKeyRow *key, TimestampTz at)
{
	ScKeyAt    *out = palloc0(sizeof(ScKeyAt));

	out->member = key->member;
	out->key = key->key;
	out->key_seq = key->seq;
	out->registered_at = key->time;
	out->kind = key->kind;
	out->spki = (const uint8 *) VARDATA(key->public_key);
	out->spkilen = VARSIZE(key->public_key) - VARHDRSZ;
	out->thumbprint = key->thumbprint;
	out->certificate = key->certificate;
	out->from = key->time;
	out->until = DT_NOEND;
	out->compromised_since = DT_NOEND;
	follow(out, life, at);
	if (out->registered_at > at)
	{
		out->state = SC_KEY_NOT_YET;
		out->from = DT_NOBEGIN;
		out->until = out->registered_at;
	}
	else if (out->state == SC_KEY_GOOD && out->until == DT_NOEND)
	{
		/* what was over by then ended nothing */
		out->end_state = SC_KEY_GOOD;
		out->end_seq = 0;
		out->end_reason = NULL;
	}
	return out;
}
