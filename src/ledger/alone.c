/*
 * alone.c
 *	  On shared chains, what happens to tables and the rows that come are different transactions.
 *
 * A node that follows the chain has to make a table or a column, and say so,
 * before the first row of it is sent.
 *
 * Invariant: no transaction commits both rows of a shared chain and an event
 * about a table of it; what was rolled back to a savepoint does not count.
 * Context: the insert path and the recording of events; the notes live as
 * long as the transaction.
 * Effects: errors.
 */
#include "postgres.h"

#include "ledger/alone.h"

#include "access/xact.h"
#include "access/xact.h"
#include "compat.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

/* what a subtransaction did on a chain */
typedef struct Deed
{
	int32		chain_id;
	bool		table;			/* it changed a table; else it inserted rows */
	SubTransactionId subid;
} Deed;

static List *deeds = NIL;		/* of Deed *, in TopTransactionContext */

/* the row noted last: most rows are followed by others like them */
static int32 last_chain = 0;
static SubTransactionId last_subid = InvalidSubTransactionId;

static void refuse(int32 chain_id) SC_NORETURN;

static void
refuse(int32 chain_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("rows of chain \"%s\" and a change of its tables cannot be one transaction",
					sc_chain_by_id(chain_id, false)->name),
			 errdetail("The chain is shared: other nodes have to know a table or column before the first row of it comes."),
			 errhint("Commit in between.  Instead of CREATE TABLE AS: CREATE TABLE, COMMIT, INSERT ... SELECT.")));
}

/* notes what the running subtransaction does; errors when the transaction has done the other thing */
static void
note(int32 chain_id, bool table)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	bool		noted = false;
	MemoryContext old;
	Deed	   *deed;
	ListCell   *cell;

	foreach(cell, deeds)
	{
		deed = lfirst(cell);
		if (deed->chain_id != chain_id)
			continue;
		if (deed->table != table)
			refuse(chain_id);
		noted |= deed->subid == subid;
	}
	if (noted)
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	deed = palloc(sizeof(Deed));
	*deed = (Deed) {chain_id, table, subid};
	deeds = lappend(deeds, deed);
	MemoryContextSwitchTo(old);
}

void
sc_alone_row(int32 chain_id)
{
	if (chain_id == last_chain && GetCurrentSubTransactionId() == last_subid)
		return;
	note(chain_id, false);
	last_chain = chain_id;
	last_subid = GetCurrentSubTransactionId();
}

void
sc_alone_table(const ScChain *chain)
{
	if (chain->shared)
		note(chain->chain_id, true);
}

static void
alone_transaction(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_PREPARE && event != XACT_EVENT_ABORT)
		return;
	deeds = NIL;
	last_chain = 0;
}

static void
alone_subtransaction(SubXactEvent event, SubTransactionId subid, SubTransactionId parent_subid, void *arg)
{
	ListCell   *cell;

	if (deeds == NIL || (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB))
		return;
	last_chain = 0;
	foreach(cell, deeds)
	{
		Deed	   *deed = lfirst(cell);

		if (deed->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			deed->subid = parent_subid;
		else
			deeds = foreach_delete_current(deeds, cell);
	}
}

void
sc_alone_init(void)
{
	RegisterXactCallback(alone_transaction, NULL);
	RegisterSubXactCallback(alone_subtransaction, NULL);
}
