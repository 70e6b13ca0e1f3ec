/*
 * text.c
 *	  Strict readers for UTF-8, decimals, hex, base64 and lines.
 *
 * No reader looks beyond the length it is given, allocates or fails in any
 * other way than by answering false.
 */
#include <string.h>

#include "core/text.h"

size_t
sc_text_utf8_char(uint32_t *cp, const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *) s;
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t		n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
	{
		*cp = p[0];
		return 1;
	}
	n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
	if (p[0] < 0xC2 || p[0] > 0xF4 || n > len)
		return 0;
	*cp = p[0] & (0x7F >> n);
	for (size_t i = 1; i < n; i++)
	{
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3F);
	}
	if (*cp < least[n] || *cp > 0x10FFFF || (*cp >= 0xD800 && *cp <= 0xDFFF))
		return 0;
	return n;
}

bool
sc_text_utf8_ok(const char *s, size_t len)
{
	while (len > 0)
	{
		uint32_t	cp;
		size_t		n = sc_text_utf8_char(&cp, s, len);

		if (n == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

bool
sc_text_hidden(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0xAD || cp == 0x61C || cp == 0x180E ||
		(cp >= 0x200B && cp <= 0x200F) || (cp >= 0x2028 && cp <= 0x202E) ||
		(cp >= 0x2060 && cp <= 0x206F) || cp == 0xFEFF || (cp >= 0xFFF9 && cp <= 0xFFFB) ||
		(cp >= 0xE0000 && cp <= 0xE0FFF);
}

bool
sc_text_uint64(uint64_t *out, const char *s, size_t len)
{
	uint64_t	value = 0;

	if (len == 0 || len > 20 || (s[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		uint64_t	digit = (uint64_t) (uint8_t) s[i] - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

/* a lower-case hex digit's value, or -1 */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
sc_text_hex(uint8_t *out, size_t outlen, const char *s, size_t len)
{
	if (len / 2 != outlen || len % 2 != 0)
		return false;
	for (size_t i = 0; i < outlen; i++)
	{
		int			high = hex_value(s[2 * i]);
		int			low = hex_value(s[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t) (high << 4 | low);
	}
	return true;
}

/* a base64 character's value, or -1 */
static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
sc_text_base64(uint8_t *out, size_t cap, size_t *outlen, const char *s, size_t len)
{
	size_t		n = 0;

	if (len % 4 != 0)
		return false;
	for (size_t i = 0; i < len; i += 4)
	{
		int			pad = 0;
		uint32_t	group = 0;

		if (i + 4 == len && s[i + 3] == '=')
			pad = s[i + 2] == '=' ? 2 : 1;
		for (int j = 0; j < 4; j++)
		{
			int			value = j >= 4 - pad ? 0 : base64_value(s[i + j]);

			if (value < 0)
				return false;
			group = group << 6 | (uint32_t) value;
		}
		/* the bits that padding leaves over are zero: one text, one value */
		if (pad > 0 && (group & (pad == 2 ? 0xFFFF : 0xFF)) != 0)
			return false;
		for (int j = 0; j < 3 - pad; j++, n++)
		{
			if (n < cap)
				out[n] = (uint8_t) (group >> (16 - 8 * j));
		}
	}
	*outlen = n;
	return true;
}

/* a base64url character's value, above 63 for any other */
static const uint8_t base64url_values[256] = {
#define NONE16 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255
	NONE16, NONE16,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 62, 255, 255,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 255, 255, 255, 255, 255, 255,
	255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 255, 255, 255, 255, 63,
	255, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 255, 255, 255, 255, 255,
	NONE16, NONE16, NONE16, NONE16, NONE16, NONE16, NONE16, NONE16
#undef NONE16
};

bool
sc_text_base64url(uint8_t *out, size_t cap, size_t *outlen, const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *) s;
	size_t		n = len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
	uint8_t		wrong = 0;
	uint8_t		last[3] = {0};

	if (len % 4 == 1)
		return false;
	for (size_t i = 0; i < n; i += 3, p += 4)
	{
		/* the characters that are missing at the end are zeros */
		size_t		have = (size_t) ((const uint8_t *) s + len - p);
		uint8_t		a = base64url_values[p[0]];
		uint8_t		b = base64url_values[p[1]];
		uint8_t		c = have > 2 ? base64url_values[p[2]] : 0;
		uint8_t		d = have > 3 ? base64url_values[p[3]] : 0;

		wrong |= a | b | c | d;
		last[0] = (uint8_t) (a << 2 | b >> 4);
		last[1] = (uint8_t) (b << 4 | c >> 2);
		last[2] = (uint8_t) (c << 6 | d);
		for (size_t j = 0; j < 3 && i + j < n && i + j < cap; j++)
			out[i + j] = last[j];
	}
	/* the bits left over are zero: one text, one value */
	if (wrong > 63 || (n % 3 != 0 && last[n % 3] != 0))
		return false;
	*outlen = n;
	return true;
}

bool
sc_text_base64_hash(ScHash *out, const char *s, size_t len)
{
	size_t		n;

	return sc_text_base64(out->bytes, SC_HASH_LEN, &n, s, len) && n == SC_HASH_LEN;
}

bool
sc_text_line(const char **line, size_t *linelen, const char **text, size_t *len)
{
	const char *end = *len > 0 ? memchr(*text, '\n', *len) : NULL;

	if (end == NULL)
		return false;
	*line = *text;
	*linelen = (size_t) (end - *text);
	*len -= *linelen + 1;
	*text = end + 1;
	return true;
}

bool
sc_text_is(const char *line, size_t len, const char *s)
{
	return strlen(s) == len && (len == 0 || memcmp(line, s, len) == 0);
}

bool
sc_text_skip(const char **line, size_t *len, const char *prefix)
{
	size_t		n = strlen(prefix);

	if (*len < n || memcmp(*line, prefix, n) != 0)
		return false;
	*line += n;
	*len -= n;
	return true;
}
