/*
 * rotate.c
 *	  Having another key follow a log key or the cosigner key.
 *
 * The worker makes the new key and has both keys sign the statement
 * (sign/rotation.h); the session records the event and the registry's rows in
 * its own transaction.  Rolled back, nothing has happened but that a key
 * lies unused in the folder.  Committed, the old key still signs up to the
 * block that holds the event, together with the new one (key_history.c).
 *
 * Invariant: a chain's rotations are one after the other: one is recorded only
 * when the block of the last one is signed.
 *
 * Locks: ShareRowExclusiveLock on seoulchain.rotation to the end of the
 * transaction, so prepared ones too hold up the next rotation; for the
 * cosigner key also on node and chain, so that no chain comes unseen.
 */
#include "postgres.h"

#include <time.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "fmgr.h"
#include "ledger/error.h"
#include "ledger/journal.h"
#include "ledger/registry_tables.h"
#include "seal/block.h"
#include "seal/internal_scan.h"
#include "seal/key_history.h"
#include "seal/node.h"
#include "seal/rotate.h"
#include "seal/shmem.h"
#include "sign/rotation.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_rotate_log_key);
PG_FUNCTION_INFO_V1(sc_rotate_cosigner_key);

void
sc_key_sign_text(ScBuf *line, ScKeyRole role, const char *key_text, const char *text, size_t len, const char *what)
{
	ScVerifierKey wanted;
	ScSigningKey key;

	sc_key_parse(&wanted, key_text);
	sc_key_file_load(&key, role, &wanted);
	PG_TRY();
	{
		ScStatus	status;

		if (key.uri[0] != '\0')
			sc_hardware_key_open(&key);
		status = sc_key_sign_note(line, &key, text, len, (uint64) time(NULL));
		if (status != SC_OK && status != SC_NO_MEMORY && key.uri[0] != '\0')
			sc_hardware_key_report(&key);
		sc_status_report(status, what);
	}
	PG_FINALLY();
	{
		sc_key_wipe(&key);
	}
	PG_END_TRY();
}

/* worker: appends one key's line under the statement, without its newline */
static void
sign_statement(ScBuf *line, ScKeyRole role, const char *key, const ScBuf *statement)
{
	sc_key_sign_text(line, role, key, statement->data, statement->len, "change of key");
	line->len--;
}

char *
sc_rotation_sign(ScKeyRole role, const char *origin, const char *keys)
{
	const char *space = strchr(keys, ' ');
	char	   *old_key;
	const char *new_key;
	ScBuf		statement = SC_BUF_INIT;
	ScBuf		old_line = SC_BUF_INIT;
	ScBuf		new_line = SC_BUF_INIT;
	ScBuf		event = SC_BUF_INIT;
	char	   *volatile result = NULL;

	if (space == NULL)
		elog(ERROR, "a change of key needs two keys");
	old_key = pnstrdup(keys, space - keys);
	new_key = space + 1;
	PG_TRY();
	{
		sc_rotation_text(&statement, origin, old_key, new_key);
		if (statement.failed)
			sc_status_report(SC_NO_MEMORY, "change of key");
		sign_statement(&old_line, role, old_key, &statement);
		sign_statement(&new_line, role, new_key, &statement);
		if (sc_buf_cstr(&old_line) && sc_buf_cstr(&new_line))
			sc_rotation_event(&event, old_key, new_key, old_line.data, new_line.data);
		if (sc_buf_cstr(&event) == NULL || event.len == 0)
			sc_status_report(SC_NO_MEMORY, "change of key");
		result = pstrdup(event.data);
	}
	PG_FINALLY();
	{
		sc_buf_free(&statement);
		sc_buf_free(&old_line);
		sc_buf_free(&new_line);
		sc_buf_free(&event);
	}
	PG_END_TRY();
	return result;
}

char *
sc_key_request(int kind, ScKeyRole role, const char *name, const char *request)
{
	ScMail		mail;

	sc_chain_require_unlocked();
	memset(&mail, 0, sizeof(mail));
	mail.kind = (ScMailKind) kind;
	mail.key_role = role;
	strlcpy(mail.name, name, sizeof(mail.name));
	if (strlcpy(mail.request, request, sizeof(mail.request)) >= sizeof(mail.request))
		elog(ERROR, "request of %zu bytes to the worker is too long", strlen(request));
	sc_mail_call(&mail);
	return pstrdup(mail.text);
}

/* the key in force; errors unless whatever was rotated before is signed */
static char *
settled_key(const ScChain *chain, ScKeyRole role, List **epochs)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScKeyEpoch *last;
	int64		height;
	int64		size = 0;

	*epochs = sc_key_epochs(chain, role, snapshot);
	last = llast(*epochs);
	(void) sc_signature_find(chain->chain_id, -1, snapshot, &height, &size, NULL);
	UnregisterSnapshot(snapshot);
	if (last->seq > 0 && last->leaf >= size)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the last change of this key is not signed yet"),
				 errdetail("It is the event with ledger_seq " INT64_FORMAT " of chain \"%s\".", last->seq, chain->name),
				 errhint("Commit it, and run SELECT seoulchain.seal('%s'), which waits for the signatures.", chain->name)));
	return last->key;
}

/* errors if the key is the present one, or has signed for the chain before */
static void
require_new(List *epochs, const char *old_key, const char *new_key)
{
	ListCell   *lc;

	/* a node without chains has no history, but a key */
	if (strcmp(old_key, new_key) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("this key is in force already"),
				 errdetail("It is \"%s\".", new_key),
				 errhint("Name another key of the token.")));
	foreach(lc, epochs)
		if (strcmp(((ScKeyEpoch *) lfirst(lc))->key, new_key) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("this key has signed for the chain before"),
					 errdetail("It is \"%s\".", new_key),
					 errhint("A key that was replaced does not come back: make another.")));
}

/* the event's text as an ScBuf, checked: what the worker sends is what others will have to believe */
static void
take_event(ScBuf *event, const char *text, const char *origin)
{
	ScJson	   *json;
	ScRotation *rotation = palloc(sizeof(ScRotation));
	ScStatus	status = sc_json_parse(&json, text, strlen(text));

	if (status == SC_OK)
	{
		status = sc_rotation_parse(rotation, json);
		sc_json_free(json);
	}
	if (status == SC_OK)
		status = sc_rotation_verify(rotation, origin);
	sc_status_report(status, "change of key");
	pfree(rotation);
	sc_buf_string(event, text);
	if (event->failed)
		sc_status_report(SC_NO_MEMORY, "change of key");
}

/* records on a chain that the new key follows the old one */
static void
record_rotation(const ScChain *chain, ScKeyRole role, const char *old_key, const char *new_key)
{
	char	   *text = sc_key_request(SC_MAIL_ROTATION, role, chain->origin, psprintf("%s %s", old_key, new_key));
	ScBuf		event = SC_BUF_INIT;
	int64		seq;

	take_event(&event, text, chain->origin);
	seq = sc_event_record(chain, SC_TABLE_EVENTS, NULL, &event);
	sc_buf_free(&event);
	sc_rotation_insert(chain->chain_id, seq, old_key, new_key);
}

/* replaces a text column of a table's only row that the keys find */
static void
update_key(const char *table, const char *index, ScanKeyData *keys, int nkeys, int natts, AttrNumber attno, const char *key)
{
	Relation	rel = sc_internal_open(table, RowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	Datum	   *values = palloc0(natts * sizeof(Datum));
	bool	   *nulls = palloc0(natts * sizeof(bool));
	bool	   *replace = palloc0(natts * sizeof(bool));

	sc_internal_scan_begin(&scan, table, index, snapshot, keys, nkeys);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "seoulchain.%s has no row for the key", table);
	values[attno - 1] = CStringGetTextDatum(key);
	replace[attno - 1] = true;
	tuple = heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replace);
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

void
sc_rotation_set_log_key(const ScChain *chain, const char *new_key)
{
	ScanKeyData key;

	sc_key_int4(&key, SC_CHAIN_ATTR_ID, chain->chain_id);
	update_key("chain", "chain_pkey", &key, 1, SC_CHAIN_NATTS, SC_CHAIN_ATTR_LOG_KEY, new_key);
}

/* errors unless the chain has a key that can be rotated here */
static void
require_signed_chain(const ScChain *chain)
{
	sc_chain_require_open(chain);
	if (chain->log_key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" has no key", chain->name),
				 errdetail("It was made before this database became a node, so it stays unnamed.")));
}

/*
 * seoulchain.rotate_log_key(chain text, key text DEFAULT NULL) -> text
 *
 * Has a new key follow the chain's log key: one that the worker makes as the
 * profile wants it, or the one in hardware that the pkcs11: URI names.
 * Records the event that both sign; returns the new verifier key.
 * Privileges: seoulchain_operator.  Errors: UNDEFINED_OBJECT;
 * OBJECT_NOT_IN_PREREQUISITE_STATE for a closed or unnamed chain, or while an
 * earlier rotation is not signed; what keys and token give cause for.
 */
Datum
sc_rotate_log_key(PG_FUNCTION_ARGS)
{
	ScChain    *chain;
	char	   *uri;
	char	   *old_key;
	char	   *new_key;
	List	   *epochs;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	uri = sc_hardware_uri_argument(fcinfo, 1);
	table_close(sc_internal_open("rotation", ShareRowExclusiveLock), NoLock);
	chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	require_signed_chain(chain);
	old_key = settled_key(chain, SC_ROLE_LOG, &epochs);
	new_key = sc_key_request(SC_MAIL_MAKE_NEXT_KEY, SC_ROLE_LOG, chain->origin, uri);
	require_new(epochs, old_key, new_key);
	record_rotation(chain, SC_ROLE_LOG, old_key, new_key);
	sc_rotation_set_log_key(chain, new_key);
	PG_RETURN_TEXT_P(cstring_to_text(new_key));
}

/* the chains that the node's cosigner key signs for; errors when one of them cannot be told */
static List *
signed_chains(void)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, sc_chain_list())
	{
		ScChain    *chain = lfirst(lc);

		if (chain->log_key == NULL || chain->copy)
			continue;
		sc_chain_require_open(chain);
		result = lappend(result, chain);
	}
	return result;
}

/*
 * seoulchain.rotate_cosigner_key(key text DEFAULT NULL) -> text
 *
 * Has a new key follow the node's cosigner key, on every chain of the node.
 * Privileges and errors as above.
 */
Datum
sc_rotate_cosigner_key(PG_FUNCTION_ARGS)
{
	char	   *uri = sc_hardware_uri_argument(fcinfo, 0);
	char	   *old_key = NULL;
	char	   *new_key;
	char	   *node;
	List	   *chains;
	List	   *epochs = NIL;
	ListCell   *lc;

	/* rotation first, as in sc_rotate_log_key, which then writes to chain */
	table_close(sc_internal_open("rotation", ShareRowExclusiveLock), NoLock);
	table_close(sc_internal_open("node", ShareRowExclusiveLock), NoLock);
	table_close(sc_internal_open("chain", ShareRowExclusiveLock), NoLock);
	node = sc_node_name(&old_key);
	if (node == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database is no node"),
				 errhint("SELECT seoulchain.create_node('<network>/<node>') makes it one, with a key.")));
	chains = signed_chains();
	foreach(lc, chains)
	{
		List	   *some;

		(void) settled_key(lfirst(lc), SC_ROLE_COSIGNER, &some);
		epochs = list_concat(epochs, some);
	}
	new_key = sc_key_request(SC_MAIL_MAKE_NEXT_KEY, SC_ROLE_COSIGNER, node, uri);
	require_new(epochs, old_key, new_key);
	foreach(lc, chains)
		record_rotation(lfirst(lc), SC_ROLE_COSIGNER, old_key, new_key);
	update_key("node", "node_pkey", NULL, 0, SC_NODE_NATTS, SC_NODE_ATTR_COSIGNER_KEY, new_key);
	PG_RETURN_TEXT_P(cstring_to_text(new_key));
}
