/*
 * instant.h
 *	  Instants of time as texts: ISO 8601 with an offset, to the microsecond.
 */
#ifndef SC_CORE_INSTANT_H
#define SC_CORE_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

/* microseconds since 1970-01-01 00:00:00 UTC; these two are PostgreSQL's -infinity and infinity */
#define SC_INSTANT_BEGIN INT64_MIN
#define SC_INSTANT_END INT64_MAX

/*
 * Reads YYYY-MM-DD, 'T' or a space, HH:MM[:SS[.f...]], and 'Z' or an offset
 * [+-]HH[:MM[:SS]]; years 0001 to 9999; at most six digits of a fraction.  Also infinity
 * and -infinity.
 */
extern bool sc_instant_read(int64_t *instant, const char *text);

/*
 * Reads what leaves hold of a timestamptz, "2026-11-23 03:00:00.25+00", whose
 * text is one for each instant: false for any other zone or form.  Years go to
 * 294276 as in PostgreSQL (from 290000 on counted as the end), and with " BC"
 * behind back to 4713.
 */
extern bool sc_instant_read_leaf(int64_t *instant, const char *text, size_t len);

/* appends it as leaves hold it */
extern void sc_instant_write(ScBuf *buf, int64_t instant);

#endif							/* SC_CORE_INSTANT_H */
