/*
 * retry_events.c
 *	  Events of followed chains that could not be applied when they came.
 *
 * Whoever applies replication tries an event once; what failed, because a
 * table's name was taken or an event before it is still missing, stays a
 * message.  Here the messages of each chain are tried in the order of their
 * numbers; the first that fails again, or the time, ends the chain's turn.
 *
 * Invariant: an event and the deletion of its message are one transaction.
 * Context: the sealing worker, outside a transaction.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "ledger/registry.h"
#include "network/copy_event.h"
#include "network/message.h"
#include "network/network_tables.h"
#include "network/retry_events.h"
#include "seal/internal_scan.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define RETRY_MS 1000

/* of one chain; one that has more goes on the next time */
#define TURN_MS 200

/* the chains that this node follows, as the snapshot shows them: List of char * */
static List *
followed_origins(Snapshot snapshot)
{
	ScInternalScan scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	sc_internal_scan_begin(&scan, "follow", "follow_pkey", snapshot, NULL, 0);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		result = lappend(result, TextDatumGetCString(sc_internal_attr(tuple, SC_FOLLOW_ATTR_ORIGIN, scan.rel)));
	sc_internal_scan_end(&scan);
	return result;
}

/* the chain's event message with the lowest number from `from` on; false when there is none */
static bool
next_event(const char *origin, int64 from, Snapshot snapshot, ScMessage *out, ItemPointer tid)
{
	ScInternalScan scan;
	ScanKeyData keys[3];
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], SC_MESSAGE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(origin));
	ScanKeyInit(&keys[1], SC_MESSAGE_ATTR_KIND, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(SC_MESSAGE_EVENT));
	sc_key_int8(&keys[2], SC_MESSAGE_ATTR_NUMBER, BTGreaterEqualStrategyNumber, from);
	sc_internal_scan_begin(&scan, "message", "message_origin", snapshot, keys, 3);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		out->sender = TextDatumGetCString(sc_internal_attr(tuple, SC_MESSAGE_ATTR_SENDER, scan.rel));
		out->recipient = TextDatumGetCString(sc_internal_attr(tuple, SC_MESSAGE_ATTR_RECIPIENT, scan.rel));
		out->kind = SC_MESSAGE_EVENT;
		out->origin = origin;
		out->number = DatumGetInt64(sc_internal_attr(tuple, SC_MESSAGE_ATTR_NUMBER, scan.rel));
		out->body = TextDatumGetCString(sc_internal_attr(tuple, SC_MESSAGE_ATTR_BODY, scan.rel));
		out->bodylen = strlen(out->body);
		*tid = tuple->t_self;
	}
	sc_internal_scan_end(&scan);
	return HeapTupleIsValid(tuple);
}

/* one event in one transaction; false when there is none, or it could not be applied */
static bool
retry_event(const char *origin)
{
	ScMessage	message;
	ItemPointerData tid;
	char	   *problem = NULL;
	bool		ok = false;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	LockRelationOid(sc_registry_relation("message"), RowExclusiveLock);
	PushActiveSnapshot(GetTransactionSnapshot());
	if (next_event(origin, 0, GetActiveSnapshot(), &message, &tid))
	{
		ok = sc_copy_retry_event(&message, &problem);
		if (ok)
		{
			Relation	rel = sc_internal_open("message", RowExclusiveLock);

			CatalogTupleDelete(rel, &tid);
			table_close(rel, NoLock);
		}
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	return ok;
}

/* a chain's turn; an error ends only this */
static void
retry_chain(const char *origin)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), TURN_MS);
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		while (retry_event(origin) && GetCurrentTimestamp() < end)
			CHECK_FOR_INTERRUPTS();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(context);
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
}

void
sc_retry_events(void)
{
	static TimestampTz next_try = 0;
	MemoryContext context = CurrentMemoryContext;
	TimestampTz now = GetCurrentTimestamp();
	List	   *origins;
	ListCell   *lc;

	if (now < next_try)
		return;
	next_try = TimestampTzPlusMilliseconds(now, RETRY_MS);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(context);
	origins = followed_origins(GetActiveSnapshot());
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	foreach(lc, origins)
		retry_chain(lfirst(lc));
}
