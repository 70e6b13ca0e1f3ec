/*
 * wait_for_seal.c
 *	  wait_for_seal: the receipt of a row that was just committed.
 *
 * Invariant: it looks with snapshots of its own, newer than the caller's
 * transaction may have, so it finds the block also in REPEATABLE READ; it
 * never waits for what cannot come: for a row that the waiting transaction
 * itself has inserted, for a chain that is closed, for sealing that fails or
 * signing that is suspended, it errors at once and says why.
 *
 * Privileges: whoever may SELECT the row (locate.c).  Where the worker seals
 * only when it is asked (seal_interval 0), it is asked for operators, as by
 * seal(); others wait until somebody asks.
 * Effects: none; it writes nothing.  Locks: AccessShareLock on the table.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "proof/locate.h"
#include "proof/receipt.h"
#include "seal/block.h"
#include "seal/seal.h"
#include "seal/shmem.h"
#include "seal/timestamp_store.h"
#include "seal/tree_store.h"
#include "seal/wait.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_wait_for_seal);

/* the newest state, and what the running command has inserted */
static Snapshot
begin_look(void)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	snapshot->curcid = InvalidCommandId;
	PushActiveSnapshot(snapshot);
	return snapshot;
}

static void
end_look(Snapshot snapshot)
{
	PopActiveSnapshot();
	UnregisterSnapshot(snapshot);
}

/* errors for a row that this very transaction has inserted */
static void
require_committed(const ScRowPlace *place)
{
	bool		isnull;
	TransactionId xmin = DatumGetTransactionId(slot_getsysattr(place->slot, MinTransactionIdAttributeNumber, &isnull));

	if (!TransactionIdIsCurrentTransactionId(xmin))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("row with ledger_seq %lld of \"%s\" is not committed yet",
					(long long) place->ledger_seq, RelationGetRelationName(place->rel)),
			 errdetail("The waiting transaction itself has inserted it, and what is sealed was committed before."),
			 errhint("Commit, then call seoulchain.wait_for_seal() in a transaction of its own.")));
}

/* errors when the row's block cannot come, or not be signed, as the worker met it last */
static void
require_hope(const ScChain *chain, bool sealed)
{
	ScSealChainState state;

	sc_chain_state_get(chain->chain_id, &state);
	if (!sealed && state.failing_since != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" cannot be sealed at present: %s", chain->name, state.last_error),
				 errdetail("It has failed since %s, %d times.", timestamptz_to_str(state.failing_since), state.attempts),
				 errhint("No row is lost: the worker tries again. Wait again when the reason is gone.")));
	if (sealed && state.signing == SC_SIGNING_SUSPENDED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("signing of chain \"%s\" is suspended: %s", chain->name, state.suspended_why),
				 errdetail("The row is sealed; its block has no signature."),
				 errhint("An operator finds more in seoulchain.seal_status. Wait again when it signs.")));
}

/* what is waited for */
typedef struct Awaited
{
	const ScChain *chain;
	int64		ledger_seq;
	bool		asked;			/* the worker tries at once: what it met before does not count */
} Awaited;

/* is the row's block signed?  An error when it will not be. */
static bool
is_signed(void *arg, bool news)
{
	const Awaited *awaited = arg;
	int32		chain_id = awaited->chain->chain_id;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	int64		leaf = sc_member_leaf_index(chain_id, awaited->ledger_seq, snapshot);
	int64		height;
	int64		size;
	bool		done = leaf >= 0 && sc_signature_find(chain_id, -1, snapshot, &height, &size, NULL) && size > leaf;

	UnregisterSnapshot(snapshot);
	if (!done && (news || !awaited->asked))
		require_hope(awaited->chain, leaf >= 0);
	return done;
}

/* may the caller make the worker seal? */
static bool
caller_is_operator(void)
{
	Oid			role = get_role_oid("seoulchain_operator", true);

	return superuser() || (OidIsValid(role) && has_privs_of_role(GetUserId(), role));
}

/* errors when nobody seals the chain here */
static void
require_sealing(const ScChain *chain)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("a standby seals and signs nothing"),
				 errdetail("The row's block is not signed yet, or has not arrived here."),
				 errhint("Wait on the primary.")));
	sc_chain_require_open(chain);
	sc_chain_require_unlocked();
}

/* waits until the row's block is signed; false when the time is over */
static bool
wait_signed(const ScRowPlace *place, TimestampTz deadline)
{
	Awaited		awaited = {place->chain, place->ledger_seq, true};

	if (is_signed(&awaited, false))
		return true;
	require_sealing(place->chain);
	awaited.asked = sc_seal_interval == 0 && caller_is_operator();
	return sc_seal_wait(place->chain->chain_id, is_signed, &awaited, deadline, awaited.asked);
}

/* when the caller's patience ends */
static TimestampTz
deadline_of(Interval *timeout)
{
	static const Interval zero = {0};
	static const Interval longest = {.month = 1000 * MONTHS_PER_YEAR};

	/* what lies beyond the calendar means for ever */
	if (DatumGetBool(DirectFunctionCall2(interval_gt, IntervalPGetDatum(timeout), IntervalPGetDatum(&longest))))
		return DT_NOEND;
	if (DatumGetBool(DirectFunctionCall2(interval_lt, IntervalPGetDatum(timeout), IntervalPGetDatum(&zero))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("timeout must not be negative"),
				 errhint("'0 s' looks and does not wait.")));
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(GetCurrentTimestamp()),
												   IntervalPGetDatum(timeout)));
}

/* the tokens as an array */
static Datum
token_array(List *stamps)
{
	Datum	   *tokens = palloc(Max(list_length(stamps), 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, stamps)
		tokens[n++] = PointerGetDatum(((ScStoredTimestamp *) lfirst(cell))->token);
	return PointerGetDatum(construct_array(tokens, n, BYTEAOID, -1, false, TYPALIGN_INT));
}

/*
 * The receipt, and the tokens over its checkpoint.  Of the checkpoints that
 * hold the row, the first one that is stamped says most about time.
 */
static void
make_answer(Oid relid, int64 ledger_seq, Datum *values)
{
	Snapshot	snapshot = begin_look();
	ScRowPlace	place;
	List	   *stamps;
	int64		size = 0;
	int64		height;

	sc_row_locate(&place, relid, ledger_seq, snapshot);
	stamps = sc_timestamps_covering(place.chain->chain_id, place.leaf_index, snapshot);
	if (stamps != NIL)
		size = ((ScStoredTimestamp *) linitial(stamps))->tree_size;
	/* a stamp that somebody wrote beside the functions must not keep the row from its receipt */
	if (size != 0 && !sc_signature_by_size(place.chain->chain_id, size, snapshot, &height))
	{
		size = 0;
		stamps = NIL;
	}
	values[0] = PointerGetDatum(sc_receipt_text(&place, size, snapshot));
	values[1] = token_array(stamps);
	sc_row_done(&place);
	end_look(snapshot);
}

/*
 * seoulchain.wait_for_seal(relation regclass, ledger_seq bigint, timeout interval DEFAULT '10 s')
 *		returns record (receipt text, timestamps bytea[])
 *
 * Waits until the row's block is signed and gives the receipt, with the
 * timestamp tokens over its checkpoint if there are any.  NULLs when the time
 * is over: that is no error, the row will be sealed.  Privileges: whoever may
 * SELECT the row.  Errors: NO_DATA_FOUND; OBJECT_NOT_IN_PREREQUISITE_STATE
 * when waiting is in vain, with the reason.
 */
Datum
sc_wait_for_seal(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	int64		ledger_seq = PG_GETARG_INT64(1);
	TimestampTz deadline = deadline_of(PG_GETARG_INTERVAL_P(2));
	Snapshot	snapshot;
	ScRowPlace	place;
	TupleDesc	tupdesc;
	Datum		values[2] = {0};
	bool		nulls[2] = {true, true};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	snapshot = begin_look();
	sc_row_locate(&place, relid, ledger_seq, snapshot);
	require_committed(&place);
	sc_row_done(&place);
	end_look(snapshot);

	if (wait_signed(&place, deadline))
	{
		make_answer(relid, ledger_seq, values);
		nulls[0] = nulls[1] = false;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
