/*
 * public.c
 *	  set_public: a chain's leaves become everybody's to read.
 *
 * A recorded event says so, so that whoever writes to the chain can know it,
 * and the registry remembers.  There is no way back: tiles that are out in
 * the world stay there, and a chain that stopped giving them would look like
 * a log that hides its history.
 *
 * Invariant: a chain of this node is in public_chain only with its event.
 * Locks: ShareRowExclusiveLock on seoulchain.public_chain to the end of the
 * transaction.  Effects: an event leaf, a row of public_chain.
 */
#include "postgres.h"

#include "network/public.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "fmgr.h"
#include "ledger/journal.h"
#include "proof/locate.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_set_public);

bool
sc_chain_is_public(int32 chain_id)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	ScanKeyData key;
	bool		found;

	sc_key_int4(&key, SC_PUBLIC_ATTR_CHAIN_ID, chain_id);
	sc_internal_scan_begin(&scan, "public_chain", "public_chain_pkey", snapshot, &key, 1);
	found = sc_internal_scan_next(&scan, ForwardScanDirection) != NULL;
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found;
}

void
sc_public_register(int32 chain_id, int64 ledger_seq)
{
	Relation	rel = sc_internal_open("public_chain", ShareRowExclusiveLock);
	Datum		values[SC_PUBLIC_NATTS];
	bool		nulls[SC_PUBLIC_NATTS] = {false};

	if (!sc_chain_is_public(chain_id))
	{
		values[SC_PUBLIC_ATTR_CHAIN_ID - 1] = Int32GetDatum(chain_id);
		values[SC_PUBLIC_ATTR_SEQ - 1] = Int64GetDatum(ledger_seq);
		values[SC_PUBLIC_ATTR_SINCE - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
		CommandCounterIncrement();
	}
	table_close(rel, NoLock);
}

void
sc_public_require(const ScChain *chain)
{
	if (sc_chain_is_public(chain->chain_id) || sc_caller_is_auditor())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("chain \"%s\" is not public", chain->name),
			 errdetail("Its tiles show every row of it."),
			 errhint("SELECT seoulchain.set_public('%s') makes it public for ever; members of seoulchain_auditor may read it as it is.",
					 chain->name)));
}

/* errors unless the chain can be made public here */
static void
require_own_log(const ScChain *chain)
{
	if (chain->copy)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" is a copy of another node's chain", chain->name),
				 errhint("The node whose chain it is decides whether it is public.")));
	if (chain->log_key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" has no key", chain->name),
				 errdetail("It was made before this database became a node; a public log has signed checkpoints.")));
	sc_chain_require_open(chain);
}

/*
 * seoulchain.set_public(chain text) -> void
 *
 * Makes every leaf of one of this node's chains readable by everybody, for
 * ever, by an event on it; nothing when it is public already.  Privileges:
 * seoulchain_operator.  Errors: UNDEFINED_OBJECT;
 * OBJECT_NOT_IN_PREREQUISITE_STATE for a copy, an unnamed or a closed chain.
 */
Datum
sc_set_public(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	ScBuf		event = SC_BUF_INIT;
	Relation	rel;

	require_own_log(chain);
	rel = sc_internal_open("public_chain", ShareRowExclusiveLock);
	if (!sc_chain_is_public(chain->chain_id))
	{
		sc_buf_literal(&event, "{\"type\":\"" SC_PUBLIC_EVENT "\"}");
		sc_public_register(chain->chain_id, sc_event_record(chain, SC_TABLE_EVENTS, NULL, &event));
		sc_buf_free(&event);
	}
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}
