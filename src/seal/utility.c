/*
 * utility.c
 *	  Commands that need the sealing worker to leave, or to look again.
 *
 * DROP DATABASE, CREATE DATABASE (its template), ALTER DATABASE ... RENAME
 * and ... SET TABLESPACE want a database without sessions: before them the
 * worker is asked to leave and the launcher is held off; after them, or when
 * the session ends, the hold ends.  COMMIT PREPARED makes journal rows
 * visible without a commit callback here, so the worker is woken after it.
 * CREATE and DROP EXTENSION make the worker look again once they commit.
 *
 * What it does not do: refuse anything; privileges are the command's business,
 * but only who may run it can send a worker away.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "compat.h"
#include "ledger/recorder.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "seal/seal.h"
#include "seal/shmem.h"
#include "storage/procarray.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* how long a command waits for the worker before it tries its luck */
#define SC_LEAVE_PATIENCE_MS 10000
/* when a worker that did not leave by itself (it waits for a lock) is terminated */
#define SC_LEAVE_TERMINATE_MS 2000

static ProcessUtility_hook_type prev_process_utility = NULL;
static bool extension_changed = false;

/* may the user create databases? */
static bool
may_create_databases(void)
{
	bool		result = superuser();
	HeapTuple	tuple;

	if (result)
		return true;
	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_authid) GETSTRUCT(tuple))->rolcreatedb;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* the template that CREATE DATABASE copies */
static Oid
template_of(CreatedbStmt *stmt)
{
	const char *name = "template1";
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "template") == 0 && option->arg != NULL)
			name = defGetString(option);
	}
	return may_create_databases() ? get_database_oid(name, true) : InvalidOid;
}

/* a database, if the user owns it */
static Oid
owned_database(const char *name)
{
	Oid			dboid = get_database_oid(name, true);

	if (OidIsValid(dboid) && !sc_database_ownercheck(dboid, GetUserId()))
		return InvalidOid;
	return dboid;
}

/* the database that the command wants for itself; InvalidOid for other commands */
static Oid
database_wanted(Node *stmt)
{
	ListCell   *lc;

	switch (nodeTag(stmt))
	{
		case T_DropdbStmt:
			return owned_database(((DropdbStmt *) stmt)->dbname);
		case T_CreatedbStmt:
			return template_of((CreatedbStmt *) stmt);
		case T_RenameStmt:
			if (((RenameStmt *) stmt)->renameType == OBJECT_DATABASE)
				return owned_database(((RenameStmt *) stmt)->subname);
			return InvalidOid;
		case T_AlterDatabaseStmt:
			foreach(lc, ((AlterDatabaseStmt *) stmt)->options)
				if (strcmp(lfirst_node(DefElem, lc)->defname, "tablespace") == 0)
					return owned_database(((AlterDatabaseStmt *) stmt)->dbname);
			return InvalidOid;
		default:
			return InvalidOid;
	}
}

/* asks the worker of a held database to leave and waits until it has */
static void
wait_for_leave(Oid dboid)
{
	ScSealSlot *slot = sc_slot_find(dboid, true);
	TimestampTz start = GetCurrentTimestamp();
	bool		terminated = false;

	if (slot == NULL)
		return;
	ConditionVariablePrepareToSleep(&slot->changed);
	while ((slot->state != SC_WORKER_NONE || slot->network_pid != 0) &&
		   !TimestampDifferenceExceeds(start, GetCurrentTimestamp(), SC_LEAVE_PATIENCE_MS))
	{
		sc_slot_wake(slot);
		sc_slot_ask_network(slot);
		if (!terminated && TimestampDifferenceExceeds(start, GetCurrentTimestamp(), SC_LEAVE_TERMINATE_MS))
		{
			pid_t		pids[] = {slot->worker_pid, slot->network_pid};

			for (size_t i = 0; i < lengthof(pids); i++)
				if (pids[i] != 0 && BackendPidGetProc(pids[i]) != NULL)
					kill(pids[i], SIGTERM);
			terminated = true;
		}
		ConditionVariableTimedSleep(&slot->changed, 500, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

/* runs the command further down the chain of hooks */
static void
run_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
			ProcessUtilityContext context, ParamListInfo params,
			QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	if (prev_process_utility)
		prev_process_utility(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
	else
		standard_ProcessUtility(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
}

/* is it COMMIT PREPARED? */
static bool
is_commit_prepared(Node *stmt)
{
	return IsA(stmt, TransactionStmt) && ((TransactionStmt *) stmt)->kind == TRANS_STMT_COMMIT_PREPARED;
}

/* runs a command that wants a database for itself; not inlined, so that no variable lives across the TRY */
static pg_noinline void
run_held(Oid dboid, PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
		 ProcessUtilityContext context, ParamListInfo params,
		 QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	sc_hold_begin(dboid);
	PG_TRY();
	{
		wait_for_leave(dboid);
		run_utility(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
	}
	PG_FINALLY();
	{
		sc_hold_end();
	}
	PG_END_TRY();
}

/* what a prepared transaction wrote is visible: nobody knows what it was */
static void
prepared_committed(void)
{
	ScSealSlot *slot = sc_slot_mine();

	if (sc_journal_written_hook != NULL)
		sc_journal_written_hook(false);
	if (slot != NULL)
		sc_slot_ask_network(slot);
}

/* the ProcessUtility hook */
static void
process_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	Node	   *stmt = pstmt->utilityStmt;
	bool		commit_prepared = is_commit_prepared(stmt);
	Oid			dboid = InvalidOid;

	if (IsA(stmt, CreateExtensionStmt) ||
		(IsA(stmt, DropStmt) && ((DropStmt *) stmt)->removeType == OBJECT_EXTENSION))
		extension_changed = true;
	/* no catalog may be read outside a transaction that works */
	if (!commit_prepared && IsTransactionState() && !RecoveryInProgress())
		dboid = database_wanted(stmt);

	if (OidIsValid(dboid))
	{
		run_held(dboid, pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
		return;
	}

	run_utility(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
	if (commit_prepared)
		prepared_committed();
}

/* tells worker and launcher of an extension that came or went */
static void
extension_committed(XactEvent event, void *arg)
{
	if (!extension_changed)
		return;
	if (event == XACT_EVENT_COMMIT)
	{
		extension_changed = false;
		sc_slot_look_again(MyDatabaseId);
	}
	else if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		extension_changed = false;
}

/* a transaction with journal rows was committed, or prepared; cannot fail */
static void
journal_written(bool prepared)
{
	ScSealSlot *slot = sc_slot_mine();

	if (slot == NULL || slot->absent)
	{
		sc_slot_look_again(MyDatabaseId);
		return;
	}

	/*
	 * The commit is visible to snapshots by now.  The worker clears the flag
	 * before it takes its snapshot, so whoever still finds the flag set is
	 * seen by that snapshot.
	 */
	pg_memory_barrier();
	if (pg_atomic_read_u32(&slot->pending) == 0 || prepared)
	{
		pg_atomic_write_u32(&slot->pending, 1);
		sc_slot_wake(slot);
	}
}

void
sc_seal_utility_init(void)
{
	prev_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	RegisterXactCallback(extension_committed, NULL);
	sc_journal_written_hook = journal_written;
}
