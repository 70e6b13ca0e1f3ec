/*
 * guard.h
 *	  Running a step that damaged data may make fail.
 */
#ifndef SC_PROOF_GUARD_H
#define SC_PROOF_GUARD_H

#include "postgres.h"

/*
 * Calls fn(arg) in a subtransaction.  False when it raised an error that the
 * data may have caused; *message, if given, is then the error's text in the
 * current memory context.  Cancelling, shutdown and lack of memory or disk
 * are raised again.
 */
extern bool sc_guard(void (*fn) (void *arg), void *arg, char **message);

#endif							/* SC_PROOF_GUARD_H */
