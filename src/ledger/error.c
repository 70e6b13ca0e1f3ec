/*
 * error.c
 *	  The one mapping from ScStatus to errcode and message.
 *
 * Context: any in which ereport may be called.  Does not return unless the
 * status is SC_OK.
 */
#include "postgres.h"

#include "ledger/error.h"

int
sc_status_errcode(ScStatus status)
{
	switch (status)
	{
		case SC_OK:
			return ERRCODE_SUCCESSFUL_COMPLETION;
		case SC_MALFORMED:
			return ERRCODE_INVALID_TEXT_REPRESENTATION;
		case SC_TOO_LARGE:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case SC_RANGE:
			return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		case SC_MISMATCH:
		case SC_BAD_SIGNATURE:
			return ERRCODE_DATA_EXCEPTION;
		case SC_UNKNOWN_KEY:
			return ERRCODE_UNDEFINED_OBJECT;
		case SC_NO_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		case SC_IO:
			return ERRCODE_IO_ERROR;
		case SC_LAX_MODE:
			return ERRCODE_INSUFFICIENT_PRIVILEGE;
		case SC_EXISTS:
			return ERRCODE_DUPLICATE_FILE;
		case SC_INTERNAL:
			break;
	}
	return ERRCODE_INTERNAL_ERROR;
}

/* the next command, or NULL where there is none to give */
static const char *
status_hint(ScStatus status)
{
	switch (status)
	{
		case SC_LAX_MODE:
			return "Take the file away from group and others: chmod 0600.";
		case SC_UNKNOWN_KEY:
			return "Give the verifier key of whoever signed it.";
		case SC_EXISTS:
			return "Move the file away if it is of no use any more.";
		default:
			return NULL;
	}
}

void
sc_status_report(ScStatus status, const char *what)
{
	int			saved_errno = errno;
	const char *hint = status_hint(status);

	if (status == SC_OK)
		return;
	if (status == SC_IO && saved_errno != 0)
	{
		errno = saved_errno;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read or write %s: %m", what)));
	}
	ereport(ERROR,
			(errcode(sc_status_errcode(status)),
			 errmsg("cannot use %s: %s", what, sc_status_text(status)),
			 hint ? errhint("%s", hint) : 0));
}
