/*
 * node.c
 *	  This database's node, and the chains it makes.
 *
 * Names.  A node is <network>/<node>, a chain's origin <network>/<node>/<chain>.
 * C2SP asks for no white space and no '+'; we take less: the parts of a node
 * name are of a-z, 0-9, '.', '_' and '-' and begin with a letter or digit, a
 * chain's name is of a-z, 0-9, '_' and '-'.  "witness" is no chain: the
 * key <node>/witness means something else.
 *
 * Invariant: private keys are made by the worker; a session sees verifier
 * keys only.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "core/note.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "seal/block.h"
#include "seal/internal_scan.h"
#include "seal/node.h"
#include "seal/rotate.h"
#include "seal/shmem.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* so that file names of keys stay below the usual 255 bytes */
#define SC_NODE_NAME_MAX 160
#define SC_CHAIN_NAME_MAX 63

PG_FUNCTION_INFO_V1(sc_create_node);
PG_FUNCTION_INFO_V1(sc_cosigner_key);
PG_FUNCTION_INFO_V1(sc_create_chain);
PG_FUNCTION_INFO_V1(sc_verifier_key);

/* is it one part of a node's name? */
static bool
name_part_ok(const char *part, size_t len)
{
	if (len == 0 || strspn(part, "abcdefghijklmnopqrstuvwxyz0123456789._-") < len)
		return false;
	return strchr("._-", part[0]) == NULL;
}

void
sc_node_name_check(const char *name)
{
	const char *slash = strchr(name, '/');

	if (slash == NULL || strlen(name) > SC_NODE_NAME_MAX ||
		!name_part_ok(name, slash - name) || !name_part_ok(slash + 1, strlen(slash + 1)) ||
		strncmp(name, "unnamed/", 8) == 0 || !sc_note_name_ok(name, strlen(name)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is no name for a node", name),
				 errdetail("A node's name is <network>/<node>, of a-z, 0-9, '.', '_' and '-', at most %d bytes; the network \"unnamed\" is reserved.",
						   SC_NODE_NAME_MAX),
				 errhint("For example seoulchain.create_node('seoul.go.kr/city-hall').")));
}

/* errors unless the name can be a chain's */
static void
check_chain_name(const char *name)
{
	size_t		len = strlen(name);

	if (len == 0 || len > SC_CHAIN_NAME_MAX ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") < len || strcmp(name, "witness") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is no name for a chain", name),
				 errdetail("A chain's name is of a-z, 0-9, '_' and '-', at most %d bytes; \"witness\" is reserved.",
						   SC_CHAIN_NAME_MAX),
				 errhint("For example seoulchain.create_chain('main').")));
}

char *
sc_node_name(char **cosigner_key)
{
	Relation	rel = sc_internal_open("node", AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple	tuple = systable_getnext(scan);
	char	   *name = NULL;

	if (HeapTupleIsValid(tuple))
	{
		name = TextDatumGetCString(sc_internal_attr(tuple, 1, rel));
		if (cosigner_key != NULL)
			*cosigner_key = TextDatumGetCString(sc_internal_attr(tuple, 2, rel));
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
	return name;
}

/*
 * seoulchain.create_node(name text, key text DEFAULT NULL) -> text
 *
 * Makes this database a node: the worker makes its cosigner key (C2SP
 * tlog-cosignature, type 0x04; ECDSA under the profile kcmvp), or takes the
 * one in hardware that the URI names; its verifier key is returned.  Chains
 * made before stay unnamed.  Privileges: seoulchain_operator.  Errors:
 * INVALID_NAME; DUPLICATE_OBJECT when there is a node; what the key
 * directory gives cause for.
 */
Datum
sc_create_node(PG_FUNCTION_ARGS)
{
	char	   *name;
	char	   *uri;
	Relation	rel;
	Datum		values[3];
	bool		nulls[3] = {false};
	char	   *existing;
	char	   *key;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	sc_node_name_check(name);
	uri = sc_hardware_uri_argument(fcinfo, 1);
	rel = sc_internal_open("node", ShareRowExclusiveLock);
	existing = sc_node_name(NULL);
	if (existing != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("this database is node \"%s\" already", existing),
				 errhint("Another node needs another database.")));
	key = sc_key_request(SC_MAIL_MAKE_KEY, SC_ROLE_COSIGNER, name, uri);
	values[0] = CStringGetTextDatum(name);
	values[1] = CStringGetTextDatum(key);
	values[2] = TimestampTzGetDatum(GetCurrentTimestamp());
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
	CommandCounterIncrement();
	PG_RETURN_TEXT_P(cstring_to_text(key));
}

/*
 * seoulchain.cosigner_key() -> text
 *
 * The node's cosigner key in C2SP verifier form; NULL while there is no
 * node.  Privileges: PUBLIC.
 */
Datum
sc_cosigner_key(PG_FUNCTION_ARGS)
{
	char	   *key = NULL;

	if (sc_node_name(&key) == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(key));
}

/* makes a chain, with the key in hardware that the URI names unless it is "" */
static ScChain *
create_chain(const char *name, const char *uri)
{
	char	   *node;
	char	   *origin;

	check_chain_name(name);
	if (sc_chain_by_name(name, true) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("chain \"%s\" exists already", name)));
	node = sc_node_name(NULL);
	if (node == NULL && uri[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a chain without a node has no key"),
				 errhint("SELECT seoulchain.create_node('<network>/<node>') first.")));
	if (node == NULL)
		return sc_chain_register_unnamed(name);
	origin = psprintf("%s/%s", node, name);
	return sc_chain_register(name, origin, sc_key_request(SC_MAIL_MAKE_KEY, SC_ROLE_LOG, origin, uri));
}

ScChain *
sc_node_create_chain(const char *name)
{
	return create_chain(name, "");
}

/*
 * seoulchain.create_chain(name text, key text DEFAULT NULL) -> text
 *
 * Makes a chain and returns its origin.  Its log key is new, or the one in
 * hardware that the pkcs11: URI names.  Privileges: seoulchain_operator.
 * Errors: INVALID_NAME, DUPLICATE_OBJECT; what key directory and token give
 * cause for.
 */
Datum
sc_create_chain(PG_FUNCTION_ARGS)
{
	ScChain    *chain;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	chain = create_chain(text_to_cstring(PG_GETARG_TEXT_PP(0)), sc_hardware_uri_argument(fcinfo, 1));
	PG_RETURN_TEXT_P(cstring_to_text(chain->origin));
}

/*
 * seoulchain.verifier_key(chain text DEFAULT 'main') -> text
 *
 * The chain's present log key in C2SP form (signed-note); NULL for a chain without a
 * node.  Privileges: PUBLIC.  Errors: UNDEFINED_OBJECT.
 */
Datum
sc_verifier_key(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);

	if (chain->log_key == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(chain->log_key));
}
