/*
 * authority.c
 *	  Certificates of members' keys, judged by the authorities and revocation lists on record.
 *
 * Building libcrypto's store of authorities takes milliseconds, judging a
 * certificate a hundred microseconds, so both are kept: stores for stretches
 * of time in which no authority or list was recorded, and with each store the
 * certificates that were found good, for as long as all of their chain is valid.
 *
 * Invariant: a store is dropped when a row of authority or crl is inserted
 * (sc_authorities_changed sends a relcache message, which arrives before the
 * lock of the inserting transaction is free).
 * Locks: sc_authorities_lock, shared, when a row is to be accepted.
 * Effects: memory of libcrypto, freed when a store is dropped.
 */
#include "postgres.h"

#include "member/authority.h"

#include "compat.h"
#include "datatype/timestamp.h"
#include "ledger/registry.h"
#include "member/lock.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define STORES 4
#define JUDGED_MAX 10000		/* certificates that a store remembers */

#define EPOCH_DIFFERENCE ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* a certificate that was found good */
typedef struct Judged
{
	int64		key_seq;		/* hash key */
	TimestampTz from;
	TimestampTz until;
	bool		revoked;		/* later than that */
	TimestampTz revoked_since;
	int			revocation_reason;
} Judged;

/* authorities and lists as they were from one time until another */
typedef struct Store
{
	int32		chain_id;		/* 0: free */
	TimestampTz from;
	TimestampTz until;
	ScAuthorities *authorities;
	HTAB	   *judged;
} Store;

static Store stores[STORES];
static int	next_store = 0;
static uint64 generation = 0;	/* counts invalidations */

static void
drop_store(Store *store)
{
	sc_authorities_free(store->authorities);
	if (store->judged)
		hash_destroy(store->judged);
	memset(store, 0, sizeof(*store));
}

/* relcache callback: any table of a registry will do, changes are rare */
static void
invalidate(Datum arg, Oid relid)
{
	ScMemberTables tables;

	generation++;
	for (int i = 0; i < STORES; i++)
	{
		if (stores[i].chain_id == 0)
			continue;
		if (!OidIsValid(relid) || !sc_member_tables_cached(stores[i].chain_id, &tables) ||
			relid == tables.t[SC_MT_AUTHORITY].relid || relid == tables.t[SC_MT_CRL].relid)
			drop_store(&stores[i]);
	}
}

void
sc_authority_init(void)
{
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
}

void
sc_authorities_changed(const ScMemberTables *tables)
{
	CacheInvalidateRelcacheByRelid(tables->t[SC_MT_AUTHORITY].relid);
}

/* POSIX seconds that a time lies in */
static int64
posix_of(TimestampTz time)
{
	int64		seconds = time / USECS_PER_SEC;

	if (time % USECS_PER_SEC < 0)
		seconds--;
	return seconds + EPOCH_DIFFERENCE;
}

/* the time at which a POSIX second begins, brought into the range of timestamps */
static TimestampTz
time_of(int64 posix)
{
	if (posix > posix_of(END_TIMESTAMP - 1))
		return DT_NOEND;
	if (posix < posix_of(MIN_TIMESTAMP))
		return DT_NOBEGIN;
	return (posix - EPOCH_DIFFERENCE) * USECS_PER_SEC;
}

/* what the visitors below gather */
typedef struct Gathering
{
	List	   *rows;
	TimestampTz at;
	TimestampTz last;			/* time of the last row up to `at` */
	TimestampTz next;			/* time of the first row behind it */
} Gathering;

/* does a row of that time count? */
static bool
counts(Gathering *g, TimestampTz time)
{
	if (time > g->at)
		g->next = Min(g->next, time);
	else
		g->last = Max(g->last, time);
	return time <= g->at;
}

/* visitor: keeps the last row of each authority */
static bool
take_authority(void *state, const ScMemberRow *row)
{
	Gathering  *g = state;
	ScAuthorityRow *entry = NULL;
	char	   *name = TextDatumGetCString(row->values[SC_A_AUTHORITY]);
	ListCell   *cell;

	if (!counts(g, row->time))
		return true;
	foreach(cell, g->rows)
		if (strcmp(((ScAuthorityRow *) lfirst(cell))->authority, name) == 0)
			entry = lfirst(cell);
	if (entry && (entry->time > row->time || (entry->time == row->time && entry->seq > row->seq)))
		return true;
	if (entry == NULL)
	{
		entry = palloc0(sizeof(ScAuthorityRow));
		g->rows = lappend(g->rows, entry);
	}
	entry->seq = row->seq;
	entry->time = row->time;
	entry->authority = name;
	entry->action = TextDatumGetCString(row->values[SC_A_ACTION]);
	entry->certificate = row->nulls[SC_A_CERTIFICATE] ? NULL : DatumGetByteaPCopy(row->values[SC_A_CERTIFICATE]);
	return true;
}

/* visitor: keeps every list */
static bool
take_crl(void *state, const ScMemberRow *row)
{
	Gathering  *g = state;
	ScCrlRow   *entry;

	if (!counts(g, row->time))
		return true;
	entry = palloc0(sizeof(ScCrlRow));
	entry->seq = row->seq;
	entry->time = row->time;
	entry->authority = TextDatumGetCString(row->values[SC_C_AUTHORITY]);
	entry->crl = DatumGetByteaPCopy(row->values[SC_C_CRL]);
	g->rows = lappend(g->rows, entry);
	return true;
}

static int
compare_crls(const ListCell *a, const ListCell *b)
{
	const ScCrlRow *x = lfirst(a);
	const ScCrlRow *y = lfirst(b);

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* reads authorities and lists up to a time; the times around it go to from and until */
static void
read_rows(const ScMemberTables *tables, TimestampTz at, Snapshot snapshot, List **authorities, List **crls,
		  TimestampTz *from, TimestampTz *until)
{
	Gathering	g = {NIL, at, DT_NOBEGIN, DT_NOEND};

	sc_member_scan_all(tables, SC_MT_AUTHORITY, snapshot, take_authority, &g);
	*authorities = g.rows;
	g.rows = NIL;
	sc_member_scan_all(tables, SC_MT_CRL, snapshot, take_crl, &g);
	list_sort(g.rows, compare_crls);
	*crls = g.rows;
	*from = g.last;
	*until = g.next;
}

List *
sc_authority_rows(const ScMemberTables *tables, TimestampTz at, Snapshot snapshot)
{
	Gathering	g = {NIL, at, DT_NOBEGIN, DT_NOEND};

	sc_member_scan_all(tables, SC_MT_AUTHORITY, snapshot, take_authority, &g);
	return g.rows;
}

List *
sc_crl_rows(const ScMemberTables *tables, TimestampTz at, Snapshot snapshot)
{
	Gathering	g = {NIL, at, DT_NOBEGIN, DT_NOEND};

	sc_member_scan_all(tables, SC_MT_CRL, snapshot, take_crl, &g);
	list_sort(g.rows, compare_crls);
	return g.rows;
}

/* an error when libcrypto could not take what the registry had taken before */
static void
require_taken(ScCertReason reason, const char *what, int64 seq)
{
	if (reason != SC_CERT_OK)
		ereport(ERROR,
				(errcode(reason == SC_CERT_NO_MEMORY ? ERRCODE_OUT_OF_MEMORY : ERRCODE_DATA_CORRUPTED),
				 errmsg("the stored %s with ledger_seq " INT64_FORMAT " cannot be used: %s", what, seq,
						sc_cert_reason_text(reason))));
}

/* puts authorities into libcrypto's store */
static void
fill_authorities(ScAuthorities *out, const List *rows)
{
	ListCell   *cell;

	foreach(cell, rows)
	{
		const ScAuthorityRow *row = lfirst(cell);
		ScCertReason reason;

		if (row->certificate == NULL)
			continue;
		if (strcmp(row->action, "trust") == 0)
			reason = sc_authorities_add_anchor(out, VARDATA(row->certificate), VARSIZE(row->certificate) - VARHDRSZ);
		else
			reason = sc_authorities_add_intermediate(out, VARDATA(row->certificate), VARSIZE(row->certificate) - VARHDRSZ);
		require_taken(reason, "certificate of an authority", row->seq);
	}
}

/* the certificate of an authority, or NULL */
static const ScAuthorityRow *
authority_named(const List *rows, const char *name)
{
	ListCell   *cell;

	foreach(cell, rows)
		if (strcmp(((ScAuthorityRow *) lfirst(cell))->authority, name) == 0)
			return lfirst(cell);
	return NULL;
}

List *
sc_crl_rows_current(const List *rows, const List *authorities)
{
	int			n = list_length(rows);
	ScCrlFacts *facts = palloc0(Max(n, 1) * sizeof(ScCrlFacts));
	List	   *current = NIL;

	for (int i = n - 1; i >= 0; i--)
	{
		ScCrlRow   *row = list_nth(rows, i);
		const ScAuthorityRow *authority = authority_named(authorities, row->authority);
		bool		replaced = false;

		if (authority == NULL || authority->certificate == NULL)
			continue;
		if (sc_crl_judge_issuer(&facts[i], VARDATA(row->crl), VARSIZE(row->crl) - VARHDRSZ,
								VARDATA(authority->certificate), VARSIZE(authority->certificate) - VARHDRSZ) != SC_CERT_OK)
			memset(&facts[i].scope, 0, sizeof(ScHash)); /* of an earlier certificate of that name: counts by itself */
		for (int j = i + 1; j < n && !replaced; j++)
			replaced = strcmp(row->authority, ((ScCrlRow *) list_nth(rows, j))->authority) == 0 &&
				memcmp(&facts[i].scope, &facts[j].scope, sizeof(ScHash)) == 0;
		if (!replaced)
			current = lappend(current, row);
	}
	return current;
}

/* puts the lists in that count */
static void
fill_crls(ScAuthorities *out, const List *rows, const List *authorities)
{
	ListCell   *cell;

	foreach(cell, sc_crl_rows_current(rows, authorities))
	{
		const ScCrlRow *row = lfirst(cell);

		require_taken(sc_authorities_add_crl(out, VARDATA(row->crl), VARSIZE(row->crl) - VARHDRSZ),
					  "revocation list", row->seq);
	}
}

/* libcrypto's store of these rows */
static ScAuthorities *
build(const List *authorities, const List *crls)
{
	ScAuthorities *out = sc_authorities_new();

	if (out == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	PG_TRY();
	{
		fill_authorities(out, authorities);
		fill_crls(out, crls, authorities);
	}
	PG_CATCH();
	{
		sc_authorities_free(out);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return out;
}

/* makes the store of a time and keeps it */
static Store *
load_store(const ScMemberTables *tables, TimestampTz at)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "seoulchain authorities", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	HASHCTL		ctl = {.keysize = sizeof(int64), .entrysize = sizeof(Judged), .hcxt = TopMemoryContext};
	Store	   *store;
	Store		made = {.chain_id = tables->chain_id};
	Snapshot	snapshot;
	List	   *authorities;
	List	   *crls;
	uint64		before;

	do
	{
		before = generation;
		snapshot = sc_member_snapshot();
		read_rows(tables, at, snapshot, &authorities, &crls, &made.from, &made.until);
		UnregisterSnapshot(snapshot);
	} while (generation != before);
	made.authorities = build(authorities, crls);
	made.judged = hash_create("seoulchain certificates", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);

	store = &stores[next_store];
	next_store = (next_store + 1) % STORES;
	drop_store(store);
	*store = made;
	return store;
}

/* the store that holds at a time */
static Store *
store_at(const ScMemberTables *tables, TimestampTz at)
{
	for (int i = 0; i < STORES; i++)
		if (stores[i].chain_id == tables->chain_id && stores[i].from <= at && at < stores[i].until)
			return &stores[i];
	return load_store(tables, at);
}

void
sc_certificate_judge(const ScMemberTables *tables, const bytea *certificate, TimestampTz at, ScCertJudgement *out)
{
	Store	   *store = store_at(tables, at);

	sc_cert_judge(out, store->authorities, VARDATA(certificate), VARSIZE(certificate) - VARHDRSZ, posix_of(at));
}

/* remembers a certificate that was found good */
static void
remember(Store *store, int64 key_seq, const Judged *judged)
{
	Judged	   *entry;

	if (hash_get_num_entries(store->judged) >= JUDGED_MAX)
	{
		HASH_SEQ_STATUS status;

		hash_seq_init(&status, store->judged);
		while ((entry = hash_seq_search(&status)) != NULL)
			hash_search(store->judged, &entry->key_seq, HASH_REMOVE, NULL);
	}
	entry = hash_search(store->judged, &key_seq, HASH_ENTER, NULL);
	*entry = *judged;
	entry->key_seq = key_seq;
}

/* since when a list says that the certificate is not to be relied on */
static void
note_revocation(Judged *out, const ScCertJudgement *judgement)
{
	int64		since = judgement->revoked_at;

	out->revoked = judgement->revoked;
	if (!judgement->revoked)
		return;
	if (judgement->has_invalid_since)
		since = Min(since, judgement->invalid_since);
	out->revoked_since = time_of(since);
	out->revocation_reason = judgement->revocation_reason;
}

/* judges a key's certificate by a store; true when it is good, with the stretch in which it is */
static bool
judge(Store *store, ScKeyAt *key, TimestampTz at, Judged *out)
{
	Judged	   *known = hash_search(store->judged, &key->key_seq, HASH_FIND, NULL);
	ScCertJudgement judgement;

	if (known && known->from <= at && at < known->until)
	{
		*out = *known;
		return true;
	}
	sc_cert_judge(&judgement, store->authorities, VARDATA(key->certificate), VARSIZE(key->certificate) - VARHDRSZ, posix_of(at));
	if (judgement.reason == SC_CERT_NO_MEMORY)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	memset(out, 0, sizeof(*out));
	note_revocation(out, &judgement);
	key->cert_reason = judgement.reason;
	key->cert_depth = judgement.depth;
	if (judgement.reason != SC_CERT_OK)
		return false;
	out->from = time_of(judgement.chain_from);
	out->until = time_of(judgement.chain_until);
	if (judgement.revoked)
		out->until = Min(out->until, time_of(judgement.revoked_at));
	remember(store, key->key_seq, out);
	return true;
}

/* what all that is on record today says about the certificate's misuse */
static void
note_misuse(const ScMemberTables *tables, ScKeyAt *key, TimestampTz at)
{
	Store	   *store = store_at(tables, DT_NOEND - 1);
	ScKeyAt		copy = *key;
	Judged		judged;

	(void) judge(store, &copy, at, &judged);
	if (!judged.revoked || judged.revoked_since >= key->compromised_since)
		return;
	key->compromised_since = judged.revoked_since;
	key->compromised_at = store->from;
	key->compromised_seq = 0;
	key->compromised_reason = pstrdup(sc_cert_revocation_text(judged.revocation_reason));
}

void
sc_certificate_at(const ScMemberTables *tables, ScKeyAt *key, TimestampTz at, Snapshot given)
{
	Judged		judged;

	if (given == NULL)
		sc_authorities_lock(tables->chain_id, false);
	if (judge(store_at(tables, at), key, at, &judged))
	{
		key->from = Max(key->from, judged.from);
		if (key->state == SC_KEY_GOOD && judged.until < key->until)
		{
			key->until = judged.until;
			key->end_state = SC_KEY_CERTIFICATE;
			key->end_at = judged.until;
			key->end_seq = 0;
			key->end_reason = NULL;
		}
	}
	else if (key->state == SC_KEY_GOOD)
		key->state = SC_KEY_CERTIFICATE;
	note_misuse(tables, key, at);
}
