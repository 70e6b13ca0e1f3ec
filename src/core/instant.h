/*
 * instant.h
 *	  Instants of time as texts: ISO 8601 with an offset, to the microsecond.
 */
#ifndef SC_CORE_INSTANT_H
#define SC_CORE_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"

/* microseconds since 1970-01-01 00:00:00 UTC; these two are PostgreSQL's infinity and -infinity */
#define SC_INSTANT_NEVER INT64_MAX
#define SC_INSTANT_ALWAYS INT64_MIN

/*
 * Reads YYYY-MM-DD, 'T' or a space, HH:MM[:SS[.f...]], and 'Z' or an offset
 * [+-]HH[:MM[:SS]]; years 0001 to 9999; at most six digits of a fraction.  Also infinity
 * and -infinity.  What timestamptz columns look like in leaves is among it.
 */
extern bool sc_instant_read(int64_t *instant, const char *text);

/* appends it as leaves hold a timestamptz: 2026-06-02 21:00:00+00 */
extern void sc_instant_write(ScBuf *buf, int64_t instant);

#endif							/* SC_CORE_INSTANT_H */
