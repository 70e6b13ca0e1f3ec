/*
 * buf.h
 *	  A byte buffer that grows with realloc and remembers failure.
 *
 * Appending never fails at the call: a buffer that could not grow is marked
 * `failed`, keeps its contents, ignores what follows, and the caller looks
 * once at the end.  A buffer can be reused (sc_buf_reset keeps its memory).
 */
#ifndef SC_CORE_BUF_H
#define SC_CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct ScBuf
{
	char	   *data;			/* not NUL-terminated unless sc_buf_cstr was called */
	size_t		len;
	size_t		cap;
	bool		failed;
} ScBuf;

#define SC_BUF_INIT {NULL, 0, 0, false}

extern void sc_buf_free(ScBuf *buf);

/* makes room for `extra` more bytes; false (and failed) when there is none */
extern bool sc_buf_reserve(ScBuf *buf, size_t extra);

/* the contents as a C string, or NULL after a failure */
extern const char *sc_buf_cstr(ScBuf *buf);

static inline void
sc_buf_reset(ScBuf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

static inline void
sc_buf_append(ScBuf *buf, const void *data, size_t len)
{
	if (len == 0)
		return;
	if (buf->cap - buf->len < len && !sc_buf_reserve(buf, len))
		return;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

static inline void
sc_buf_char(ScBuf *buf, char c)
{
	sc_buf_append(buf, &c, 1);
}

#define sc_buf_literal(buf, s) sc_buf_append((buf), (s), sizeof(s) - 1)

extern void sc_buf_string(ScBuf *buf, const char *s);
extern void sc_buf_uint64(ScBuf *buf, uint64_t value);	/* decimal */
extern void sc_buf_int64(ScBuf *buf, int64_t value);	/* decimal */
extern void sc_buf_hex(ScBuf *buf, const void *data, size_t len);	/* lower case */
extern void sc_buf_base64(ScBuf *buf, const void *data, size_t len);	/* RFC 4648 section 4, padded */
extern void sc_buf_base64url(ScBuf *buf, const void *data, size_t len);	/* section 5, without padding */

#endif							/* SC_CORE_BUF_H */
