/*
 * lineage.c
 *	  Which history a server's WAL positions belong to.
 *
 * Invariant: a subscription is used only under the lineages (this node's and
 * the peer's) under which it was made, or is about to be made anew; between
 * giving one up and having the next the row in seoulchain.lineage says so, so
 * that no crash lets it be made as if nothing had been there.  A node that
 * still asks its peers what it has lost has no lineage to tell.
 * Context: the network worker; served_* any session.
 * Effects: seoulchain.lineage; who reads from this node's slots is sent away
 * when it has lost something, and compares when it comes back.
 */
#include "postgres.h"

#include "network/lineage.h"

#include "access/xlog.h"
#include "fmgr.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/link.h"
#include "network/query.h"
#include "network/subscription.h"
#include "replication/origin.h"
#include "seal/internal_scan.h"
#include "seal/node.h"
#include "seal/round.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_served_lineage);
PG_FUNCTION_INFO_V1(sc_served_progress);

/* the row of this node itself */
#define OWN_ROW ""

/* names of runs that are kept: a peer that saw none of these sees an old copy */
#define RUNS_KEPT 10000

/* peers that have been asked what they had: char * */
static List *asked = NIL;

/* seoulchain.lineage */
#define LINEAGE_ATTR_PEER 1
#define LINEAGE_ATTR_LINEAGE 2

/* what stands in a row of seoulchain.lineage, palloc'd, or NULL; in a transaction */
static char *
stored(const char *peer)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	char	   *found = NULL;

	/* a row a peer */
	sc_internal_scan_begin(&scan, "lineage", "lineage_pkey", snapshot, NULL, 0);
	while (found == NULL && (tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		if (strcmp(TextDatumGetCString(sc_internal_attr(tuple, LINEAGE_ATTR_PEER, scan.rel)), peer) == 0)
			found = TextDatumGetCString(sc_internal_attr(tuple, LINEAGE_ATTR_LINEAGE, scan.rel));
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found;
}

/* this server's lineage now, palloc'd; in a transaction */
static char *
own_lineage(void)
{
	char	   *number = stored(OWN_ROW);

	return psprintf(UINT64_FORMAT " %u %s", (uint64) GetSystemIdentifier(), (uint32) GetWALInsertionTimeLine(),
					number ? number : "0");
}

/* may this node find out that it has lost something? */
static bool
is_unsure(void)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	bool		unsure;
	ListCell   *lc;

	sc_internal_scan_begin(&scan, "recovery", "recovery_pkey", snapshot, NULL, 0);
	unsure = sc_internal_scan_next(&scan, ForwardScanDirection) != NULL;
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	foreach(lc, sc_chain_list())
		unsure = unsure || (sc_chain_held_hook != NULL && sc_chain_held_hook(lfirst(lc)) != NULL);
	return unsure;
}

/*
 * seoulchain.served_lineage() returns text
 *
 * System identifier, timeline and a number that changes when this node has
 * lost something; NULL while it is asking its peers what it has lost.
 * Privileges: pg_read_all_data, seoulchain_auditor.
 */
Datum
sc_served_lineage(PG_FUNCTION_ARGS)
{
	if (is_unsure())
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(own_lineage()));
}

/*
 * seoulchain.served_progress(publisher text) returns pg_lsn
 *
 * How far this node has applied what a peer sent, in the peer's WAL; NULL
 * when it has no subscription to it.  Privileges: as above.
 */
Datum
sc_served_progress(PG_FUNCTION_ARGS)
{
	char	   *me = sc_node_name(NULL);
	Oid			subid = me == NULL ? InvalidOid : sc_subscription_oid(sc_link_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), me));
	RepOriginId origin;
	XLogRecPtr	lsn;

	if (!OidIsValid(subid))
		PG_RETURN_NULL();
	origin = replorigin_by_name(psprintf("pg_%u", subid), true);
	lsn = origin == InvalidRepOriginId ? InvalidXLogRecPtr : replorigin_get_progress(origin, false);
	if (lsn == InvalidXLogRecPtr)
		PG_RETURN_NULL();
	PG_RETURN_LSN(lsn);
}

void
sc_lineage_renew(void)
{
	sc_query("INSERT INTO seoulchain.lineage (peer, lineage, since) VALUES ('" OWN_ROW "', "
			 "pg_catalog.replace(pg_catalog.gen_random_uuid()::pg_catalog.text, '-', ''), pg_catalog.now()) "
			 "ON CONFLICT (peer) DO UPDATE SET lineage = EXCLUDED.lineage, since = EXCLUDED.since");
}

void
sc_lineage_tell(void)
{
	sc_query_begin();
	sc_query("SELECT pg_catalog.pg_terminate_backend(active_pid) FROM pg_catalog.pg_replication_slots "
			 "WHERE datoid = %u AND active_pid IS NOT NULL AND slot_name ~ '^" SC_LINK_PREFIX "[0-9a-f]{16}$'", MyDatabaseId);
	sc_query_commit();
}

/* a literal, or NULL */
static const char *
literal(const char *text)
{
	return text != NULL ? quote_literal_cstr(text) : "NULL";
}

void
sc_lineage_made(const char *peer, const char *lineage, const char *run)
{
	sc_query("INSERT INTO seoulchain.lineage (peer, lineage, since, run) VALUES (%s, %s, pg_catalog.now(), %s) "
			 "ON CONFLICT (peer) DO UPDATE SET lineage = EXCLUDED.lineage, since = EXCLUDED.since, run = EXCLUDED.run",
			 quote_literal_cstr(peer), quote_literal_cstr(lineage), literal(run));
}

char *
sc_lineage_run(ScChannel *channel, const char *peer, bool *lost)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *seen;

	sc_query_begin();
	seen = sc_query_text("SELECT run FROM seoulchain.lineage WHERE peer = %s AND run IS NOT NULL", quote_literal_cstr(peer));
	seen = seen ? MemoryContextStrdup(context, seen) : NULL;
	sc_query_commit();
	*lost = seen != NULL &&
		sc_channel_text(channel, psprintf("SELECT 1 FROM seoulchain.run WHERE run OPERATOR(pg_catalog.=) %s", sc_channel_literal(seen))) == NULL;
	return sc_channel_text(channel, "SELECT run FROM seoulchain.run ORDER BY since DESC LIMIT 1");
}

void
sc_lineage_saw_run(const char *peer, const char *run)
{
	sc_query_begin();
	sc_query("UPDATE seoulchain.lineage SET run = %s WHERE peer = %s AND run IS DISTINCT FROM %s",
			 literal(run), quote_literal_cstr(peer), literal(run));
	sc_query_commit();
}

char *
sc_lineage_of(ScChannel *channel)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *theirs = sc_channel_text(channel, "SELECT seoulchain.served_lineage()");
	char	   *both;

	if (theirs == NULL)
		return NULL;
	sc_query_begin();
	both = MemoryContextStrdup(context, psprintf("%s, %s", theirs, own_lineage()));
	sc_query_commit();
	return both;
}

char *
sc_lineage_stored(const char *peer)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *lineage;

	sc_query_begin();
	lineage = stored(peer);
	lineage = lineage ? MemoryContextStrdup(context, lineage) : NULL;
	sc_query_commit();
	return lineage;
}

bool
sc_lineage_broken(const char *peer)
{
	char	   *lineage = sc_lineage_stored(peer);

	return lineage != NULL && strcmp(lineage, SC_LINEAGE_BROKEN) == 0;
}

void
sc_lineage_tidy(void)
{
	sc_query_begin();
	sc_query("DELETE FROM seoulchain.lineage l WHERE peer <> '" OWN_ROW "' AND NOT EXISTS "
			 "(SELECT FROM seoulchain.peer p WHERE p.name = l.peer)");
	sc_query_commit();
}

void
sc_lineage_begin(void)
{
	sc_query_begin();
	sc_query("INSERT INTO seoulchain.run (run, since) VALUES "
			 "(pg_catalog.replace(pg_catalog.gen_random_uuid()::pg_catalog.text, '-', ''), pg_catalog.clock_timestamp())");
	sc_query("DELETE FROM seoulchain.run WHERE run IN (SELECT r.run FROM seoulchain.run r ORDER BY r.since DESC OFFSET %d)", RUNS_KEPT);
	sc_query_commit();
}

/* has the peer applied WAL beyond the end of this server's? */
static bool
has_more_wal(ScChannel *channel, const char *me)
{
	char	   *progress = sc_channel_text(channel, psprintf("SELECT seoulchain.served_progress(%s)", sc_channel_literal(me)));
	uint32		high;
	uint32		low;

	/* the end is looked at after the answer: it only grows */
	return progress != NULL && sscanf(progress, "%X/%X", &high, &low) == 2 &&
		(((uint64) high << 32) | low) > GetFlushRecPtr(NULL);
}

/* has the peer seen a run of this server that this server does not know? */
static bool
has_seen_other_run(ScChannel *channel, const char *me)
{
	char	   *seen = sc_channel_text(channel, psprintf("SELECT run FROM seoulchain.lineage WHERE peer OPERATOR(pg_catalog.=) %s "
														 "AND run IS NOT NULL", sc_channel_literal(me)));
	bool		known;

	if (seen == NULL)
		return false;
	sc_query_begin();
	known = sc_query_text("SELECT 1 FROM seoulchain.run WHERE run = %s", quote_literal_cstr(seen)) != NULL;
	sc_query_commit();
	return !known;
}

bool
sc_lineage_is_ahead(ScChannel *channel, const char *me, const char *peer)
{
	ListCell   *lc;
	MemoryContext old;
	bool		ahead;

	foreach(lc, asked)
		if (strcmp(lfirst(lc), peer) == 0)
			return false;
	ahead = has_more_wal(channel, me) || has_seen_other_run(channel, me);
	old = MemoryContextSwitchTo(TopMemoryContext);
	asked = lappend(asked, pstrdup(peer));
	MemoryContextSwitchTo(old);
	return ahead;
}
