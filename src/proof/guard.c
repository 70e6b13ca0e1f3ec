/*
 * guard.c
 *	  Running a step that damaged data may make fail.
 *
 * Invariant: after a failure the caller's memory context, resource owner and
 * transaction state are as before; pins, locks on buffers and files that the
 * step had are gone.
 * Context: not in parallel mode (it starts a subtransaction).
 * Effects: none of its own; the subtransaction gets no transaction id unless
 * the step writes.
 */
#include "postgres.h"

#include "proof/guard.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* errors that say nothing about the data */
static bool
is_fatal(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_OPERATOR_INTERVENTION ||
		category == ERRCODE_INSUFFICIENT_RESOURCES ||
		category == ERRCODE_TRANSACTION_ROLLBACK ||
		sqlerrcode == ERRCODE_STATEMENT_TOO_COMPLEX;
}

bool
sc_guard(void (*fn) (void *arg), void *arg, char **message)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		fn(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return true;
	if (is_fatal(error->sqlerrcode))
		ReThrowError(error);
	if (message)
		*message = pstrdup(error->message ? error->message : "");
	FreeErrorData(error);
	return false;
}
