/*
 * query.c
 *	  The network worker's SQL: catalogs read, publications and subscriptions changed.
 *
 * Invariant: between sc_query_begin and sc_query_commit there is one
 * transaction; an error ends it as any error does.
 * Context: the network worker, outside a transaction.
 */
#include "postgres.h"

#include "network/query.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

static MemoryContext caller_context = NULL;

void
sc_query_begin(void)
{
	caller_context = CurrentMemoryContext;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PushActiveSnapshot(GetTransactionSnapshot());
}

void
sc_query_be_brief(void)
{
	sc_query("SET LOCAL lock_timeout = '2s'");
}

void
sc_query_commit(void)
{
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(caller_context);
}

/* runs what a format makes of its arguments */
static uint64 run(const char *format, va_list args_of_caller) __attribute__((format(printf, 1, 0)));

static uint64
run(const char *format, va_list args_of_caller)
{
	StringInfoData sql;
	int			needed;

	initStringInfo(&sql);
	for (;;)
	{
		va_list		args;

		va_copy(args, args_of_caller);
		needed = appendStringInfoVA(&sql, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&sql, needed);
	}
	if (SPI_execute(sql.data, false, 0) < 0)
		elog(ERROR, "SPI_execute failed: %s", sql.data);
	pfree(sql.data);
	return SPI_processed;
}

uint64
sc_query(const char *format,...)
{
	va_list		args;
	uint64		rows;

	va_start(args, format);
	rows = run(format, args);
	va_end(args);
	return rows;
}

char *
sc_query_value(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

char *
sc_query_text(const char *format,...)
{
	va_list		args;
	uint64		rows;

	va_start(args, format);
	rows = run(format, args);
	va_end(args);
	return rows > 0 && SPI_tuptable != NULL ? sc_query_value(0, 1) : NULL;
}
