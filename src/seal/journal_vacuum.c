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
#include "ledger/journal_table.h"
#include "ledger/registry.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_node.h"
#include "seal/journal_vacuum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* about a hundred pages of single-row commits */
#define VACUUM_AFTER 8192

static int64 dead[SC_JOURNALS];

void
sc_journal_count_dead(bool copied, int64 rows)
{
	dead[copied] += rows;
}

/* VACUUM (TRUNCATE false, SKIP_LOCKED) of a journal */
static VacuumStmt *
vacuum_statement(bool copied)
{
	VacuumStmt *stmt = makeNode(VacuumStmt);
	RangeVar   *journal = makeRangeVar(pstrdup(SC_SCHEMA), pstrdup(sc_journal_name(copied)), -1);

	stmt->is_vacuumcmd = true;
	stmt->options = list_make2(makeDefElem("truncate", (Node *) makeBoolean(false), -1),
							   makeDefElem("skip_locked", (Node *) makeBoolean(true), -1));
	stmt->rels = list_make1(makeVacuumRelation(journal, InvalidOid, NIL));
	return stmt;
}

static void
vacuum_journal(bool copied)
{
	MemoryContext context;

	/* VACUUM commits this transaction and starts others: the statement must outlive it */
	context = AllocSetContextCreate(TopMemoryContext, "seoulchain journal vacuum", ALLOCSET_SMALL_SIZES);
	PortalContext = context;
	StartTransactionCommand();
	MemoryContextSwitchTo(context);
	ExecVacuum(make_parsestate(NULL), vacuum_statement(copied), true);
	CommitTransactionCommand();
	PortalContext = NULL;
	MemoryContextDelete(context);
}

void
sc_journal_vacuum(void)
{
	for (int copied = 0; copied < SC_JOURNALS; copied++)
	{
		if (dead[copied] < VACUUM_AFTER)
			continue;
		dead[copied] = 0;
		vacuum_journal(copied);
	}
}
