/*
 * copy.c
 *	  Copies in the registry, and who may write to them.
 *
 * Invariant: a copy is written by the replication of the node that its origin
 * names, and by nobody else.
 * Locks: as registry.c.
 * Effects: complaints about rows that no leaf can be made of.
 */
#include "postgres.h"

#include "network/copy.h"

#include "catalog/pg_collation.h"
#include "ledger/copy.h"
#include "network/accept.h"
#include "network/dispute.h"
#include "network/network_tables.h"
#include "network/peer.h"
#include "network/recover.h"
#include "network/served.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

ScChain *
sc_copy_by_origin(const char *origin)
{
	ScChain    *chain = sc_chain_of_origin(origin, true);

	return chain != NULL && chain->copy ? chain : NULL;
}

bool
sc_copy_is_followed(const char *origin)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	ScanKeyData key;
	bool		found;

	ScanKeyInit(&key, SC_FOLLOW_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(origin));
	key.sk_collation = C_COLLATION_OID;
	sc_internal_scan_begin(&scan, "follow", "follow_pkey", snapshot, &key, 1);
	found = sc_internal_scan_next(&scan, ForwardScanDirection) != NULL;
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found || sc_recovering(origin);
}

bool
sc_copy_is_peer_role(const char *node, const char *role)
{
	const ScPeer *peer = sc_peer_find(node);

	return peer != NULL && peer->role != NULL && strcmp(peer->role, role) == 0;
}

/* sc_copy_writer_hook */
static bool
may_write(const ScChain *chain)
{
	const char *peer = sc_apply_peer();

	return peer != NULL && sc_origin_is_of(chain->origin, peer);
}

/* sc_copy_odd_row_hook: stored and told, so that replication goes on */
static void
complain(const ScChain *chain, const ScLedgerTable *table, int64 ledger_seq, const char *why)
{
	ScFinding	finding = {
		.origin = chain->origin,
		.height = -1,
		.ledger_seq = ledger_seq,
		.fault = SC_FAULT_ODD_ROW,
		.detail = psprintf("a row came for table \"%s\" that can be no leaf: %s", table->ledger_name, why)
	};

	sc_dispute_file(&finding);
}

void
sc_copy_init(void)
{
	sc_copy_writer_hook = may_write;
	sc_copy_odd_row_hook = complain;
}
