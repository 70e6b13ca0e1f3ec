/*
 * synchronized.c
 *	  Has everything arrived that a follower can have of a chain?
 *
 * A table's first rows come by a synchronisation worker, the later ones by
 * the apply worker, which marks the table ready (state r) in a transaction of
 * its own once it has taken over.  It applies transactions in the order of the
 * origin's commits, messages among them.  So a snapshot that shows a message
 * and every table ready shows every row that was committed before the message;
 * also when the message itself came with the first copy of seoulchain.message,
 * since that table is ready only when the apply worker has passed that copy.
 *
 * Locks: AccessShareLock on pg_subscription_rel.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_subscription_rel.h"
#include "network/message.h"
#include "network/synchronized.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* the subscription of a relation that is ready in it; InvalidOid when there is none */
static Oid
ready_in(Relation rel, Oid relid, Oid subscription, Snapshot snapshot)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			found = InvalidOid;

	ScanKeyInit(&key, Anum_pg_subscription_rel_srrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InvalidOid, false, snapshot, 1, &key);
	while (!OidIsValid(found) && (tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_subscription_rel form = (Form_pg_subscription_rel) GETSTRUCT(tuple);

		if (form->srsubstate == SUBREL_STATE_READY && (!OidIsValid(subscription) || form->srsubid == subscription))
			found = form->srsubid;
	}
	systable_endscan(scan);
	return found;
}

/* does an event of the chain wait to be applied? */
static bool
event_waits(const ScChain *chain, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	bool		waits;

	ScanKeyInit(&keys[0], SC_MESSAGE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(chain->origin));
	ScanKeyInit(&keys[1], SC_MESSAGE_ATTR_KIND, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(SC_MESSAGE_EVENT));
	sc_internal_scan_begin(&scan, "message", "message_origin", snapshot, keys, 2);
	waits = sc_internal_scan_next(&scan, ForwardScanDirection) != NULL;
	sc_internal_scan_end(&scan);
	return waits;
}

bool
sc_synchronized(const ScChain *chain, Snapshot snapshot, char **why)
{
	Relation	rel = table_open(SubscriptionRelRelationId, AccessShareLock);
	Oid			subscription = InvalidOid;
	ListCell   *lc;

	*why = NULL;
	foreach(lc, sc_ledger_list(chain->chain_id))
	{
		ScLedgerTable *table = lfirst(lc);

		if (table->dropped_seq != 0)
			*why = psprintf("table \"%s\" was dropped at the origin: its rows may never come", table->ledger_name);
		else if (!OidIsValid(table->relation) ||
				 !OidIsValid(subscription = ready_in(rel, table->relation, InvalidOid, snapshot)))
			*why = psprintf("table \"%s\" has not been copied to the end", table->ledger_name);
		if (*why != NULL)
			break;
	}
	if (*why == NULL && !OidIsValid(ready_in(rel, sc_registry_relation("message"), subscription, snapshot)))
		*why = pstrdup("the messages have not been copied to the end");
	if (*why == NULL && event_waits(chain, snapshot))
		*why = pstrdup("an event of the chain could not be applied yet");
	table_close(rel, NoLock);
	return *why == NULL;
}
