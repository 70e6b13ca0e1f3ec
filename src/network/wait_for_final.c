/*
 * wait_for_final.c
 *	  wait_for_final: the receipt of a row, once enough witnesses have checked its block.
 *
 * It sleeps while nothing happens: the worker that seals or integrates wakes
 * it, and so do cosignatures when they commit (accept_cosignature.c).
 * How it waits, for whom and for what not: proof/row_wait.c.
 * Effects: none; it writes nothing.
 */
#include "postgres.h"

#include "fmgr.h"
#include "network/final.h"
#include "proof/locate.h"
#include "proof/receipt.h"
#include "proof/row_wait.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_wait_for_final);

/* errors when no policy decides: it would wait for ever */
static void
require_policy(const ScChain *chain, List *history)
{
	if (sc_policy_for_size(history, PG_INT64_MAX) != NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("chain \"%s\" has no witness policy", chain->name),
			 errdetail("A checkpoint is final when witnesses have cosigned it as a policy asks."),
			 errhint("The chain's node sets one with seoulchain.set_policy().")));
}

/* is there a final checkpoint that holds the leaf? */
static bool
is_final(const ScChain *chain, int64 leaf, Snapshot snapshot)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "looking for a final checkpoint", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *history = sc_policy_history(chain, snapshot);
	ScFinal		final;
	bool		found;

	require_policy(chain, history);
	found = sc_final_find(&final, chain, history, -1, leaf, snapshot);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return found;
}

/*
 * seoulchain.wait_for_final(relation regclass, ledger_seq bigint, timeout interval DEFAULT '10 s') -> text
 *
 * Waits until a checkpoint that holds the row satisfies the policy in force;
 * the receipt with its cosignatures, or NULL when the time is over.
 * Privileges: whoever may SELECT the row.  Errors: NO_DATA_FOUND;
 * OBJECT_NOT_IN_PREREQUISITE_STATE when the chain has no policy, or waiting
 * for the row's block is in vain.
 */
Datum
sc_wait_for_final(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	int64		ledger_seq = PG_GETARG_INT64(1);
	Snapshot	snapshot;
	ScRowPlace	place;
	text	   *receipt;

	if (!sc_row_wait(relid, ledger_seq, PG_GETARG_INTERVAL_P(2), is_final))
		PG_RETURN_NULL();
	snapshot = sc_look_begin();
	sc_row_locate(&place, relid, ledger_seq, snapshot);
	receipt = sc_receipt_text(&place, 0, true, snapshot);
	sc_row_done(&place);
	sc_look_end(snapshot);
	PG_RETURN_TEXT_P(receipt);
}
