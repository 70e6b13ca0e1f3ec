/*
 * wait.h
 *	  Waiting in a session until the worker has come as far as the session wants.
 */
#ifndef SC_SEAL_WAIT_H
#define SC_SEAL_WAIT_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * Calls `ready` now and whenever the worker is through with a chain, until it
 * says true or the deadline has passed (false then).  `news` is false while
 * the worker has not been through with this chain since the session came.
 * `ready` may raise what keeps the worker from ever coming there.  Errors
 * (OBJECT_NOT_IN_PREREQUISITE_STATE) when there is no worker.  With `ask` the
 * worker is told to begin at once.
 */
extern bool sc_seal_wait(int32 chain_id, bool (*ready) (void *arg, bool news), void *arg, TimestampTz deadline, bool ask);

#endif							/* SC_SEAL_WAIT_H */
