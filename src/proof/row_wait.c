/*
 * row_wait.c
 *	  Waiting until as much is known of a committed row as the caller wants.
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

#include "proof/row_wait.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "compat.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "proof/locate.h"
#include "seal/block.h"
#include "seal/seal.h"
#include "seal/shmem.h"
#include "seal/tree_store.h"
#include "seal/wait.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

Snapshot
sc_look_begin(void)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	snapshot->curcid = InvalidCommandId;
	PushActiveSnapshot(snapshot);
	return snapshot;
}

void
sc_look_end(Snapshot snapshot)
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
			 errhint("Commit, then wait in a transaction of its own.")));
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
	ScRowReady	ready;
	bool		asked;			/* the worker tries at once: what it met before does not count */
} Awaited;

/* is the leaf in a signed block? */
static bool
is_signed(int32 chain_id, int64 leaf, Snapshot snapshot)
{
	int64		height;
	int64		size;

	return leaf >= 0 && sc_signature_find(chain_id, -1, snapshot, &height, &size, NULL) && size > leaf;
}

/* is as much known as is wanted?  An error when it will not be. */
static bool
look(void *arg, bool news)
{
	const Awaited *awaited = arg;
	int32		chain_id = awaited->chain->chain_id;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	int64		leaf = sc_member_leaf_index(chain_id, awaited->ledger_seq, snapshot);
	bool		signed_already = is_signed(chain_id, leaf, snapshot);
	bool		done = signed_already && (awaited->ready == NULL || awaited->ready(awaited->chain, leaf, snapshot));

	UnregisterSnapshot(snapshot);
	if (!signed_already && !awaited->chain->copy && (news || !awaited->asked))
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
				 errdetail("What is waited for has not happened yet, or has not arrived here."),
				 errhint("Wait on the primary.")));
	/* the blocks of a copy come from its node */
	if (!chain->copy || !sc_chain_is_open(chain))
		sc_chain_require_open(chain);
	sc_chain_require_unlocked();
}

/* waits until the row is ready; false when the time is over */
static bool
wait_ready(const ScRowPlace *place, ScRowReady ready, TimestampTz deadline)
{
	Awaited		awaited = {place->chain, place->ledger_seq, ready, true};

	if (look(&awaited, false))
		return true;
	require_sealing(place->chain);
	awaited.asked = !place->chain->copy && sc_seal_interval == 0 && caller_is_operator();
	return sc_seal_wait(place->chain->chain_id, look, &awaited, deadline, awaited.asked);
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

bool
sc_row_wait(Oid relid, int64 ledger_seq, Interval *timeout, ScRowReady ready)
{
	TimestampTz deadline = deadline_of(timeout);
	Snapshot	snapshot = sc_look_begin();
	ScRowPlace	place;

	sc_row_locate(&place, relid, ledger_seq, snapshot);
	require_committed(&place);
	sc_row_done(&place);
	sc_look_end(snapshot);
	return wait_ready(&place, ready, deadline);
}
