/*
 * peer_sql.c
 *	  Adding and removing peers.
 *
 * Invariant: a call writes down a wish and checks what can be checked here;
 * the network worker carries it out when the transaction has committed.
 * Locks: ShareRowExclusiveLock on seoulchain.peer, so that peers are changed one after the other.
 * Effects: rows of seoulchain.peer, share and follow.
 * Does not: connect anywhere.
 */
#include "postgres.h"

#include <libpq-fe.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "core/note.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "network/alarm.h"
#include "network/follow.h"
#include "network/network_tables.h"
#include "network/peer.h"
#include "network/share.h"
#include "network/wake.h"
#include "seal/internal_scan.h"
#include "seal/node.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_add_peer);
PG_FUNCTION_INFO_V1(sc_remove_peer);
PG_FUNCTION_INFO_V1(sc_open_network);

char *
sc_require_node(void)
{
	char	   *me = sc_node_name(NULL);

	if (me == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database is no node"),
				 errhint("SELECT seoulchain.create_node('<network>/<node>') first.")));
	return me;
}

ScPeer *
sc_peer_require(const char *name)
{
	ScPeer	   *peer = sc_peer_find(name);

	if (peer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("node \"%s\" is not a peer", name),
				 errhint("SELECT seoulchain.add_peer(...) adds it; seoulchain.network_status shows the peers.")));
	return peer;
}

/* errors unless it is a cosigner key of that node */
static void
check_cosigner_key(const char *key, const char *node)
{
	ScVerifierKey parsed;

	if (sc_note_parse_key(&parsed, key, strlen(key)) != SC_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no verifier key", key),
				 errhint("SELECT seoulchain.cosigner_key(); on the other node shows its key.")));
	if (strcmp(parsed.name, node) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key is that of \"%s\", not of node \"%s\"", parsed.name, node),
				 errhint("SELECT seoulchain.cosigner_key(); on the other node shows its key.")));
	if (parsed.type != SC_KEY_COSIGNATURE && parsed.type != SC_KEY_ECDSA)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key of node \"%s\" is no cosigner key", node),
				 errdetail("Its type is 0x%02x; cosigner keys have type 0x04, or 0x02 under the profile kcmvp.", parsed.type),
				 errhint("SELECT seoulchain.cosigner_key(); on the other node shows its key.")));
}

/* errors unless libpq can make something of it; what stands in it is for the reader of the peer table too */
static void
check_conninfo(const char *conninfo)
{
	char	   *problem = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &problem);
	bool		database = false;
	bool		password = false;
	bool		replication = false;

	if (options == NULL)
	{
		char	   *why = problem != NULL ? pchomp(problem) : "out of memory";

		PQfreemem(problem);
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the connection string cannot be read: %s", why)));
	}
	for (PQconninfoOption *option = options; option->keyword != NULL; option++)
	{
		if (option->val == NULL || option->val[0] == '\0')
			continue;
		database = database || strcmp(option->keyword, "dbname") == 0;
		password = password || strcmp(option->keyword, "password") == 0;
		replication = replication || strcmp(option->keyword, "replication") == 0;
	}
	PQconninfoFree(options);
	if (!database || replication)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 database ? errmsg("the connection string must not say \"replication\"") :
				 errmsg("the connection string names no database"),
				 errhint("For example 'host=inspector.example dbname=city user=node_hall passfile=/etc/seoulchain/pgpass'.")));
	if (password)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the connection string holds a password"),
				 errdetail("Whoever may read all of this database, as the nodes do that follow its chains, can read it."),
				 errhint("Use passfile=... or a client certificate instead.")));
}

/* puts the row together; `old` gives what an added peer keeps */
static HeapTuple
form_peer(Relation rel, const ScPeer *peer, TimestampTz added_at)
{
	Datum		values[SC_PEER_NATTS];
	bool		nulls[SC_PEER_NATTS] = {false};
	NameData	role;

	values[SC_PEER_ATTR_NAME - 1] = CStringGetTextDatum(peer->name);
	values[SC_PEER_ATTR_CONNINFO - 1] = CStringGetTextDatum(peer->conninfo);
	values[SC_PEER_ATTR_COSIGNER_KEY - 1] = CStringGetTextDatum(peer->cosigner_key);
	nulls[SC_PEER_ATTR_ROLE - 1] = peer->role == NULL;
	namestrcpy(&role, peer->role != NULL ? peer->role : "");
	values[SC_PEER_ATTR_ROLE - 1] = NameGetDatum(&role);
	values[SC_PEER_ATTR_ADDED_AT - 1] = TimestampTzGetDatum(added_at);
	values[SC_PEER_ATTR_SYSTEM - 1] = Int64GetDatum((int64) GetSystemIdentifier());
	values[SC_PEER_ATTR_DATABASE - 1] = ObjectIdGetDatum(MyDatabaseId);
	return heap_form_tuple(RelationGetDescr(rel), values, nulls);
}

/* calls the function for every peer's tuple, or the one of that name; how many there were */
static int
visit_peers(Relation rel, const char *name, void (*visit) (Relation rel, HeapTuple tuple, const void *arg), const void *arg)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	int			count = 0;

	sc_internal_scan_begin(&scan, "peer", "peer_pkey", snapshot, NULL, 0);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		if (name != NULL &&
			strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_PEER_ATTR_NAME, scan.rel)), name) != 0)
			continue;
		visit(rel, tuple, arg);
		count++;
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return count;
}

/* another connection string and role for a peer that is there */
static void
change_peer(Relation rel, HeapTuple tuple, const void *arg)
{
	const ScPeer *peer = arg;
	HeapTuple	new = form_peer(rel, peer, DatumGetTimestampTz(sc_internal_attr(tuple, SC_PEER_ATTR_ADDED_AT, rel)));

	if (strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_PEER_ATTR_COSIGNER_KEY, rel)), peer->cosigner_key) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("node \"%s\" is a peer already, with another key", peer->name),
				 errhint("With the same key its connection string and role are changed.  SELECT seoulchain.remove_peer('%s'); ends the old relation.",
						 peer->name)));
	CatalogTupleUpdate(rel, &tuple->t_self, new);
}

static void
delete_peer(Relation rel, HeapTuple tuple, const void *arg)
{
	CatalogTupleDelete(rel, &tuple->t_self);
}

/*
 * seoulchain.add_peer(name text, conninfo text, cosigner_key text, role name DEFAULT NULL) -> void
 *
 * Writes down another node, which is to be reached by conninfo (libpq) and
 * which reaches us under the role.  Of a peer that is there conninfo and role
 * are changed.  Privileges: seoulchain_operator.  Errors: INVALID_NAME,
 * INVALID_PARAMETER_VALUE for a key that is not its cosigner key or a
 * connection string without a database, SYNTAX_ERROR, UNDEFINED_OBJECT for a
 * role that is not there, DUPLICATE_OBJECT when its key is another one.
 */
Datum
sc_add_peer(PG_FUNCTION_ARGS)
{
	ScPeer		peer = {0};
	Relation	rel;
	char	   *me;

	for (int i = 0; i < 3; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a peer has a name, a connection string and a cosigner key")));
	peer.name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	peer.conninfo = text_to_cstring(PG_GETARG_TEXT_PP(1));
	peer.cosigner_key = text_to_cstring(PG_GETARG_TEXT_PP(2));
	peer.role = PG_ARGISNULL(3) ? NULL : NameStr(*PG_GETARG_NAME(3));
	me = sc_require_node();
	sc_node_name_check(peer.name);
	if (strcmp(peer.name, me) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is this node itself", peer.name)));
	check_cosigner_key(peer.cosigner_key, peer.name);
	check_conninfo(peer.conninfo);
	if (peer.role != NULL)
		(void) get_role_oid(peer.role, false);

	rel = sc_internal_open("peer", ShareRowExclusiveLock);
	if (visit_peers(rel, peer.name, change_peer, &peer) == 0)
		CatalogTupleInsert(rel, form_peer(rel, &peer, GetCurrentTimestamp()));
	table_close(rel, NoLock);
	CommandCounterIncrement();
	sc_network_wake();
	PG_RETURN_VOID();
}

/*
 * seoulchain.remove_peer(name text) -> void
 *
 * Ends the relation with a node: nothing is shared with it, nothing followed
 * of it any more.  Copies and cosignatures that are here stay.  The worker
 * drops publication, subscription and slots, with or without the other node.
 * Privileges: seoulchain_operator.  Errors: UNDEFINED_OBJECT.
 */
Datum
sc_remove_peer(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Relation	rel = sc_internal_open("peer", ShareRowExclusiveLock);

	(void) sc_peer_require(name);
	sc_share_remove_node(name);
	sc_follow_remove_node(name);
	(void) visit_peers(rel, name, delete_peer, NULL);
	sc_alarm_forget(name);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	sc_network_wake();
	PG_RETURN_VOID();
}

/* this cluster and database is where the node lives now */
static void
adopt_peer(Relation rel, HeapTuple tuple, const void *arg)
{
	Datum		values[SC_PEER_NATTS] = {0};
	bool		nulls[SC_PEER_NATTS] = {false};
	bool		replace[SC_PEER_NATTS] = {false};

	values[SC_PEER_ATTR_SYSTEM - 1] = Int64GetDatum((int64) GetSystemIdentifier());
	replace[SC_PEER_ATTR_SYSTEM - 1] = true;
	values[SC_PEER_ATTR_DATABASE - 1] = ObjectIdGetDatum(MyDatabaseId);
	replace[SC_PEER_ATTR_DATABASE - 1] = true;
	CatalogTupleUpdate(rel, &tuple->t_self, heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replace));
}

/*
 * seoulchain.open_network() -> void
 *
 * Says that this database, restored or copied, is the node now: the network
 * worker takes up the peers that came with it.  The original must be gone,
 * for two that claim one node take each other's slots.  Privileges:
 * seoulchain_operator.  Errors: OBJECT_NOT_IN_PREREQUISITE_STATE without a node.
 */
Datum
sc_open_network(PG_FUNCTION_ARGS)
{
	Relation	rel;

	(void) sc_require_node();
	rel = sc_internal_open("peer", ShareRowExclusiveLock);
	(void) visit_peers(rel, NULL, adopt_peer, NULL);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	sc_network_wake();
	PG_RETURN_VOID();
}
