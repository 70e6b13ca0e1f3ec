/*
 * peer.c
 *	  The other nodes that this one exchanges chains and cosignatures with.
 *
 * Invariant: readers see what is committed now and what their own transaction wrote.
 * Locks: AccessShareLock on seoulchain.peer while it is read.
 * Effects: none; peer_sql.c writes.
 */
#include "postgres.h"

#include "network/peer.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/network_tables.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

static ScPeer *
peer_from_tuple(HeapTuple tuple, Relation rel)
{
	ScPeer	   *peer = palloc0(sizeof(ScPeer));
	bool		isnull;
	Datum		role = heap_getattr(tuple, SC_PEER_ATTR_ROLE, RelationGetDescr(rel), &isnull);

	peer->name = TextDatumGetCString(sc_internal_attr(tuple, SC_PEER_ATTR_NAME, rel));
	peer->conninfo = TextDatumGetCString(sc_internal_attr(tuple, SC_PEER_ATTR_CONNINFO, rel));
	peer->cosigner_key = TextDatumGetCString(sc_internal_attr(tuple, SC_PEER_ATTR_COSIGNER_KEY, rel));
	peer->role = isnull ? NULL : pstrdup(NameStr(*DatumGetName(role)));
	peer->here = (uint64) DatumGetInt64(sc_internal_attr(tuple, SC_PEER_ATTR_SYSTEM, rel)) == GetSystemIdentifier() &&
		DatumGetObjectId(sc_internal_attr(tuple, SC_PEER_ATTR_DATABASE, rel)) == MyDatabaseId;
	return peer;
}

List *
sc_peer_list(void)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	List	   *peers = NIL;

	sc_internal_scan_begin(&scan, "peer", "peer_pkey", snapshot, NULL, 0);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		peers = lappend(peers, peer_from_tuple(tuple, scan.rel));
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return peers;
}

ScPeer *
sc_peer_find(const char *name)
{
	ListCell   *lc;

	foreach(lc, sc_peer_list())
	{
		ScPeer	   *peer = lfirst(lc);

		if (strcmp(peer->name, name) == 0)
			return peer;
	}
	return NULL;
}
