/*
 * message.c
 *	  Writing messages to other nodes, those about events among them.
 *
 * Invariant: an event of a shared chain and the messages that carry it to the
 * nodes which have asked for the chain are one transaction, so that no row
 * which needs a column can overtake the event about it.  Whoever begins to
 * send to another node (sets sent_height) has locked seoulchain.event against
 * writers, so no event falls between what he sent and what is sent here.
 * Effects: rows of seoulchain.message that are gone again when the transaction
 * ends: only inserts are published, so logical decoding finds them in the log,
 * and the queue needs nobody to empty it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "ledger/registry.h"
#include "network/message.h"
#include "network/wake.h"
#include "network/network_tables.h"
#include "seal/internal_scan.h"
#include "seal/node.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

void
sc_message_send(const ScMessage *message)
{
	Relation	rel = sc_internal_open("message", RowExclusiveLock);
	Datum		values[SC_MESSAGE_NATTS];
	bool		nulls[SC_MESSAGE_NATTS] = {false};
	HeapTuple	tuple;

	values[SC_MESSAGE_ATTR_SENDER - 1] = CStringGetTextDatum(message->sender);
	values[SC_MESSAGE_ATTR_RECIPIENT - 1] = CStringGetTextDatum(message->recipient);
	values[SC_MESSAGE_ATTR_KIND - 1] = CStringGetTextDatum(message->kind);
	values[SC_MESSAGE_ATTR_ORIGIN - 1] = CStringGetTextDatum(message->origin);
	values[SC_MESSAGE_ATTR_NUMBER - 1] = Int64GetDatum(message->number);
	nulls[SC_MESSAGE_ATTR_BODY - 1] = message->body == NULL;
	values[SC_MESSAGE_ATTR_BODY - 1] = message->body == NULL ? (Datum) 0 :
		PointerGetDatum(cstring_to_text_with_len(message->body, message->bodylen));
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	CatalogTupleInsert(rel, tuple);

	/* it is in the log, where the recipient reads it */
	CommandCounterIncrement();
	CatalogTupleDelete(rel, &tuple->t_self);
	table_close(rel, NoLock);
}

/* sends a new event to every node that gets the chain */
static void
send_event(const ScChain *chain, int64 ledger_seq, const char *leaf, size_t len)
{
	ScMessage	message = {
		.kind = SC_MESSAGE_EVENT,
		.origin = chain->origin,
		.number = ledger_seq,
		.body = leaf,
		.bodylen = len
	};
	Snapshot	snapshot;
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;

	if (!chain->shared)
		return;
	/* it may be a table that a city view shows */
	sc_network_wake();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	message.sender = sc_node_name(NULL);
	sc_key_int4(&key, SC_SHARE_ATTR_CHAIN_ID, chain->chain_id);
	sc_internal_scan_begin(&scan, "share", "share_pkey", snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		bool		isnull;

		(void) heap_getattr(tuple, SC_SHARE_ATTR_SENT_HEIGHT, RelationGetDescr(scan.rel), &isnull);
		if (isnull)
			continue;
		message.recipient = TextDatumGetCString(sc_internal_attr(tuple, SC_SHARE_ATTR_NODE, scan.rel));
		sc_message_send(&message);
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
}

void
sc_message_init(void)
{
	sc_event_recorded_hook = send_event;
}
