/*
 * late_insert.c
 *	  Test module: runs a statement in a commit callback.
 *
 * An extension may write while the transaction is already committing.  This
 * one executes late_insert.statement at PRE_COMMIT and PRE_PREPARE.  Loaded
 * before seoulchain it is called after seoulchain's own callback, loaded
 * after it, before.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

PG_MODULE_MAGIC;

static char *statement = NULL;
static bool running = false;

void		_PG_init(void);

/* runs the statement once in the transaction that is about to end */
static void
late_insert_callback(XactEvent event, void *arg)
{
	if ((event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PRE_PREPARE) ||
		statement == NULL || statement[0] == '\0' || running)
		return;

	running = true;
	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		SPI_connect();
		if (SPI_execute(statement, false, 0) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
					 errmsg("late_insert.statement failed")));
		SPI_finish();
		PopActiveSnapshot();
	}
	PG_FINALLY();
	{
		running = false;
	}
	PG_END_TRY();
}

void
_PG_init(void)
{
	DefineCustomStringVariable("late_insert.statement",
							   "SQL to run while a transaction commits.",
							   NULL, &statement, "", PGC_USERSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(late_insert_callback, NULL);
}
