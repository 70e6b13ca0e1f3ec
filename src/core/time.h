/*
 * time.h
 *	  Times as leaves write them: PostgreSQL's text of a timestamptz in UTC.
 */
#ifndef SC_CORE_TIME_H
#define SC_CORE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/verdict.h"

/*
 * "2026-11-23 03:00:00.25+00" as microseconds since 1970; "infinity" is
 * SC_TIME_ALWAYS, "-infinity" SC_TIME_BEGIN.  Strict: false for any other zone
 * or form.  Years go to 294276 as in PostgreSQL (those after 290000 count as
 * SC_TIME_ALWAYS); with " BC" behind, before 1.
 */
extern bool sc_time_parse(int64_t *out, const char *s, size_t len);

#endif							/* SC_CORE_TIME_H */
