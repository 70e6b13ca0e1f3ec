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

/* a base64url character's value, or -1 */
static int
base64url_value(char c)
{
	if (c == '+' || c == '/')
		return -1;
	return base64_value(c == '-' ? '+' : c == '_' ? '/' : c);
}

bool
sc_text_base64url(uint8_t *out, size_t cap, size_t *outlen, const char *s, size_t len)
{
	uint32_t	bits = 0;
	int			nbits = 0;
	size_t		n = 0;

	if (len % 4 == 1)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		int			value = base64url_value(s[i]);

		if (value < 0)
			return false;
		bits = (bits << 6 | (uint32_t) value) & 0xFFFF;
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			if (n < cap)
				out[n] = (uint8_t) (bits >> nbits);
			n++;
		}
	}
	/* the bits left over are zero: one text, one value */
	if ((bits & ((1U << nbits) - 1)) != 0)
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
