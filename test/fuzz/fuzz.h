/*
 * fuzz.h
 *	  What every fuzz target needs: a check that stops the run, and its entry point.
 */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/status.h"

#define INVARIANT(cond) \
	do { \
		if (!(cond)) \
		{ \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* whether the buffer holds exactly these bytes */
static inline int
fuzz_same(const ScBuf *buf, const void *data, size_t len)
{
	return buf->len == len && (len == 0 || memcmp(buf->data, data, len) == 0);
}

#endif							/* TEST_FUZZ_H */
