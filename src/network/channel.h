/*
 * channel.h
 *	  Queries to a peer's database.
 *
 * A channel is a replication connection (libpq) to the peer's database under
 * the role that the peer gave us; what it may read there is what that role
 * may read.  Everything that comes back was said by another node: data, never
 * to be run, and to be proven before it is believed.
 *
 * Time: connecting, and every wait for an answer, take timeout_ms at most; a
 * waiting session can be cancelled.  Errors: CONNECTION_FAILURE, with the
 * peer's name, when there is no connection or no answer in time;
 * CONNECTION_EXCEPTION when the peer answers with an error.  A channel is
 * closed when the memory context that was current at sc_channel_open is
 * reset or deleted, so an error leaves none open.
 * Context: any process with a latch; no transaction is needed but for
 * sc_channel_open, which reads seoulchain.peer.
 */
#ifndef SC_NETWORK_CHANNEL_H
#define SC_NETWORK_CHANNEL_H

#include "postgres.h"

#include "access/xlogdefs.h"

typedef struct ScChannel ScChannel;

/* connects to a peer; UNDEFINED_OBJECT when it is none */
extern ScChannel *sc_channel_open(const char *peer, int timeout_ms);
/* with what libpq shall connect to; `peer` is for messages */
extern ScChannel *sc_channel_open_conninfo(const char *peer, const char *conninfo, int timeout_ms);
extern void sc_channel_close(ScChannel *channel);

/*
 * What a process does when its latch is set while it waits for a peer outside
 * a transaction; NULL: nothing.  It uses no channel itself.
 */
extern void (*sc_channel_waits_hook) (void);

/*
 * Begins a query that returns ncols columns.  Rows are handed over as they
 * come, so an answer may be large.  One query at a time: the one before ends.
 */
extern void sc_channel_query(ScChannel *channel, const char *sql, int ncols);
/* the next row: ncols texts, NULL for SQL NULL, valid until the next call; NULL at the end */
extern const char *const *sc_channel_next(ScChannel *channel);

/* the single text that a query answers, palloc'd; NULL for SQL NULL or no row */
extern char *sc_channel_text(ScChannel *channel, const char *sql);

/* a command without rows that matter */
extern void sc_channel_command(ScChannel *channel, const char *command);

/* a literal for a query to a peer, quoted, palloc'd */
extern char *sc_channel_literal(const char *text);

#endif							/* SC_NETWORK_CHANNEL_H */
