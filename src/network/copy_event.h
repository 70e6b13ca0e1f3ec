/*
 * copy_event.h
 *	  Applies events of followed chains: they are data, never SQL.
 */
#ifndef SC_NETWORK_COPY_EVENT_H
#define SC_NETWORK_COPY_EVENT_H

#include "postgres.h"

#include "network/message.h"

/*
 * Applies an `event` message of a chain that this node follows, as the
 * extension's owner: the copy's registry rows, its tables and columns, the
 * event's row and its leaf in the journal, and a confirmation where a table
 * was created.  The caller has checked that the message came from the node
 * whose chain it is about.
 *
 * Requires a running transaction, in which it works in a subtransaction.
 * true: applied, or known already.  false: nothing was changed; *problem, a
 * sentence palloc'd in the current memory context, says why, and the message
 * may be tried again.  Raises only for want of memory and when cancelled.
 */
extern bool sc_copy_apply_event(const ScMessage *message, char **problem);

/* the same without waiting for whoever uses the copy's table: for a process that has other things to do */
extern bool sc_copy_retry_event(const ScMessage *message, char **problem);

#endif							/* SC_NETWORK_COPY_EVENT_H */
