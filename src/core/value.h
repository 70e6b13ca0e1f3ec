/*
 * value.h
 *	  Values of columns as leaves write them: bytea and one-dimensional text[].
 */
#ifndef SC_CORE_VALUE_H
#define SC_CORE_VALUE_H

#include "core/buf.h"
#include "core/status.h"

/* appends the bytes of "\x00ff"; SC_MALFORMED for anything else, SC_NO_MEMORY */
extern SC_WARN_UNUSED ScStatus sc_value_bytea(ScBuf *out, const char *s, size_t len);

/* appends the text of a bytea */
extern void sc_value_bytea_text(ScBuf *out, const void *data, size_t len);

/*
 * Whether `element` is among the elements of "{a,\"b c\"}".  NULLs are nobody.
 * SC_MALFORMED for other dimensions and for texts that PostgreSQL does not write.
 */
extern SC_WARN_UNUSED ScStatus sc_value_array_has(bool *has, const char *s, size_t len, const char *element, size_t elementlen);

#endif							/* SC_CORE_VALUE_H */
