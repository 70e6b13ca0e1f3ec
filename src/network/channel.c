/*
 * channel.c
 *	  Queries to a peer's database.
 *
 * Invariant: no wait is longer than the channel's timeout, none ignores
 * interrupts, and the connection is closed whichever way the caller is left.
 * Context: any process with a latch.
 * Effects: a connection; what the peer's server does with the query.
 * Does not: believe what comes back.
 * Source: libpq's asynchronous interface, as in postgres_fdw.
 */
#include "postgres.h"

#include "network/channel.h"

#include <libpq-fe.h>

#include "access/xact.h"
#include "compat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "network/peer.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

struct ScChannel
{
	char	   *peer;
	const char *conninfo;
	int			timeout_ms;
	PGconn	   *conn;			/* NULL once closed */
	bool		fd_taken;		/* counted among the process's files */
	PGresult   *result;			/* the row handed over last */
	int			ncols;
	const char **row;
	bool		busy;			/* a query has not come to its end */
	MemoryContextCallback callback;
};

/*
 * A background worker does not wait for the same silent peer again for so
 * many times as long as it has waited: that peer costs the others a fifth of
 * the worker's time at most.
 */
#define SILENT_PAUSES 4

typedef struct Silent
{
	char	   *conninfo;
	TimestampTz until;
} Silent;

static List *silent_list = NIL;

void		(*sc_channel_waits_hook) (void) = NULL;

/* until when a peer counts as silent, in memory of the process */
static TimestampTz *
silent_until(const char *conninfo)
{
	ListCell   *lc;
	MemoryContext old;
	Silent	   *silent;

	foreach(lc, silent_list)
	{
		silent = lfirst(lc);
		if (strcmp(silent->conninfo, conninfo) == 0)
			return &silent->until;
	}
	old = MemoryContextSwitchTo(TopMemoryContext);
	silent = palloc0(sizeof(Silent));
	silent->conninfo = pstrdup(conninfo);
	silent_list = lappend(silent_list, silent);
	MemoryContextSwitchTo(old);
	return &silent->until;
}

/* lets go of the connection; cannot fail */
static void
release(void *arg)
{
	ScChannel  *channel = arg;

	if (channel->result != NULL)
		PQclear(channel->result);
	channel->result = NULL;
	if (channel->conn != NULL)
		PQfinish(channel->conn);
	channel->conn = NULL;
	if (channel->fd_taken)
		ReleaseExternalFD();
	channel->fd_taken = false;
}

/* the same text in one line, and in this database's encoding: parts of it were said by the peer */
static char *
one_line(const char *from)
{
	char	   *text = pchomp(from);
	bool		valid = pg_verify_mbstr(GetDatabaseEncoding(), text, strlen(text), true);

	for (char *c = text; *c != '\0'; c++)
	{
		if ((unsigned char) *c < ' ')
			*c = ' ';
		else if (!valid && IS_HIGHBIT_SET(*c))
			*c = '?';
	}
	return text;
}

/* what libpq says of the connection, one line, in our memory */
static char *
connection_error(ScChannel *channel)
{
	return one_line(PQerrorMessage(channel->conn));
}

/* what the peer's server says beside its answers is for nobody: libpq would write it into our log */
static void
drop_notice(void *arg, const PGresult *result)
{
}

/* closes the channel and says that the peer does not answer */
static void
fail_connection(ScChannel *channel, const char *why)
{
	release(channel);
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("node \"%s\" cannot be reached: %s", channel->peer, why)));
}

/* waits until the socket is ready or the latch is set; errors when the time is up */
static void
wait_socket(ScChannel *channel, int events, TimestampTz deadline)
{
	long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
	int			rc;

	if (left <= 0)
	{
		*silent_until(channel->conninfo) = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) SILENT_PAUSES * channel->timeout_ms);
		fail_connection(channel, psprintf("no answer within %d ms", channel->timeout_ms));
	}
	rc = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | events,
						   PQsocket(channel->conn), left, PG_WAIT_EXTENSION);
	if (rc & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (sc_channel_waits_hook != NULL && !IsTransactionState())
			sc_channel_waits_hook();
	}
}

/* when the wait that begins now has to be over */
static TimestampTz
deadline(const ScChannel *channel)
{
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), channel->timeout_ms);
}

/* brings the connection about */
static void
connect_peer(ScChannel *channel, const char *conninfo)
{
	/* the first dbname is the connection string; what stands behind it counts more than what is in it */
	const char *keys[] = {"dbname", "replication", "client_encoding", "fallback_application_name", NULL};
	const char *values[] = {conninfo, "database", GetDatabaseEncodingName(), "seoulchain", NULL};
	TimestampTz end = deadline(channel);
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	if (MyBackendType == B_BG_WORKER && *silent_until(conninfo) > GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("node \"%s\" cannot be reached: no answer within %d ms", channel->peer, channel->timeout_ms)));
	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("no file descriptor is left for a connection to node \"%s\"", channel->peer),
				 errhint("Consider raising the limit of open files of the server.")));
	channel->fd_taken = true;
	channel->conn = PQconnectStartParams(keys, values, 1);
	if (channel->conn == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	PQsetNoticeReceiver(channel->conn, drop_notice, NULL);
	if (PQstatus(channel->conn) == CONNECTION_BAD)
		fail_connection(channel, connection_error(channel));
	while (status != PGRES_POLLING_OK)
	{
		if (status == PGRES_POLLING_FAILED)
			fail_connection(channel, connection_error(channel));
		wait_socket(channel, status == PGRES_POLLING_READING ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE, end);
		status = PQconnectPoll(channel->conn);
	}
}

ScChannel *
sc_channel_open_conninfo(const char *peer, const char *conninfo, int timeout_ms)
{
	ScChannel  *channel = palloc0(sizeof(ScChannel));

	channel->peer = pstrdup(peer);
	channel->conninfo = pstrdup(conninfo);
	channel->timeout_ms = timeout_ms;
	channel->callback.func = release;
	channel->callback.arg = channel;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &channel->callback);
	connect_peer(channel, conninfo);
	/* whoever owns objects in the peer's database shall not choose what our queries mean */
	sc_channel_command(channel, "SELECT pg_catalog.set_config('search_path', '', false)");
	return channel;
}

ScChannel *
sc_channel_open(const char *peer, int timeout_ms)
{
	return sc_channel_open_conninfo(peer, sc_peer_require(peer)->conninfo, timeout_ms);
}

void
sc_channel_close(ScChannel *channel)
{
	release(channel);
}

/* the next result of the running query, NULL at its end */
static PGresult *
get_result(ScChannel *channel, TimestampTz end)
{
	while (PQisBusy(channel->conn))
	{
		wait_socket(channel, WL_SOCKET_READABLE, end);
		if (!PQconsumeInput(channel->conn))
			fail_connection(channel, connection_error(channel));
	}
	return PQgetResult(channel->conn);
}

/* errors with what the peer answered to a query that failed */
static void
fail_query(ScChannel *channel, PGresult *result)
{
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	char	   *message = primary != NULL ? one_line(primary) : connection_error(channel);

	message = hint != NULL ? psprintf("%s (%s)", message, one_line(hint)) : message;
	PQclear(result);
	/* the connection may be in any state */
	release(channel);
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_EXCEPTION),
			 errmsg("node \"%s\" answered: %s", channel->peer, message)));
}

/* reads the running query to its end; rows that nobody wants do not make the time longer */
static void
finish_query(ScChannel *channel)
{
	TimestampTz end = deadline(channel);
	PGresult   *result;

	if (channel->result != NULL)
		PQclear(channel->result);
	channel->result = NULL;
	while (channel->busy && (result = get_result(channel, end)) != NULL)
	{
		ExecStatusType status = PQresultStatus(result);

		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_SINGLE_TUPLE)
			fail_query(channel, result);
		PQclear(result);
	}
	channel->busy = false;
}

/* sends a query; single rows are handed over if there are columns to read */
static void
send_query(ScChannel *channel, const char *sql, bool rows)
{
	if (channel->conn == NULL)
		elog(ERROR, "the channel to node \"%s\" is closed", channel->peer);
	finish_query(channel);
	if (!PQsendQuery(channel->conn, sql))
		fail_connection(channel, connection_error(channel));
	channel->busy = true;
	if (rows && !PQsetSingleRowMode(channel->conn))
		elog(ERROR, "libpq does not hand over single rows");
}

void
sc_channel_query(ScChannel *channel, const char *sql, int ncols)
{
	send_query(channel, sql, true);
	channel->ncols = ncols;
	channel->row = palloc(sizeof(char *) * ncols);
}

const char *const *
sc_channel_next(ScChannel *channel)
{
	if (!channel->busy)
		return NULL;
	if (channel->result != NULL)
		PQclear(channel->result);
	channel->result = get_result(channel, deadline(channel));
	if (channel->result == NULL || PQresultStatus(channel->result) != PGRES_SINGLE_TUPLE)
	{
		PGresult   *last = channel->result;

		channel->result = NULL;
		if (last == NULL)
			channel->busy = false;
		else if (PQresultStatus(last) != PGRES_TUPLES_OK)
			fail_query(channel, last);
		else
			PQclear(last);
		finish_query(channel);
		return NULL;
	}
	if (PQnfields(channel->result) != channel->ncols)
		fail_connection(channel, psprintf("its answer has %d columns instead of %d",
										  PQnfields(channel->result), channel->ncols));
	for (int i = 0; i < channel->ncols; i++)
	{
		channel->row[i] = PQgetisnull(channel->result, 0, i) ? NULL : PQgetvalue(channel->result, 0, i);
		if (channel->row[i] != NULL && !pg_verify_mbstr(GetDatabaseEncoding(), channel->row[i], PQgetlength(channel->result, 0, i), true))
			fail_connection(channel, "its answer is no text in this database's encoding");
	}
	return channel->row;
}

char *
sc_channel_text(ScChannel *channel, const char *sql)
{
	const char *const *row;
	char	   *text = NULL;

	sc_channel_query(channel, sql, 1);
	row = sc_channel_next(channel);
	if (row != NULL && row[0] != NULL)
		text = pstrdup(row[0]);
	finish_query(channel);
	return text;
}

void
sc_channel_command(ScChannel *channel, const char *command)
{
	send_query(channel, command, false);
	finish_query(channel);
}

char *
sc_channel_literal(const char *text)
{
	return quote_literal_cstr(text);
}
