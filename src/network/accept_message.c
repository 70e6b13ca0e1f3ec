/*
 * accept_message.c
 *	  Trigger on seoulchain.message: what a node takes from its peers.
 *
 * Invariant: what a peer sends in another's name, to another, or about a
 * chain that it has no say in or that nobody asked for, is dropped, counted
 * and logged; nothing here raises because of what a message holds, since an
 * apply worker that raises stops the replication.
 * Context: BEFORE INSERT FOR EACH ROW, ENABLE ALWAYS, in apply and table
 * synchronisation workers.  Rows inserted in other sessions (a restore) pass.
 * Effects: events are applied; the workers are woken at commit.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "network/accept.h"
#include "network/copy.h"
#include "network/copy_event.h"
#include "network/follow.h"
#include "network/message.h"
#include "network/peer_state.h"
#include "network/wake.h"
#include "replication/logicalworker.h"
#include "seal/arrival.h"
#include "seal/internal_scan.h"
#include "seal/node.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_accept_message);

/* no event or block is longer, and no name of a table, which is all that other messages hold */
#define BODY_MAX (1024 * 1024)
#define NAME_MAX_BYTES 1024

/* of one chain, kind and number so many different ones wait at the most: one is right */
#define WAIT_MAX 8

/* of a text from a peer so much is repeated */
#define TOLD_MAX 100

/* a text column, palloc'd; "" for NULL */
static char *
text_column(HeapTuple tuple, int attno, TupleDesc tupdesc)
{
	bool		isnull;
	Datum		datum = heap_getattr(tuple, attno, tupdesc, &isnull);

	return isnull ? pstrdup("") : TextDatumGetCString(datum);
}

/* a text from a peer for the log and the status, cut to what is worth it */
static char *
told(const char *text)
{
	size_t		len = strlen(text);

	return len <= TOLD_MAX ? pstrdup(text) : psprintf("%.*s...", pg_mbcliplen(text, len, TOLD_MAX), text);
}

/* why the message is not to be taken from that peer, or NULL */
static const char *
objection(const ScMessage *message, const char *peer)
{
	const char *me = sc_node_name(NULL);

	if (me == NULL)
		return "there is no node here";
	if (message->bodylen > (strcmp(message->kind, SC_MESSAGE_EVENT) == 0 || strcmp(message->kind, SC_MESSAGE_BLOCK) == 0 ? BODY_MAX : NAME_MAX_BYTES))
		return psprintf("it has %zu bytes", message->bodylen);
	if (strcmp(message->sender, peer) != 0)
		return psprintf("it names \"%s\" as its sender", told(message->sender));
	if (strcmp(message->recipient, me) != 0)
		return psprintf("it is for \"%s\"", told(message->recipient));
	if (strcmp(message->kind, SC_MESSAGE_REQUEST) == 0 || strcmp(message->kind, SC_MESSAGE_CONFIRMATION) == 0)
		return sc_origin_is_of(message->origin, me) ? NULL : psprintf("chain \"%s\" is not this node's", told(message->origin));
	if (strcmp(message->kind, SC_MESSAGE_EVENT) != 0 && strcmp(message->kind, SC_MESSAGE_BLOCK) != 0 &&
		strcmp(message->kind, SC_MESSAGE_PUBLISHED) != 0)
		return psprintf("its kind is \"%s\"", told(message->kind));
	if (!sc_origin_is_of(message->origin, peer))
		return psprintf("chain \"%s\" is not its own", told(message->origin));
	if (strcmp(message->kind, SC_MESSAGE_PUBLISHED) == 0 && message->number == SC_PUBLISHED_ENDED)
		return !sc_follows(message->origin, peer) && sc_copy_by_origin(message->origin) != NULL ? NULL : "";
	/* what was under way when the chain was given up is no fault */
	return sc_follows(message->origin, peer) ? NULL : "";
}

/*
 * May it wait?  The same one need not wait twice (an origin that is asked anew
 * sends what waits here again), and of different ones under one number, of
 * which every turn of the sealing worker would look at each, a few do.
 */
static bool
may_wait(const ScMessage *message)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	ScanKeyData keys[3];
	HeapTuple	tuple;
	int			others = 0;
	bool		here = false;

	ScanKeyInit(&keys[0], SC_MESSAGE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(message->origin));
	ScanKeyInit(&keys[1], SC_MESSAGE_ATTR_KIND, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(message->kind));
	sc_key_int8(&keys[2], SC_MESSAGE_ATTR_NUMBER, BTEqualStrategyNumber, message->number);
	sc_internal_scan_begin(&scan, "message", "message_origin", snapshot, keys, 3);
	while (!here && (tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		char	   *body = text_column(tuple, SC_MESSAGE_ATTR_BODY, RelationGetDescr(scan.rel));

		here = strcmp(body, message->body) == 0;
		pfree(body);
		others++;
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	if (!here && others >= WAIT_MAX)
		sc_peer_state_drop(message->sender, "message", psprintf("%d of this kind and number wait already", others));
	return !here && others < WAIT_MAX;
}

/* does it stay in the queue? */
static bool
take(const ScMessage *message)
{
	char	   *problem = NULL;

	if (strcmp(message->kind, SC_MESSAGE_EVENT) == 0)
	{
		sc_arrival_at_commit();
		sc_network_wake();
		if (sc_copy_apply_event(message, &problem))
			return false;
		ereport(LOG,
				(errmsg("event " INT64_FORMAT " of chain \"%s\" cannot be applied yet", message->number, message->origin),
				 problem != NULL ? errdetail("%s", problem) : 0));
		sc_peer_state_failed(message->origin, psprintf("event " INT64_FORMAT ": %s", message->number,
													   problem != NULL ? problem : "it cannot be applied yet"));
		return may_wait(message);
	}
	if (strcmp(message->kind, SC_MESSAGE_BLOCK) == 0)
	{
		sc_arrival_at_commit();
		return may_wait(message);
	}
	sc_network_wake();
	return true;
}

/* the trigger's row when it is a row trigger before an insert; errors otherwise: our own mistake */
static HeapTuple
trigger_row(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this function is a trigger of the extension's own tables")));
	return trigger->tg_trigtuple;
}

/*
 * seoulchain.accept_message() -> trigger
 *
 * Privileges: none; called by replication.  Errors: none that a message causes.
 */
Datum
sc_accept_message(PG_FUNCTION_ARGS)
{
	HeapTuple	tuple = trigger_row(fcinfo);
	TupleDesc	tupdesc = RelationGetDescr(((TriggerData *) fcinfo->context)->tg_relation);
	const char *peer;
	const char *why;
	ScMessage	message = {0};
	bool		isnull;

	if (!IsLogicalWorker())
		return PointerGetDatum(tuple);
	peer = sc_apply_peer();
	if (peer == NULL)
		return PointerGetDatum(NULL);
	message.sender = text_column(tuple, SC_MESSAGE_ATTR_SENDER, tupdesc);
	message.recipient = text_column(tuple, SC_MESSAGE_ATTR_RECIPIENT, tupdesc);
	message.kind = text_column(tuple, SC_MESSAGE_ATTR_KIND, tupdesc);
	message.origin = text_column(tuple, SC_MESSAGE_ATTR_ORIGIN, tupdesc);
	message.number = DatumGetInt64(heap_getattr(tuple, SC_MESSAGE_ATTR_NUMBER, tupdesc, &isnull));
	message.body = text_column(tuple, SC_MESSAGE_ATTR_BODY, tupdesc);
	message.bodylen = strlen(message.body);
	why = objection(&message, peer);
	if (why != NULL)
	{
		if (why[0] != '\0')
			sc_peer_state_drop(peer, "message", why);
		return PointerGetDatum(NULL);
	}
	return PointerGetDatum(take(&message) ? tuple : NULL);
}
