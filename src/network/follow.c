/*
 * follow.c
 *	  Which chains of other nodes this one follows.
 *
 * Invariant: a chain comes from its own node, which is a peer.
 * Locks: ShareRowExclusiveLock on seoulchain.follow when it is changed.
 * Effects: rows of seoulchain.follow.
 * Does not: ask for the chain; the network worker does.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "fmgr.h"
#include "ledger/settings.h"
#include "network/alarm.h"
#include "network/copy.h"
#include "network/follow.h"
#include "network/message.h"
#include "network/network_tables.h"
#include "network/peer.h"
#include "network/wake.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_follow);
PG_FUNCTION_INFO_V1(sc_unfollow);

/* calls the function for the rows of an origin, or of a peer (the other is NULL); how many there were */
static int
visit_follows(const char *origin, const char *peer, void (*visit) (Relation rel, HeapTuple tuple))
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	int			count = 0;

	sc_internal_scan_begin(&scan, "follow", "follow_pkey", snapshot, NULL, 0);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		if (origin != NULL && strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_FOLLOW_ATTR_ORIGIN, scan.rel)), origin) != 0)
			continue;
		if (peer != NULL && strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_FOLLOW_ATTR_PEER, scan.rel)), peer) != 0)
			continue;
		if (visit != NULL)
			visit(scan.rel, tuple);
		count++;
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return count;
}

bool
sc_follows(const char *origin, const char *peer)
{
	return visit_follows(origin, peer, NULL) > 0;
}

/* deletes the wish, and says so to the node if it listens */
static void
end_follow(Relation rel, HeapTuple tuple)
{
	ScMessage	message = {
		.sender = sc_require_node(),
		.recipient = TextDatumGetCString(sc_internal_attr(tuple, SC_FOLLOW_ATTR_PEER, rel)),
		.kind = SC_MESSAGE_REQUEST,
		.origin = TextDatumGetCString(sc_internal_attr(tuple, SC_FOLLOW_ATTR_ORIGIN, rel)),
		.number = SC_REQUEST_NO_MORE
	};

	CatalogTupleDelete(rel, &tuple->t_self);
	sc_alarm_forget(message.origin);
	sc_message_send(&message);
}

void
sc_follow_remove_node(const char *node)
{
	Relation	rel = sc_internal_open("follow", ShareRowExclusiveLock);

	(void) visit_follows(NULL, node, end_follow);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/* the node whose chain it is; errors when it is no origin of a peer's chain */
static char *
node_of(const char *origin)
{
	const char *slash = strrchr(origin, '/');
	char	   *node;

	if (slash == NULL || !sc_chain_name_ok(slash + 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is no origin of a chain", origin),
				 errdetail("An origin is <network>/<node>/<chain>."),
				 errhint("The first line of the chain's checkpoints says it.")));
	node = pnstrdup(origin, slash - origin);
	if (strcmp(node, sc_require_node()) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is a chain of this node itself", origin)));
	(void) sc_peer_require(node);
	return node;
}

/* tables are copied as a whole, so a copy that stood still cannot go on: it would get its rows twice */
static void
refuse_old_copy(const char *origin)
{
	if (sc_copy_by_origin(origin) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a copy of chain \"%s\" is here that was given up", origin),
				 errdetail("It has missed rows, and cannot be taken up where it stopped."),
				 errhint("SELECT seoulchain.drop_copy('%s'); then follow the chain from its beginning.", origin)));
}

/*
 * seoulchain.follow(origin text) -> void
 *
 * Asks a peer for a chain of its own: this node keeps a copy, checks every
 * block and cosigns it.  Privileges: seoulchain_operator.  Errors:
 * INVALID_NAME; INVALID_PARAMETER_VALUE for a chain of this node;
 * UNDEFINED_OBJECT when its node is no peer; OBJECT_NOT_IN_PREREQUISITE_STATE
 * when there is a copy that was followed before.
 */
Datum
sc_follow(PG_FUNCTION_ARGS)
{
	char	   *origin = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Relation	rel = sc_internal_open("follow", ShareRowExclusiveLock);
	char	   *node = node_of(origin);
	Datum		values[SC_FOLLOW_NATTS];
	bool		nulls[SC_FOLLOW_NATTS] = {false};

	if (visit_follows(origin, NULL, NULL) > 0)
		ereport(NOTICE, (errmsg("chain \"%s\" is followed already", origin)));
	else
	{
		refuse_old_copy(origin);
		values[SC_FOLLOW_ATTR_ORIGIN - 1] = CStringGetTextDatum(origin);
		values[SC_FOLLOW_ATTR_PEER - 1] = CStringGetTextDatum(node);
		values[SC_FOLLOW_ATTR_SINCE - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		values[SC_FOLLOW_ATTR_ASKED_AT - 1] = (Datum) 0;
		nulls[SC_FOLLOW_ATTR_ASKED_AT - 1] = true;
		CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	}
	table_close(rel, NoLock);
	CommandCounterIncrement();
	sc_network_wake();
	PG_RETURN_VOID();
}

/*
 * seoulchain.unfollow(origin text) -> void
 *
 * Ends following a chain; the copy stays as it is.  Privileges:
 * seoulchain_operator.  Errors: UNDEFINED_OBJECT.
 */
Datum
sc_unfollow(PG_FUNCTION_ARGS)
{
	char	   *origin = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Relation	rel = sc_internal_open("follow", ShareRowExclusiveLock);

	if (visit_follows(origin, NULL, end_follow) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("chain \"%s\" is not followed", origin),
				 errhint("SELECT * FROM seoulchain.network_status; shows what is followed.")));
	table_close(rel, NoLock);
	CommandCounterIncrement();
	sc_network_wake();
	PG_RETURN_VOID();
}
