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
	int			timeout_ms;
	PGconn	   *conn;			/* NULL once closed */
	bool		fd_taken;		/* counted among the process's files */
	PGresult   *result;			/* the row handed over last */
	int			ncols;
	const char **row;
	bool		busy;			/* a query has not come to its end */
	MemoryContextCallback callback;
};

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

/* what libpq says of the connection, one line, in our memory */
static char *
connection_error(ScChannel *channel)
{
	char	   *text = pchomp(PQerrorMessage(channel->conn));

	for (char *c = text; *c != '\0'; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	return text;
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
		fail_connection(channel, psprintf("no answer within %d ms", channel->timeout_ms));
	rc = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | events,
						   PQsocket(channel->conn), left, PG_WAIT_EXTENSION);
	if (rc & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
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

	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("no file descriptor is left for a connection to node \"%s\"", channel->peer),
				 errhint("Consider raising the limit of open files of the server.")));
	channel->fd_taken = true;
	channel->conn = PQconnectStartParams(keys, values, 1);
	if (channel->conn == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
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
get_result(ScChannel *channel)
{
	TimestampTz end = deadline(channel);

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
	char	   *message = primary != NULL ? pstrdup(primary) : connection_error(channel);

	message = hint != NULL ? psprintf("%s (%s)", message, hint) : message;
	PQclear(result);
	/* the connection may be in any state */
	release(channel);
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_EXCEPTION),
			 errmsg("node \"%s\" answered: %s", channel->peer, message)));
}

/* reads the running query to its end */
static void
finish_query(ScChannel *channel)
{
	PGresult   *result;

	if (channel->result != NULL)
		PQclear(channel->result);
	channel->result = NULL;
	while (channel->busy && (result = get_result(channel)) != NULL)
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
	channel->result = get_result(channel);
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
		channel->row[i] = PQgetisnull(channel->result, 0, i) ? NULL : PQgetvalue(channel->result, 0, i);
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
