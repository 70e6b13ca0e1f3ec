/*
 * status.c
 *	  One short English phrase for each status.
 */
#include "core/status.h"

const char *
sc_status_text(ScStatus status)
{
	switch (status)
	{
		case SC_OK:
			return "no error";
		case SC_MALFORMED:
			return "the data does not have the expected form";
		case SC_TOO_LARGE:
			return "a length or count exceeds the format's limit";
		case SC_RANGE:
			return "an index or size is out of range";
		case SC_MISMATCH:
			return "the hashes do not give the expected root";
		case SC_BAD_SIGNATURE:
			return "a known key's signature is wrong";
		case SC_UNKNOWN_KEY:
			return "no known key has signed";
		case SC_NO_MEMORY:
			return "out of memory";
		case SC_IO:
			return "a file could not be read or written";
		case SC_LAX_MODE:
			return "a file that must be private is open to others";
		case SC_EXISTS:
			return "the file exists already";
		case SC_INTERNAL:
			return "a cryptographic library failed";
	}
	return "unknown status";
}
