/*
 * buf.c
 *	  The growing byte buffer, and the text forms that every format is made of.
 *
 * Memory comes from malloc: a buffer outlives whatever memory context the
 * server may be in, and its owner frees it.
 */
#include <stdlib.h>

#include "core/buf.h"

#define FIRST_CAPACITY 256

void
sc_buf_free(ScBuf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->len = buf->cap = 0;
	buf->failed = false;
}

bool
sc_buf_reserve(ScBuf *buf, size_t extra)
{
	size_t		cap = buf->cap ? buf->cap : FIRST_CAPACITY;
	char	   *data;

	if (buf->failed || extra > SIZE_MAX / 4 || buf->len > SIZE_MAX / 4)
	{
		buf->failed = true;

		/* what follows must not fit either, or a gap would go unseen */
		buf->cap = buf->len;
		return false;
	}
	if (buf->cap - buf->len >= extra)
		return true;
	while (cap - buf->len < extra)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (data == NULL)
	{
		buf->failed = true;
		buf->cap = buf->len;
		return false;
	}
	buf->data = data;
	buf->cap = cap;
	return true;
}

const char *
sc_buf_cstr(ScBuf *buf)
{
	if (buf->failed || !sc_buf_reserve(buf, 1))
		return NULL;
	buf->data[buf->len] = '\0';
	return buf->data;
}

void
sc_buf_string(ScBuf *buf, const char *s)
{
	sc_buf_append(buf, s, strlen(s));
}

/* two digits a step: numbers stand in every leaf */
void
sc_buf_uint64(ScBuf *buf, uint64_t value)
{
	static const char pairs[] =
		"0001020304050607080910111213141516171819"
		"2021222324252627282930313233343536373839"
		"4041424344454647484950515253545556575859"
		"6061626364656667686970717273747576777879"
		"8081828384858687888990919293949596979899";
	char		digits[20];
	char	   *p = digits + sizeof(digits);

	while (value >= 100)
	{
		p -= 2;
		memcpy(p, pairs + 2 * (value % 100), 2);
		value /= 100;
	}
	if (value >= 10)
	{
		p -= 2;
		memcpy(p, pairs + 2 * value, 2);
	}
	else
		*--p = (char) ('0' + value);
	sc_buf_append(buf, p, (size_t) (digits + sizeof(digits) - p));
}

void
sc_buf_int64(ScBuf *buf, int64_t value)
{
	if (value < 0)
	{
		sc_buf_char(buf, '-');
		sc_buf_uint64(buf, (uint64_t) 0 - (uint64_t) value);
	}
	else
		sc_buf_uint64(buf, (uint64_t) value);
}

void
sc_buf_hex(ScBuf *buf, const void *data, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *in = data;
	char	   *out;

	if (len == 0)
		return;
	if (len > SIZE_MAX / 8 || !sc_buf_reserve(buf, 2 * len))
	{
		buf->failed = true;
		return;
	}
	out = buf->data + buf->len;
	for (size_t i = 0; i < len; i++)
	{
		*out++ = hex[in[i] >> 4];
		*out++ = hex[in[i] & 15];
	}
	buf->len += 2 * len;
}

/* base64 in the given alphabet; the last group padded only where asked for */
static void
append_base64(ScBuf *buf, const char *code, bool padded, const void *data, size_t len)
{
	const uint8_t *in = data;
	char	   *out;
	size_t		i;

	if (len == 0)
		return;
	if (len > SIZE_MAX / 8 || !sc_buf_reserve(buf, (len + 2) / 3 * 4))
	{
		buf->failed = true;
		return;
	}
	out = buf->data + buf->len;
	for (i = 0; i + 3 <= len; i += 3)
	{
		uint32_t	group = (uint32_t) in[i] << 16 | (uint32_t) in[i + 1] << 8 | in[i + 2];

		*out++ = code[group >> 18];
		*out++ = code[group >> 12 & 63];
		*out++ = code[group >> 6 & 63];
		*out++ = code[group & 63];
	}
	if (i < len)
	{
		uint32_t	group = (uint32_t) in[i] << 16;

		if (i + 1 < len)
			group |= (uint32_t) in[i + 1] << 8;
		*out++ = code[group >> 18];
		*out++ = code[group >> 12 & 63];
		if (i + 1 < len)
			*out++ = code[group >> 6 & 63];
		else if (padded)
			*out++ = '=';
		if (padded)
			*out++ = '=';
	}
	buf->len = (size_t) (out - buf->data);
}

void
sc_buf_base64(ScBuf *buf, const void *data, size_t len)
{
	append_base64(buf, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true, data, len);
}

void
sc_buf_base64url(ScBuf *buf, const void *data, size_t len)
{
	append_base64(buf, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false, data, len);
}
