/*
 * witnessed.c
 *	  Logs of others that this node cosigns as a public witness: registry and key.
 *
 * Invariant: one key, named <network>/<node>/witness, which signs nothing
 * else; a log's key bears the log's name unless the operator says otherwise.
 * Locks: ShareRowExclusiveLock on witness_key, witnessed_log or
 * witnessed_checkpoint to the end of the transaction that writes them.
 * Effects: rows of these tables; a key file, by the worker.
 */
#include "postgres.h"

#include "network/witnessed.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "fmgr.h"
#include "ledger/error.h"
#include "ledger/registry.h"
#include "ledger/settings.h"
#include "seal/internal_scan.h"
#include "seal/key_files.h"
#include "seal/node.h"
#include "seal/rotate.h"
#include "seal/shmem.h"
#include "sign/profile.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* seoulchain.witness_key, witnessed_log, witnessed_checkpoint */
#define SC_WITNESS_KEY_ATTR_KEY 2
#define SC_WITNESS_KEY_NATTS 3
#define SC_WITNESSED_LOG_ATTR_ORIGIN 1
#define SC_WITNESSED_LOG_ATTR_KEY 2
#define SC_WITNESSED_LOG_NATTS 3
#define SC_WITNESSED_ATTR_ORIGIN 1
#define SC_WITNESSED_ATTR_SIZE 2
#define SC_WITNESSED_ATTR_ROOT 3
#define SC_WITNESSED_ATTR_NOTE 4
#define SC_WITNESSED_ATTR_AT 5
#define SC_WITNESSED_NATTS 5

PG_FUNCTION_INFO_V1(sc_add_witnessed_log);
PG_FUNCTION_INFO_V1(sc_remove_witnessed_log);
PG_FUNCTION_INFO_V1(sc_witness_key);

/* key on a text column of ours, all of which are COLLATE "C" */
static void
key_text(ScanKeyData *key, AttrNumber attno, const char *value)
{
	ScanKeyInit(key, attno, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(value));
}

char *
sc_witness_key_find(void)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	char	   *key = NULL;

	sc_internal_scan_begin(&scan, "witness_key", "witness_key_pkey", snapshot, NULL, 0);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (tuple != NULL)
		key = TextDatumGetCString(sc_internal_attr(tuple, SC_WITNESS_KEY_ATTR_KEY, scan.rel));
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return key;
}

List *
sc_witnessed_keys(const char *origin)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	List	   *result = NIL;
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;

	key_text(&key, SC_WITNESSED_LOG_ATTR_ORIGIN, origin);
	sc_internal_scan_begin(&scan, "witnessed_log", "witnessed_log_pkey", snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		result = lappend(result, TextDatumGetCString(sc_internal_attr(tuple, SC_WITNESSED_LOG_ATTR_KEY, scan.rel)));
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return result;
}

/* begins a scan for the row of what was cosigned last; NULL when there is none */
static HeapTuple
find_last(ScInternalScan *scan, const char *origin, Snapshot snapshot)
{
	ScanKeyData key;

	key_text(&key, SC_WITNESSED_ATTR_ORIGIN, origin);
	sc_internal_scan_begin(scan, "witnessed_checkpoint", "witnessed_checkpoint_pkey", snapshot, &key, 1);
	return sc_internal_scan_next(scan, ForwardScanDirection);
}

bool
sc_witnessed_last(ScCheckpoint *out, char **note, const char *origin)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple = find_last(&scan, origin, snapshot);

	if (tuple != NULL)
	{
		strlcpy(out->origin, origin, sizeof(out->origin));
		out->size = (uint64) DatumGetInt64(sc_internal_attr(tuple, SC_WITNESSED_ATTR_SIZE, scan.rel));
		sc_internal_hash(&out->root, tuple, SC_WITNESSED_ATTR_ROOT, scan.rel);
		if (note != NULL)
			*note = TextDatumGetCString(sc_internal_attr(tuple, SC_WITNESSED_ATTR_NOTE, scan.rel));
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return tuple != NULL;
}

void
sc_witnessed_store(const ScCheckpoint *checkpoint, const char *note, size_t notelen)
{
	Relation	rel = sc_internal_open("witnessed_checkpoint", ShareRowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Datum		values[SC_WITNESSED_NATTS];
	bool		nulls[SC_WITNESSED_NATTS] = {false};
	HeapTuple	tuple;
	HeapTuple	old;
	ScInternalScan scan;

	values[SC_WITNESSED_ATTR_ORIGIN - 1] = CStringGetTextDatum(checkpoint->origin);
	values[SC_WITNESSED_ATTR_SIZE - 1] = Int64GetDatum((int64) checkpoint->size);
	values[SC_WITNESSED_ATTR_ROOT - 1] = sc_internal_bytea(checkpoint->root.bytes, SC_HASH_LEN);
	values[SC_WITNESSED_ATTR_NOTE - 1] = PointerGetDatum(cstring_to_text_with_len(note, notelen));
	values[SC_WITNESSED_ATTR_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	old = find_last(&scan, checkpoint->origin, snapshot);
	if (old != NULL)
		CatalogTupleUpdate(rel, &old->t_self, tuple);
	else
		CatalogTupleInsert(rel, tuple);
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/* the witness's key, made now if need be */
static char *
make_witness_key(void)
{
	Relation	rel = sc_internal_open("witness_key", ShareRowExclusiveLock);
	char	   *key = sc_witness_key_find();
	char	   *node = sc_node_name(NULL);
	char	   *name;
	Datum		values[SC_WITNESS_KEY_NATTS];
	bool		nulls[SC_WITNESS_KEY_NATTS] = {false};

	if (key == NULL && node == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database is no node"),
				 errhint("SELECT seoulchain.create_node('<network>/<node>') makes it one, with a key.")));
	if (key == NULL)
	{
		name = psprintf("%s/witness", node);
		key = sc_key_request(SC_MAIL_MAKE_KEY, SC_ROLE_WITNESS, name, "");
		values[0] = CStringGetTextDatum(name);
		values[1] = CStringGetTextDatum(key);
		values[2] = TimestampTzGetDatum(GetCurrentTimestamp());
		CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
		CommandCounterIncrement();
	}
	table_close(rel, NoLock);
	return key;
}

/* errors unless the text is a key that a log can sign with */
static void
check_log_key(ScVerifierKey *key, const char *text)
{
	if (sc_note_parse_key(key, text, strlen(text)) != SC_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("\"%s\" is no verifier key", text),
				 errhint("A verifier key is <name>+<key id>+<key>, as the log's operator publishes it.")));
	if (key->type != SC_KEY_ED25519 && key->type != SC_KEY_ECDSA)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no key of a log", text),
				 errdetail("It is of type %d; logs sign with Ed25519 (1) or ECDSA (2).", key->type)));
	if (!sc_profile_allows_note(sc_sign_profile(), key->type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the profile \"%s\" does not allow %s, the algorithm of key \"%s\"",
						sc_profile_name(sc_sign_profile()), sc_profile_note_algorithm(key->type), key->name)));
}

/* errors unless the origin can be another's log */
static void
check_origin(const char *origin)
{
	ListCell   *lc;

	if (!sc_note_name_ok(origin, strlen(origin)) || strlen(origin) > SC_NAME_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is no origin of a log", origin),
				 errdetail("An origin is the first line of a checkpoint: no space and no '+', at most %d bytes.", SC_NAME_MAX)));
	foreach(lc, sc_chain_list())
	{
		ScChain    *chain = lfirst(lc);

		if (!chain->copy && strcmp(chain->origin, origin) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is a chain of this database", origin),
					 errdetail("Nobody is a witness of his own log.")));
	}
}

/*
 * seoulchain.add_witnessed_log(key text, origin text DEFAULT NULL) -> text
 *
 * Has this node answer add-checkpoint requests of a log: checkpoints of that
 * origin, the key's name if not said, that are signed by that key, or by
 * another that was added for it.  The first call makes the witness's key;
 * returns its verifier key.  Privileges: seoulchain_operator.  Errors:
 * INVALID_TEXT_REPRESENTATION, INVALID_PARAMETER_VALUE, INVALID_NAME;
 * OBJECT_NOT_IN_PREREQUISITE_STATE without a node.
 */
Datum
sc_add_witnessed_log(PG_FUNCTION_ARGS)
{
	ScVerifierKey key;
	char	   *given;
	char	   *origin;
	char	   *witness;
	Relation	rel;
	ListCell   *lc;
	bool		known = false;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	given = text_to_cstring(PG_GETARG_TEXT_PP(0));
	check_log_key(&key, given);
	origin = PG_ARGISNULL(1) ? key.name : text_to_cstring(PG_GETARG_TEXT_PP(1));
	check_origin(origin);
	witness = make_witness_key();
	rel = sc_internal_open("witnessed_log", ShareRowExclusiveLock);
	foreach(lc, sc_witnessed_keys(origin))
		known |= strcmp(lfirst(lc), given) == 0;
	if (!known)
	{
		Datum		values[SC_WITNESSED_LOG_NATTS];
		bool		nulls[SC_WITNESSED_LOG_NATTS] = {false};

		values[0] = CStringGetTextDatum(origin);
		values[1] = CStringGetTextDatum(given);
		values[2] = TimestampTzGetDatum(GetCurrentTimestamp());
		CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	}
	table_close(rel, NoLock);
	PG_RETURN_TEXT_P(cstring_to_text(witness));
}

/*
 * seoulchain.remove_witnessed_log(origin text) -> void
 *
 * Forgets every key of the log, so that its requests are answered with 404.
 * What was cosigned last stays, for the day when it is added again.
 * Privileges: seoulchain_operator.  Errors: UNDEFINED_OBJECT.
 */
Datum
sc_remove_witnessed_log(PG_FUNCTION_ARGS)
{
	char	   *origin = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Relation	rel = sc_internal_open("witnessed_log", ShareRowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	int			removed = 0;

	key_text(&key, SC_WITNESSED_LOG_ATTR_ORIGIN, origin);
	sc_internal_scan_begin(&scan, "witnessed_log", "witnessed_log_pkey", snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		CatalogTupleDelete(rel, &tuple->t_self);
		removed++;
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	if (removed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("this node does not witness \"%s\"", origin),
				 errhint("SELECT DISTINCT origin FROM seoulchain.witnessed_log lists the logs that it does.")));
	PG_RETURN_VOID();
}

/*
 * seoulchain.witness_key() -> text
 *
 * The witness's verifier key (C2SP tlog-cosignature, type 0x04; ECDSA under
 * the profile kcmvp); NULL while this node witnesses no log.  Privileges: PUBLIC.
 */
Datum
sc_witness_key(PG_FUNCTION_ARGS)
{
	char	   *key = sc_witness_key_find();

	if (key == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(key));
}
