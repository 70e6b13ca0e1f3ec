/*
 * journal_vacuum.c
 *	  Keeping the journal short.
 *
 * The journal is a queue that is read whole for every block: with the dead
 * rows of a minute in it, which is how often autovacuum looks, reading costs
 * the worker more than sealing.  So the worker vacuums it as it goes, and new
 * rows take the places of old ones.  The file is not cut: that would wait for
 * inserters; autovacuum does it in a quiet minute.
 * Locks: ShareUpdateExclusiveLock on the journal, not waited for.
 * Context: the worker, outside a transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/vacuum.h"
#include "ledger/registry.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_node.h"
#include "seal/journal_vacuum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* about a hundred pages of single-row commits */
#define VACUUM_AFTER 8192

static int64 dead = 0;

void
sc_journal_count_dead(int64 rows)
{
	dead += rows;
}

/* VACUUM (TRUNCATE false, SKIP_LOCKED) seoulchain.journal */
static VacuumStmt *
vacuum_statement(void)
{
	VacuumStmt *stmt = makeNode(VacuumStmt);
	RangeVar   *journal = makeRangeVar(pstrdup(SC_SCHEMA), pstrdup("journal"), -1);

	stmt->is_vacuumcmd = true;
	stmt->options = list_make2(makeDefElem("truncate", (Node *) makeBoolean(false), -1),
							   makeDefElem("skip_locked", (Node *) makeBoolean(true), -1));
	stmt->rels = list_make1(makeVacuumRelation(journal, InvalidOid, NIL));
	return stmt;
}

void
sc_journal_vacuum(void)
{
	MemoryContext context;

	if (dead < VACUUM_AFTER)
		return;
	dead = 0;

	/* VACUUM commits this transaction and starts others: the statement must outlive it */
	context = AllocSetContextCreate(TopMemoryContext, "seoulchain journal vacuum", ALLOCSET_SMALL_SIZES);
	PortalContext = context;
	StartTransactionCommand();
	MemoryContextSwitchTo(context);
	ExecVacuum(make_parsestate(NULL), vacuum_statement(), true);
	CommitTransactionCommand();
	PortalContext = NULL;
	MemoryContextDelete(context);
}
