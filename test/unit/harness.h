/*
 * harness.h
 *	  Checks, hex and vector lines for the unit tests; one program includes it once.
 *
 * CHECK counts.  REQUIRE is for loops of millions: it counts failures only, and
 * the loop ends with one CHECK_NO_NEW_FAILURE.
 */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/status.h"

static int	test_passed;
static int	test_failed;
static const char *test_vectors;	/* folder of the lines made by to_lines.pl */

#define REQUIRE_CASE(cond, what) \
	do { \
		if (!(cond) && ++test_failed <= 20) \
			fprintf(stderr, "%s:%d: failed: %s [%s]\n", __FILE__, __LINE__, #cond, what); \
	} while (0)
#define REQUIRE(cond) REQUIRE_CASE(cond, "")

#define CHECK_CASE(cond, what) \
	do { \
		if (cond) \
			test_passed++; \
		else \
		{ \
			test_failed++; \
			fprintf(stderr, "%s:%d: failed: %s [%s]\n", __FILE__, __LINE__, #cond, what); \
		} \
	} while (0)
#define CHECK(cond) CHECK_CASE(cond, "")

#define CHECK_STATUS(expr, expected) \
	do { \
		ScStatus status_ = (expr); \
		CHECK_CASE(status_ == (expected), sc_status_text(status_)); \
	} while (0)

#define CHECK_NO_NEW_FAILURE(before) CHECK(test_failed == (before))

static inline int
test_end(const char *name)
{
	printf("%-14s %d passed, %d failed\n", name, test_passed, test_failed);
	return test_failed == 0 ? 0 : 1;
}

static inline void
test_begin(int argc, char **argv)
{
	test_vectors = argc > 1 ? argv[1] : ".";
}

/* bytes of a hex field ("-" is none); exits when it is not one */
static inline uint8_t *
test_unhex(size_t *len, const char *hex)
{
	size_t		n = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
	uint8_t    *out = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
	{
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			abort();
		out[i] = (uint8_t) byte;
	}
	out[n] = 0;
	*len = n;
	return out;
}

/* a hash from a hex field; false when it is not 32 bytes */
static inline bool
test_unhash(ScHash *out, const char *hex)
{
	size_t		len;
	uint8_t    *bytes = test_unhex(&len, hex);
	bool		ok = len == SC_HASH_LEN;

	if (ok)
		memcpy(out->bytes, bytes, SC_HASH_LEN);
	free(bytes);
	return ok;
}

static inline bool
test_same_hash(const ScHash *a, const ScHash *b)
{
	return memcmp(a->bytes, b->bytes, SC_HASH_LEN) == 0;
}

static inline FILE *
test_open(const char *name)
{
	char		path[1024];
	FILE	   *f;

	snprintf(path, sizeof(path), "%s/%s", test_vectors, name);
	f = fopen(path, "r");
	if (f == NULL)
	{
		perror(path);
		exit(1);
	}
	return f;
}

/* reads a line and splits it at tabs; how many fields, 0 at the end */
#define TEST_FIELDS 8
static inline int
test_read(FILE *f, char *fields[TEST_FIELDS])
{
	static char *line;
	static size_t cap;
	ssize_t		len = getline(&line, &cap, f);
	int			n = 0;

	if (len <= 0)
	{
		free(line);
		line = NULL;
		cap = 0;
		return 0;
	}
	line[strcspn(line, "\n")] = '\0';
	for (char *p = line; p && n < TEST_FIELDS; n++)
	{
		fields[n] = p;
		p = strchr(p, '\t');
		if (p)
			*p++ = '\0';
	}
	return n;
}

/* a small generator, the same in every run */
static inline uint64_t
test_random(void)
{
	static uint64_t state = UINT64_C(0x9E3779B97F4A7C15);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

#endif							/* TEST_HARNESS_H */
