/*
 * timestamp_sql.c
 *	  timestamp_request and add_timestamp: from a checkpoint to an authority and back.
 *
 * Invariant: a stored token was verified at its own time against registered
 * authorities, over the exact text of a checkpoint that was sealed and signed
 * here, and answers a request of the last day unless the operator says that
 * others asked for it.  Which tokens may be added is no matter of truth but
 * of order: a token proves the same whoever asked for it.
 *
 * Nothing leaves the server: posting the request is the caller's.
 * Effects: rows of timestamp_nonce and checkpoint_timestamp.
 * Locks: sc_timestamp_lock to the end of the transaction.
 * Source: RFC 3161; sign/timestamp.h verifies.
 */
#include "postgres.h"

#include "compat.h"
#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "seal/time_authority.h"
#include "seal/timestamp_store.h"
#include "core/text.h"
#include "sign/timestamp.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_request_timestamp);
PG_FUNCTION_INFO_V1(sc_add_timestamp);

/* the chain of the checkpoint; an error unless the checkpoint is one that was signed here */
static ScChain *
require_own(const ScCheckpoint *checkpoint, Snapshot snapshot)
{
	ListCell   *cell;
	ScChain    *chain = NULL;
	ScBlock		block;
	int64		height;

	foreach(cell, sc_chain_list())
	{
		if (strcmp(((ScChain *) lfirst(cell))->origin, checkpoint->origin) == 0)
			chain = lfirst(cell);
	}
	if (chain == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the checkpoint is of no chain of this database"),
				 errdetail("It is of \"%s\".", checkpoint->origin),
				 errhint("Give a text that seoulchain.checkpoint() returned here.")));
	if (!sc_signature_by_size(chain->chain_id, (int64) checkpoint->size, snapshot, &height) ||
		!sc_block_by_height(chain->chain_id, height, snapshot, &block))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("chain \"%s\" has no checkpoint of %llu leaves", chain->name, (unsigned long long) checkpoint->size),
				 errhint("SELECT tree_size FROM seoulchain.block WHERE chain = '%s' lists the sizes that there are.", chain->name)));
	if (memcmp(&block.root_hash, &checkpoint->root, sizeof(ScHash)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the checkpoint's root is not the one that chain \"%s\" has at %llu leaves",
						chain->name, (unsigned long long) checkpoint->size),
				 errhint("SELECT * FROM seoulchain.verify(NULL, checkpoint) tells whether today's chain extends it.")));
	return chain;
}

/* errors for a reason that is nobody's fault but memory's */
static void
require_memory(bool ok)
{
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
}

/*
 * seoulchain.timestamp_request(checkpoint text DEFAULT seoulchain.checkpoint()) -> bytea
 *
 * An RFC 3161 request over SHA-256 of the checkpoint's text, with a random
 * nonce that is remembered for a day.  Privileges: seoulchain_operator.
 * Errors: INVALID_TEXT_REPRESENTATION for what is no checkpoint,
 * UNDEFINED_OBJECT and DATA_CORRUPTED for one that is not this database's.
 */
Datum
sc_request_timestamp(PG_FUNCTION_ARGS)
{
	ScCheckpoint checkpoint;
	ScNote	   *note = palloc(sizeof(ScNote));
	ScBuf		der = SC_BUF_INIT;
	uint8_t		nonce[SC_NONCE_LEN];
	ScChain    *chain;
	Snapshot	snapshot;
	bytea	   *result;
	bool		ok;

	PreventCommandIfReadOnly("seoulchain.timestamp_request()");
	sc_checkpoint_read(&checkpoint, note, PG_GETARG_TEXT_PP(0));
	sc_timestamp_lock();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	chain = require_own(&checkpoint, snapshot);
	UnregisterSnapshot(snapshot);

	ok = sc_timestamp_request(&der, nonce, note->text, note->textlen) == SC_TIME_OK && !der.failed;
	result = ok ? (bytea *) DatumGetPointer(sc_internal_bytea(der.data, der.len)) : NULL;
	sc_buf_free(&der);
	require_memory(ok);
	sc_nonce_insert(chain->chain_id, (int64) checkpoint.size, nonce, sizeof(nonce));
	PG_RETURN_BYTEA_P(result);
}

/* a token on its way into the table */
typedef struct Arrival
{
	ScHash		digest;
	ScTimeImprint imprint;
	ScChain    *chain;
	char	   *text;			/* the checkpoint that it has to be of */
	ScStoredTimestamp stamp;
	Snapshot	snapshot;
} Arrival;

/* what to do about a token that is refused */
static const char *
refusal_hint(ScTimeReason reason, ScCertReason cert)
{
	switch (reason)
	{
		case SC_TIME_MALFORMED:
			return "Give the authority's response as it came, or the token in it, in DER.";
		case SC_TIME_REFUSED:
			return "Ask again, or ask another authority.";
		case SC_TIME_NONCE:
			return "Send a new seoulchain.timestamp_request(), or say unasked => true for a token that others asked for.";
		case SC_TIME_IMPRINT:
			return "Send what seoulchain.timestamp_request() returns, unaltered.";
		case SC_TIME_AUTHORITY:
			if (cert == SC_CERT_UNKNOWN_AUTHORITY)
				return "If its word shall count here, register its certificate by seoulchain.add_time_authority().";
			return "Ask another authority.";
		default:
			return "Ask the authority for a token of RFC 3161 with SHA-256, or ask another authority.";
	}
}

/* the error for a token that is not taken; *found tells about its signer for SC_TIME_AUTHORITY */
static void SC_NORETURN
refuse(ScTimeReason reason, const ScTimestamp *found, const char *detail)
{
	ScCertReason cert = reason == SC_TIME_AUTHORITY ? found->authority.reason : SC_CERT_OK;

	require_memory(reason != SC_TIME_NO_MEMORY);
	if (reason == SC_TIME_AUTHORITY)
		detail = psprintf("\"%s\", issued by \"%s\", at %s: %s.", found->authority.subject, found->authority.issuer,
						  timestamptz_to_str(time_t_to_timestamptz((pg_time_t) found->seconds)), sc_cert_reason_text(cert));
	ereport(ERROR,
			(errcode(reason == SC_TIME_MALFORMED ? ERRCODE_INVALID_BINARY_REPRESENTATION : ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the timestamp is refused: %s", sc_time_reason_text(reason)),
			 detail ? errdetail("%s", detail) : 0,
			 errhint("%s", refusal_hint(reason, cert))));
}

/* what the authority said instead of a token, as a detail; NULL when nothing */
static char *
refusal_words(const bytea *given)
{
	ScBuf		words = SC_BUF_INIT;
	char	   *result = NULL;

	sc_timestamp_refusal(&words, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));
	if (!words.failed && words.len > 0 && sc_text_utf8_ok(words.data, words.len))
		result = psprintf("The authority says: %.*s.", (int) words.len, words.data);
	sc_buf_free(&words);
	return result;
}

/* takes the bare token, its digest and what it claims out of what was given */
static void
unpack(Arrival *arrival, const bytea *given)
{
	ScBuf		der = SC_BUF_INIT;
	ScTimeReason reason = sc_timestamp_token(&der, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));

	if (reason == SC_TIME_OK)
		reason = sc_timestamp_imprint(&arrival->imprint, der.data, der.len);
	if (reason == SC_TIME_OK)
	{
		sc_hash_bytes(&arrival->digest, der.data, der.len);
		arrival->stamp.token = DatumGetByteaP(sc_internal_bytea(der.data, der.len));
	}
	sc_buf_free(&der);
	if (reason != SC_TIME_OK)
		refuse(reason, NULL, reason == SC_TIME_REFUSED ? refusal_words(given) : NULL);
}

/* the text of a signed checkpoint of the chain, or NULL when there is none of that size */
static char *
checkpoint_text(const ScChain *chain, int64 tree_size, Snapshot snapshot)
{
	int64		height;
	ScBlock		block;

	if (!sc_signature_by_size(chain->chain_id, tree_size, snapshot, &height) ||
		!sc_block_by_height(chain->chain_id, height, snapshot, &block))
		return NULL;
	return sc_checkpoint_text(chain->origin, tree_size, &block.root_hash);
}

/* looks for the checkpoint that a token nobody asked for is of, the newest first */
static bool
search_chain(Arrival *arrival, ScChain *chain)
{
	ScBlock		block;
	int64		height;
	int64		size;

	if (!sc_signature_find(chain->chain_id, -1, arrival->snapshot, &height, &size, NULL))
		return false;
	for (; height >= 0; height--)
	{
		char	   *text;

		CHECK_FOR_INTERRUPTS();
		if (!sc_block_by_height(chain->chain_id, height, arrival->snapshot, &block))
			continue;
		text = sc_checkpoint_text(chain->origin, block.tree_size, &block.root_hash);
		pfree(block.members);
		if (sc_timestamp_imprint_is_of(&arrival->imprint, text, strlen(text)))
		{
			arrival->chain = chain;
			arrival->text = text;
			arrival->stamp.tree_size = block.tree_size;
			return true;
		}
		pfree(text);
	}
	return false;
}

/* finds the checkpoint by the request that the token answers */
static bool
find_asked(Arrival *arrival)
{
	int32		chain_id;
	int64		tree_size;

	if (arrival->imprint.noncelen == 0 ||
		!sc_nonce_take(arrival->imprint.nonce, arrival->imprint.noncelen, arrival->snapshot, &chain_id, &tree_size))
		return false;
	arrival->chain = sc_chain_by_id(chain_id, false);
	arrival->text = checkpoint_text(arrival->chain, tree_size, arrival->snapshot);
	arrival->stamp.tree_size = tree_size;
	if (arrival->text == NULL ||
		!sc_timestamp_imprint_is_of(&arrival->imprint, arrival->text, strlen(arrival->text)))
		refuse(SC_TIME_IMPRINT, NULL, psprintf("The request was for the checkpoint of chain \"%s\" with " INT64_FORMAT " leaves.",
											   arrival->chain->name, tree_size));
	return true;
}

/* finds the checkpoint of a token, or refuses it */
static void
find_checkpoint(Arrival *arrival, bool unasked)
{
	ListCell   *cell;

	if (find_asked(arrival))
		return;
	if (!unasked)
		refuse(SC_TIME_NONCE, NULL, arrival->imprint.noncelen == 0 ? "It repeats no nonce." :
			   "Its nonce is none that was sent in the last day and not answered.");
	foreach(cell, sc_chain_list())
	{
		if (search_chain(arrival, lfirst(cell)))
			return;
	}
	refuse(SC_TIME_IMPRINT, NULL, "No signed checkpoint of this database has its hash.");
}

/* verifies the token over its checkpoint */
static void
verify_token(Arrival *arrival)
{
	ScAuthorities *authorities = sc_time_authorities(arrival->snapshot);
	ScTimestamp *found = palloc(sizeof(ScTimestamp));
	bytea	   *token = arrival->stamp.token;
	ScTimeReason reason = sc_timestamp_verify(found, authorities, VARDATA(token), VARSIZE(token) - VARHDRSZ,
											  arrival->text, strlen(arrival->text),
											  arrival->imprint.nonce, arrival->imprint.noncelen);

	if (reason != SC_TIME_OK)
		refuse(reason, found, NULL);
	arrival->stamp.chain_id = arrival->chain->chain_id;
	sc_timestamp_times(&arrival->stamp, found);
	arrival->stamp.authority = sc_time_authority_name(&found->authority.authority, arrival->snapshot);
	if (arrival->stamp.authority == NULL)
		elog(ERROR, "the chain of \"%s\" ends in no registered certificate", found->authority.subject);
}

/*
 * seoulchain.add_timestamp(token bytea, unasked boolean DEFAULT false)
 *		-> record (chain text, tree_size bigint, "time" timestamptz)
 *
 * Takes an authority's response, or the bare token, verifies it and keeps the
 * token; one that is kept already changes nothing.  Unasked, its nonce does
 * not count and the checkpoint is looked for by its hash.  Privileges:
 * seoulchain_operator.  Errors: INVALID_PARAMETER_VALUE, one message for each
 * reason; INVALID_BINARY_REPRESENTATION for what is no token.
 */
Datum
sc_add_timestamp(PG_FUNCTION_ARGS)
{
	Arrival		arrival = {0};
	TupleDesc	tupdesc;
	Datum		values[3];
	bool		nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PreventCommandIfReadOnly("seoulchain.add_timestamp()");
	unpack(&arrival, PG_GETARG_BYTEA_PP(0));
	sc_timestamp_lock();
	arrival.snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (sc_timestamp_find(&arrival.digest, arrival.snapshot, &arrival.stamp))
		arrival.chain = sc_chain_by_id(arrival.stamp.chain_id, false);
	else
	{
		find_checkpoint(&arrival, PG_GETARG_BOOL(1));
		verify_token(&arrival);
		sc_timestamp_insert(&arrival.digest, &arrival.stamp);
	}
	UnregisterSnapshot(arrival.snapshot);

	values[0] = CStringGetTextDatum(arrival.chain->name);
	values[1] = Int64GetDatum(arrival.stamp.tree_size);
	values[2] = TimestampTzGetDatum(arrival.stamp.time);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
