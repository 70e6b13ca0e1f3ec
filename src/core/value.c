/*
 * value.c
 *	  Reading the values of columns in leaves.
 *
 * Only what PostgreSQL's output functions write is taken (bytea_output hex,
 * array_out), so that one value has one text.
 */
#include "core/text.h"
#include "core/value.h"

ScStatus
sc_value_bytea(ScBuf *out, const char *s, size_t len)
{
	if (!sc_text_skip(&s, &len, "\\x") || len % 2 != 0)
		return SC_MALFORMED;
	for (size_t i = 0; i < len; i += 2)
	{
		uint8_t		byte;

		if (!sc_text_hex(&byte, 1, s + i, 2))
			return SC_MALFORMED;
		sc_buf_char(out, (char) byte);
	}
	return out->failed ? SC_NO_MEMORY : SC_OK;
}

void
sc_value_bytea_text(ScBuf *out, const void *data, size_t len)
{
	sc_buf_literal(out, "\\x");
	sc_buf_hex(out, data, len);
}

/* white space to array_out */
static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* whether an element that is not in quotes may stand so */
static bool
bare_ok(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (s[i] == '{' || s[i] == '}' || s[i] == '"' || s[i] == '\\' || is_space(s[i]))
			return false;
	}
	return len > 0;
}

/* the element in quotes that starts behind the quote; compares as it goes, false when it has no end */
static bool
take_quoted(bool *same, const char **s, size_t *len, const char *element, size_t elementlen)
{
	size_t		n = 0;

	*same = true;
	while (*len > 0 && **s != '"')
	{
		if (**s == '\\')
		{
			(*s)++;
			(*len)--;
			if (*len == 0 || (**s != '"' && **s != '\\'))
				return false;
		}
		*same = *same && n < elementlen && element[n] == **s;
		n++;
		(*s)++;
		(*len)--;
	}
	*same = *same && n == elementlen;
	return sc_text_skip(s, len, "\"");
}

/* an element without quotes, up to the comma or the end; NULL is no element */
static bool
take_bare(bool *same, const char **s, size_t *len, const char *element, size_t elementlen)
{
	size_t		n = 0;

	while (n < *len && (*s)[n] != ',' && (*s)[n] != '}')
		n++;
	if (!bare_ok(*s, n))
		return false;
	*same = n == elementlen && memcmp(*s, element, n) == 0 && !sc_text_is(*s, n, "NULL");
	*s += n;
	*len -= n;
	return true;
}

ScStatus
sc_value_array_has(bool *has, const char *s, size_t len, const char *element, size_t elementlen)
{
	*has = false;
	if (sc_text_is(s, len, "{}"))
		return SC_OK;
	if (!sc_text_skip(&s, &len, "{"))
		return SC_MALFORMED;
	for (;;)
	{
		bool		same = false;

		if (!(sc_text_skip(&s, &len, "\"") ? take_quoted(&same, &s, &len, element, elementlen) :
			  take_bare(&same, &s, &len, element, elementlen)))
			return SC_MALFORMED;
		*has = *has || same;
		if (sc_text_is(s, len, "}"))
			return SC_OK;
		if (!sc_text_skip(&s, &len, ","))
			return SC_MALFORMED;
	}
}
