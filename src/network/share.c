/*
 * share.c
 *	  Which of this node's chains go to which nodes.
 *
 * Invariant: a chain goes to nodes only that may read the whole database
 * anyway, since publications are no fence: whoever may connect for
 * replication can read all of it.  A chain that was shared once counts as
 * shared for ever.
 * Locks: ShareRowExclusiveLock on seoulchain.share, before seoulchain.chain.
 * Effects: rows of seoulchain.share; seoulchain.chain.shared; messages.
 * Does not: publish; the network worker does.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "network/message.h"
#include "network/network_tables.h"
#include "network/peer.h"
#include "network/share.h"
#include "network/share_check.h"
#include "network/wake.h"
#include "seal/internal_scan.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_share);
PG_FUNCTION_INFO_V1(sc_unshare);
PG_FUNCTION_INFO_V1(sc_reader_lacks);

/* what a node's role lacks to read the whole database, or NULL */
static const char *
role_lacks(const char *role, bool rows_are_hidden)
{
	HeapTuple	tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(role));
	FormData_pg_authid form;

	if (!HeapTupleIsValid(tuple))
		return "it does not exist";
	form = *(Form_pg_authid) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);
	if (!form.rolcanlogin)
		return "it may not log in";
	if (form.rolsuper)
		return NULL;
	if (!form.rolreplication)
		return "it does not have REPLICATION";
	if (!has_privs_of_role(form.oid, ROLE_PG_READ_ALL_DATA))
		return "it is no member of pg_read_all_data";
	if (rows_are_hidden && !form.rolbypassrls)
		return "it does not have BYPASSRLS, and a table of the chain has row security";
	return NULL;
}

/* does a table of the chain have row security? */
static bool
has_row_security(const ScChain *chain)
{
	ListCell   *lc;

	foreach(lc, sc_ledger_list(chain->chain_id))
	{
		ScLedgerTable *table = lfirst(lc);
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table->relation));
		bool		secured;

		if (!HeapTupleIsValid(tuple))
			continue;
		secured = ((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity;
		ReleaseSysCache(tuple);
		if (secured)
			return true;
	}
	return false;
}

const char *
sc_share_reader_lacks(int32 chain_id, const char *peer)
{
	ScPeer	   *found = sc_peer_find(peer);
	ScChain    *chain = sc_chain_by_id(chain_id, true);

	if (found == NULL || found->role == NULL)
		return "it is not known under which role the node connects";
	return role_lacks(found->role, chain != NULL && has_row_security(chain));
}

/*
 * seoulchain.reader_lacks(chain_id integer, node text) -> text
 *
 * What the role of that peer lacks to read the whole database, now; NULL when
 * it may.  Privileges: seoulchain_operator, seoulchain_auditor.
 */
Datum
sc_reader_lacks(PG_FUNCTION_ARGS)
{
	const char *lack = sc_share_reader_lacks(PG_GETARG_INT32(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));

	if (lack == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(lack));
}

/* errors unless the node may read the whole database */
static void
require_reader(const ScPeer *peer, const ScChain *chain)
{
	const char *lack;

	if (peer->role == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("it is not known under which role node \"%s\" connects", peer->name),
				 errdetail("A chain is shared with a node only that may read the whole database."),
				 errhint("SELECT seoulchain.add_peer('%s', <conninfo>, <cosigner key>, <role>); with the same key adds the role.",
						 peer->name)));
	lack = role_lacks(peer->role, has_row_security(chain));
	if (lack != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("node \"%s\" may not read the whole database: role \"%s\": %s", peer->name, peer->role, lack),
				 errdetail("Publications are no fence: whoever may connect for replication can read everything in this database, published or not. So a chain is shared with a node only that may read all of it."),
				 errhint("If it may: ALTER ROLE %s LOGIN REPLICATION; GRANT pg_read_all_data TO %s; and a line for it in pg_hba.conf that names this database. If not, keep the chain in a database of its own.",
						 quote_identifier(peer->role), quote_identifier(peer->role))));
}

/* errors unless the chain can be shared */
static void
require_shareable(const ScChain *chain)
{
	if (chain->copy)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" is a copy of another node's", chain->name),
				 errhint("Its own node shares it.")));
	sc_chain_require_open(chain);
	sc_share_check(chain);
}

/* calls the function for the share rows of the node, and of the chain unless -1; how many there were */
static int
visit_shares(const char *node, int32 chain_id, void (*visit) (Relation rel, HeapTuple tuple))
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	int			count = 0;

	sc_internal_scan_begin(&scan, "share", "share_pkey", snapshot, NULL, 0);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		if (chain_id >= 0 && DatumGetInt32(sc_internal_attr(tuple, SC_SHARE_ATTR_CHAIN_ID, scan.rel)) != chain_id)
			continue;
		if (strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_SHARE_ATTR_NODE, scan.rel)), node) != 0)
			continue;
		if (visit != NULL)
			visit(scan.rel, tuple);
		count++;
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return count;
}

/* deletes the wish, and says so to the node if it listens */
static void
end_share(Relation rel, HeapTuple tuple)
{
	int32		chain_id = DatumGetInt32(sc_internal_attr(tuple, SC_SHARE_ATTR_CHAIN_ID, rel));
	ScMessage	message = {
		.sender = sc_require_node(),
		.recipient = TextDatumGetCString(sc_internal_attr(tuple, SC_SHARE_ATTR_NODE, rel)),
		.kind = SC_MESSAGE_PUBLISHED,
		.origin = sc_chain_by_id(chain_id, false)->origin,
		.number = SC_PUBLISHED_NO_MORE
	};

	CatalogTupleDelete(rel, &tuple->t_self);
	sc_message_send(&message);
}

void
sc_share_remove_node(const char *node)
{
	Relation	rel = sc_internal_open("share", ShareRowExclusiveLock);

	(void) visit_shares(node, -1, end_share);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/* marks the chain as shared, for ever */
static void
mark_shared(const ScChain *chain)
{
	Relation	rel = sc_internal_open("chain", RowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	Datum		values[SC_CHAIN_NATTS] = {0};
	bool		nulls[SC_CHAIN_NATTS] = {false};
	bool		replace[SC_CHAIN_NATTS] = {false};

	values[SC_CHAIN_ATTR_SHARED - 1] = BoolGetDatum(true);
	replace[SC_CHAIN_ATTR_SHARED - 1] = true;
	sc_key_int4(&key, SC_CHAIN_ATTR_ID, chain->chain_id);
	sc_internal_scan_begin(&scan, "chain", "chain_pkey", snapshot, &key, 1);
	if ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		CatalogTupleUpdate(rel, &tuple->t_self,
						   heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replace));
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	/* sessions keep what they know of a chain's tables until this one changes */
	CacheInvalidateRelcache(rel);
	table_close(rel, NoLock);
}

/*
 * seoulchain.share(chain text, node text) -> void
 *
 * Lets a peer follow a chain of this node.  Privileges: seoulchain_operator.
 * Errors: UNDEFINED_OBJECT for chain or peer; OBJECT_NOT_IN_PREREQUISITE_STATE
 * for a chain that is a copy, closed or without a key, and for a peer without
 * a role; INSUFFICIENT_PRIVILEGE when the peer's role may not read the whole
 * database.
 */
Datum
sc_share(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *node = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Relation	rel = sc_internal_open("share", ShareRowExclusiveLock);
	ScChain    *chain = sc_chain_by_name(name, false);
	ScPeer	   *peer = sc_peer_require(node);
	Datum		values[SC_SHARE_NATTS];
	bool		nulls[SC_SHARE_NATTS] = {false};

	require_shareable(chain);
	require_reader(peer, chain);
	if (visit_shares(node, chain->chain_id, NULL) > 0)
		ereport(NOTICE, (errmsg("chain \"%s\" is shared with node \"%s\" already", name, node)));
	else
	{
		values[SC_SHARE_ATTR_CHAIN_ID - 1] = Int32GetDatum(chain->chain_id);
		values[SC_SHARE_ATTR_NODE - 1] = CStringGetTextDatum(node);
		values[SC_SHARE_ATTR_SINCE - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		values[SC_SHARE_ATTR_SENT_HEIGHT - 1] = (Datum) 0;
		nulls[SC_SHARE_ATTR_SENT_HEIGHT - 1] = true;
		CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
		if (!chain->shared)
			mark_shared(chain);
	}
	table_close(rel, NoLock);
	CommandCounterIncrement();
	sc_network_wake();
	PG_RETURN_VOID();
}

/*
 * seoulchain.unshare(chain text, node text) -> void
 *
 * Sends nothing more of the chain to the node, which is told; what it has stays there.
 * Privileges: seoulchain_operator.  Errors: UNDEFINED_OBJECT.
 */
Datum
sc_unshare(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *node = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Relation	rel = sc_internal_open("share", ShareRowExclusiveLock);
	ScChain    *chain = sc_chain_by_name(name, false);

	if (visit_shares(node, chain->chain_id, end_share) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("chain \"%s\" is not shared with node \"%s\"", name, node),
				 errhint("SELECT * FROM seoulchain.network_status; shows what is shared with whom.")));
	table_close(rel, NoLock);
	CommandCounterIncrement();
	sc_network_wake();
	PG_RETURN_VOID();
}
