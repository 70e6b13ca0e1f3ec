/*
 * seal_sql.c
 *	  The functions by which people seal and look at what was sealed.
 *
 * Invariant: seal() writes nothing; checkpoint() shows signed blocks only.
 * What they read is the newest committed state, whatever snapshot the
 * calling transaction has.
 */
#include "postgres.h"

#include "compat.h"
#include "access/tableam.h"
#include "access/table.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/journal.h"
#include "ledger/journal_table.h"
#include "ledger/recorder.h"
#include "ledger/registry.h"
#include "ledger/sequence.h"
#include "miscadmin.h"
#include "seal/block.h"
#include "seal/final.h"
#include "seal/internal_scan.h"
#include "seal/resume.h"
#include "seal/seal.h"
#include "seal/shmem.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_seal);
PG_FUNCTION_INFO_V1(sc_checkpoint);
PG_FUNCTION_INFO_V1(sc_root_hash);
PG_FUNCTION_INFO_V1(sc_resume_signing);
PG_FUNCTION_INFO_V1(sc_seal_status);

/* chains that this session wrote and whose seal() has not come back yet */
static List *written_chains = NIL;

/* has the session committed leaves on the chain since a seal() of it succeeded? */
static bool
session_wrote(int32 chain_id)
{
	MemoryContext old;

	if (!sc_recorder_session_wrote(chain_id))
		return list_member_int(written_chains, chain_id);
	old = MemoryContextSwitchTo(TopMemoryContext);
	written_chains = list_append_unique_int(written_chains, chain_id);
	MemoryContextSwitchTo(old);
	return true;
}

/*
 * seoulchain.seal(chain text DEFAULT 'main') -> bigint
 *
 * Asks the worker to seal now and waits until everything committed before
 * the call is sealed, flushed and signed; the caller's own open transaction
 * is not in it.  Returns the height of the last block; NULL when the worker
 * found nothing new and this session has committed nothing on the chain
 * since its last seal().  Privileges: seoulchain_operator.  Errors:
 * UNDEFINED_OBJECT; OBJECT_NOT_IN_PREREQUISITE_STATE for a closed chain,
 * suspended signing or no worker; what made sealing fail.
 */
Datum
sc_seal(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	ScMail		mail;
	bool		wrote;

	sc_chain_require_open(chain);
	sc_chain_require_unlocked();
	sc_sequence_gate(chain->chain_id);
	wrote = session_wrote(chain->chain_id);
	memset(&mail, 0, sizeof(mail));
	mail.kind = SC_MAIL_SEAL;
	mail.chain_id = chain->chain_id;
	sc_mail_call(&mail);
	written_chains = list_delete_int(written_chains, chain->chain_id);
	if (mail.height < 0 || (!mail.found && !wrote))
		PG_RETURN_NULL();
	PG_RETURN_INT64(mail.height);
}

/* errors about a block that is not there to be shown */
static void
report_no_checkpoint(const ScChain *chain, int64 height, Snapshot snapshot)
{
	ScBlock		block;

	if (height >= 0 && !sc_block_by_height(chain->chain_id, height, snapshot, &block))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("chain \"%s\" has no block " INT64_FORMAT, chain->name, height),
				 errhint("SELECT max(height) FROM seoulchain.block WHERE chain = '%s';", chain->name)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 height >= 0 ?
			 errmsg("block " INT64_FORMAT " of chain \"%s\" is not signed yet", height, chain->name) :
			 errmsg("chain \"%s\" has no signed block yet", chain->name),
			 errhint("Run seoulchain.seal('%s').", chain->name)));
}

/*
 * seoulchain.checkpoint(chain text DEFAULT 'main', height bigint DEFAULT NULL,
 *						 final boolean DEFAULT false) -> text
 *
 * The signed note (C2SP signed-note, tlog-checkpoint) of a block, the newest
 * signed one when height is NULL, with the cosignatures that are known here.
 * With final: the newest, or that one, which satisfies the policy in force.
 * Privileges: PUBLIC.  Errors: UNDEFINED_OBJECT;
 * OBJECT_NOT_IN_PREREQUISITE_STATE when no block is signed yet, or for final
 * without a policy or without its quorum, naming the witnesses missing.
 */
Datum
sc_checkpoint(PG_FUNCTION_ARGS)
{
	ScChain    *chain;
	int64		height = PG_ARGISNULL(1) ? -1 : PG_GETARG_INT64(1);
	ScFinal		shown;
	ScBlock		block;
	Snapshot	snapshot;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	if (!PG_ARGISNULL(1) && height < 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a block's height is not negative"),
				 errdetail("The height given is " INT64_FORMAT ".", height),
				 errhint("SELECT max(height) FROM seoulchain.block WHERE chain = '%s';", chain->name)));

	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (!sc_signature_find(chain->chain_id, height, snapshot, &shown.height, &shown.size, &shown.lines))
		report_no_checkpoint(chain, height, snapshot);
	if (PG_GETARG_BOOL(2))
		sc_final_hook(chain, height, 0, snapshot, &shown);
	else
		shown.lines = sc_note_lines_hook(chain, shown.height, shown.lines, snapshot);
	if (!sc_block_by_height(chain->chain_id, shown.height, snapshot, &block))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("block " INT64_FORMAT " of chain \"%s\" is missing", shown.height, chain->name),
				 errhint("Run seoulchain.verify() and repair the chain from a copy.")));
	UnregisterSnapshot(snapshot);
	PG_RETURN_TEXT_P(cstring_to_text(sc_checkpoint_note(chain->origin, shown.size, &block.root_hash, shown.lines)));
}

/*
 * seoulchain.root_hash(chain text, tree_size bigint) -> bytea
 *
 * MTH(D[0:tree_size]) (RFC 6962 section 2.1), read from the stored tree.
 * Privileges: PUBLIC.  Errors: UNDEFINED_OBJECT; NUMERIC_VALUE_OUT_OF_RANGE
 * for a size that the chain does not have.
 */
Datum
sc_root_hash(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	int64		size = PG_GETARG_INT64(1);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScBlock		last;
	int64		have = sc_block_last(chain->chain_id, snapshot, &last) ? last.tree_size : 0;
	ScHash		root;
	bytea	   *result = palloc(VARHDRSZ + SC_HASH_LEN);

	if (size < 0 || size > have)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("chain \"%s\" has no tree of " INT64_FORMAT " leaves", chain->name, size),
				 errdetail("It has " INT64_FORMAT " leaves.", have),
				 errhint("Give a size from 0 to " INT64_FORMAT ".", have)));
	sc_tree_root(chain->chain_id, size, snapshot, &root);
	UnregisterSnapshot(snapshot);
	SET_VARSIZE(result, VARHDRSZ + SC_HASH_LEN);
	memcpy(VARDATA(result), root.bytes, SC_HASH_LEN);
	PG_RETURN_BYTEA_P(result);
}

/*
 * seoulchain.resume_signing(chain text) -> void
 *
 * Lets a chain whose signing is suspended sign again, by a recorded event:
 * the operator answers for it that no other copy of this chain signs, and
 * that what was signed before is not contradicted.  Privileges:
 * seoulchain_operator.  Errors: UNDEFINED_OBJECT;
 * OBJECT_NOT_IN_PREREQUISITE_STATE when the chain is closed, has no key, or
 * its signing is not suspended.
 */
Datum
sc_resume_signing(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	ScSealChainState state;
	ScMail		mail;
	ScBuf		event = SC_BUF_INIT;

	sc_chain_require_open(chain);
	sc_chain_state_get(chain->chain_id, &state);
	if (chain->log_key == NULL || state.signing != SC_SIGNING_SUSPENDED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("signing of chain \"%s\" is not suspended", chain->name),
				 errhint("See seoulchain.seal_status.")));
	sc_chain_require_unlocked();
	memset(&mail, 0, sizeof(mail));
	mail.kind = SC_MAIL_MEMORY;
	strlcpy(mail.name, chain->origin, sizeof(mail.name));
	sc_mail_call(&mail);
	sc_resume_event(&event, mail.text, state.suspended_why);
	if (event.failed)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	(void) sc_event_record(chain, SC_TABLE_EVENTS, NULL, &event);
	sc_buf_free(&event);
	PG_RETURN_VOID();
}

/* does a committed row wait for the chain in a journal, through the index if it has one? */
static bool
waits_in(const char *journal, const char *index, int32 chain_id, Snapshot snapshot)
{
	Relation	rel = sc_internal_open(journal, AccessShareLock);
	Oid			indexid = index != NULL ? sc_registry_relation(index) : InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	bool		result;

	sc_key_int4(&key, SC_JOURNAL_ATTR_CHAIN_ID, chain_id);
	scan = systable_beginscan(rel, indexid, OidIsValid(indexid), snapshot, 1, &key);
	result = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* does a committed journal row wait for the chain? */
static bool
journal_waits(int32 chain_id, Snapshot snapshot)
{
	return waits_in(sc_journal_name(false), NULL, chain_id, snapshot) ||
		waits_in(sc_journal_name(true), SC_JOURNAL_COPY_INDEX, chain_id, snapshot);
}

/* what the status says of signing */
static char *
signing_text(const ScChain *chain, const ScSealChainState *state)
{
	if (chain->log_key == NULL)
		return pstrdup("none");
	if (state->signing == SC_SIGNING_SUSPENDED)
		return psprintf("suspended: %s", state->suspended_why);
	if (chain->copy)
		return pstrdup("copy");
	return pstrdup(state->signing == SC_SIGNING_ON ? "on" : "unknown");
}

#define SC_STATUS_NATTS 13

/* one chain's row of the status */
static void
status_row(ReturnSetInfo *rsinfo, const ScChain *chain, Snapshot snapshot)
{
	Datum		values[SC_STATUS_NATTS] = {0};
	bool		nulls[SC_STATUS_NATTS] = {false};
	ScSealChainState state;
	ScBlock		last;
	int64		signed_height;
	int64		signed_size;

	sc_chain_state_get(chain->chain_id, &state);
	values[0] = CStringGetTextDatum(chain->name);
	values[1] = BoolGetDatum(sc_chain_is_open(chain));
	if (sc_block_last(chain->chain_id, snapshot, &last))
	{
		values[2] = Int64GetDatum(last.height);
		values[3] = Int64GetDatum(last.tree_size);
		values[4] = TimestampTzGetDatum(last.sealed_at);
	}
	else
		nulls[2] = nulls[3] = nulls[4] = true;
	nulls[5] = !sc_signature_find(chain->chain_id, -1, snapshot, &signed_height, &signed_size, NULL);
	if (!nulls[5])
		values[5] = Int64GetDatum(signed_height);
	values[6] = BoolGetDatum(journal_waits(chain->chain_id, snapshot));
	values[7] = CStringGetTextDatum(signing_text(chain, &state));
	nulls[8] = nulls[9] = state.last_error_at == 0;
	values[8] = CStringGetTextDatum(state.last_error);
	values[9] = TimestampTzGetDatum(state.last_error_at);
	nulls[10] = state.failing_since == 0;
	values[10] = TimestampTzGetDatum(state.failing_since);
	values[11] = Int32GetDatum(state.attempts);
	nulls[12] = state.waiting_why[0] == '\0';
	values[12] = CStringGetTextDatum(state.waiting_why);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * seoulchain.seal_status() -> SETOF record; the view seal_status
 *
 * Every chain of the database: how far it is sealed and signed, and what
 * went wrong last.  Privileges: seoulchain_auditor, seoulchain_operator.
 */
Datum
sc_seal_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, sc_chain_list())
		status_row(rsinfo, lfirst(lc), snapshot);
	UnregisterSnapshot(snapshot);
	return (Datum) 0;
}
