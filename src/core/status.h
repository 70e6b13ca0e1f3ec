/*
 * status.h
 *	  The answers that core and sign functions give.
 *
 * core and sign never throw: they return one of these codes, and one mapping
 * (ledger/error.c) turns a code into an errcode and a message.
 */
#ifndef SC_CORE_STATUS_H
#define SC_CORE_STATUS_H

typedef enum ScStatus
{
	SC_OK = 0,
	SC_MALFORMED,				/* the bytes do not have the form asked for */
	SC_TOO_LARGE,				/* a length or count is over the format's limit */
	SC_RANGE,					/* an index or size outside what it belongs to */
	SC_MISMATCH,				/* a proof or hash does not give the root expected */
	SC_BAD_SIGNATURE,			/* a known key's signature does not verify */
	SC_UNKNOWN_KEY,				/* no signature by any key that was given */
	SC_NO_MEMORY,				/* malloc failed */
	SC_IO,						/* a file could not be read or written; errno tells */
	SC_LAX_MODE,				/* a key file that others may read */
	SC_EXISTS,					/* a file is there already */
	SC_INTERNAL					/* a library failed where it cannot fail */
} ScStatus;

#define SC_WARN_UNUSED __attribute__((warn_unused_result))

/* a short English phrase for a status, without period; never NULL */
extern const char *sc_status_text(ScStatus status);

#endif							/* SC_CORE_STATUS_H */
