/*
 * decimal.h
 *	  Exact decimal numbers as texts: what amounts in leaves look like.
 *
 * A number is an optional '-', digits, and optionally '.' and digits: what
 * PostgreSQL writes for integers and numerics.  Its shortest form has no
 * leading zeros, no zeros at the end of the fraction and no -0.
 */
#ifndef SC_CORE_DECIMAL_H
#define SC_CORE_DECIMAL_H

#include <stdbool.h>

#include "core/buf.h"

/* the most digits that a number may have */
#define SC_DECIMAL_DIGITS 1000

/* is the text a number of at most SC_DECIMAL_DIGITS digits? */
extern bool sc_decimal_ok(const char *text);

/* the functions below take texts for which sc_decimal_ok holds, or sums of such */

/* -1, 0 or 1 */
extern int	sc_decimal_sign(const char *a);
extern int	sc_decimal_compare(const char *a, const char *b);

/* appends the shortest form of a + b */
extern void sc_decimal_add(ScBuf *buf, const char *a, const char *b);

/* digits behind the point in the shortest form */
extern int	sc_decimal_scale(const char *a);

#endif							/* SC_CORE_DECIMAL_H */
