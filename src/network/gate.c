/*
 * gate.c
 *	  A shared chain takes no rows and seals no blocks before its peers were asked what was signed.
 *
 * A node cannot see by itself that it was restored from an old backup: its
 * tables and its signing memory may agree.  So after each start of the server
 * the network worker asks first (recover.c), and whoever would take a number
 * of a shared chain waits for it: a number given twice would be two rows.
 * Invariant: the question is asked of shared memory once a process and chain.
 * Context: the insert path and the sealing worker.
 * Effects: waiting; errors.
 */
#include "postgres.h"

#include "ledger/registry.h"
#include "ledger/sequence.h"
#include "miscadmin.h"
#include "network/gate.h"
#include "network/network_tables.h"
#include "network/peer.h"
#include "seal/internal_scan.h"
#include "seal/round.h"
#include "seal/shmem.h"
#include "storage/latch.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

bool		sc_gate_keeper = false;

/* how long a session waits for the network worker */
#define WAIT_MAX_MS 30000

/* is there a node to be asked about the chain? */
static bool
has_peers(int32 chain_id)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	ScanKeyData key;
	bool		found;
	ListCell   *lc;

	sc_key_int4(&key, SC_SHARE_ATTR_CHAIN_ID, chain_id);
	sc_internal_scan_begin(&scan, "share", "share_pkey", snapshot, &key, 1);
	found = sc_internal_scan_next(&scan, ForwardScanDirection) != NULL;
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	if (!found)
		return false;
	foreach(lc, sc_peer_list())
		if (((ScPeer *) lfirst(lc))->here)
			return true;
	return false;
}

/* has the chain to wait?  *state is what is known of it */
static bool
has_to_wait(int32 chain_id, ScSealChainState *state)
{
	ScChain    *chain;

	sc_chain_state_get(chain_id, state);
	if (state->ready)
		return false;
	chain = sc_chain_by_id(chain_id, true);
	return chain != NULL && chain->shared && !chain->copy && chain->log_key != NULL && has_peers(chain_id);
}

/* the error of a session that has to do without */
static void
refuse(int32 chain_id, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("chain \"%s\" takes no rows yet", sc_chain_by_id(chain_id, false)->name),
			 errdetail("%s.", why),
			 errhint("See seoulchain.recovery and seoulchain.network_status; seoulchain.recover() leaves peers out that are gone.")));
}

/* the ledger room's hook: a number of the chain is about to be taken */
static void
wait_until_ready(int32 chain_id)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), WAIT_MAX_MS);
	ScSealChainState state;

	while (!sc_gate_keeper && has_to_wait(chain_id, &state))
	{
		if (state.held_why[0] != '\0')
			refuse(chain_id, state.held_why);
		if (GetCurrentTimestamp() >= end)
			refuse(chain_id, "The network worker has not asked this node's peers yet what was signed");
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 20, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* the seal room's hook: why nothing of the chain is sealed or signed, or NULL */
static char *
held(const ScChain *chain)
{
	ScSealChainState state;

	if (!chain->shared || chain->copy || !has_to_wait(chain->chain_id, &state))
		return NULL;
	return psprintf("%s", state.held_why[0] != '\0' ? state.held_why : "its peers are being asked what this node signed last");
}

void
sc_gate_init(void)
{
	sc_sequence_gate_hook = wait_until_ready;
	sc_chain_held_hook = held;
}
