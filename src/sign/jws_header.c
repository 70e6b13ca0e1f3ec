/*
 * jws_header.c
 *	  A strict reader of small JSON objects, for JWS headers.
 *
 * Everything that RFC 8259 allows is understood; what it leaves open is
 * refused: repeated names (RFC 7515 section 4), at any depth; lone surrogates;
 * NUL, which no C string or PostgreSQL text can hold; a byte order mark.
 * Nothing is allocated; the header's size bounds the work, and the number of
 * names that are compared with one another is bounded besides.
 *
 * Source: RFC 8259, RFC 7515 section 4.  It does not judge what members mean.
 */
#include <stdint.h>
#include <string.h>

#include "core/text.h"
#include "sign/jws_header.h"

/* a member name that is in scope: unescaped, in reader.names */
typedef struct Name
{
	uint16_t	start;
	uint16_t	len;
} Name;

typedef struct Reader
{
	const char *p;
	const char *end;
	int			depth;
	ScHeaderResult result;
	Name		open[SC_JWS_NAMES_MAX];
	int			nopen;
	char		names[SC_JWS_HEADER_MAX];	/* unescaping never lengthens */
	size_t		nameslen;
	ScHeaderVisitor visit;
	void	   *state;
	bool		stopped;
	ScHeaderMember member;
} Reader;

static bool read_value(Reader *r, ScHeaderMember *member);

/* remembers why; always false */
static bool
fail(Reader *r, ScHeaderResult result)
{
	if (r->result == SC_HEADER_OK)
		r->result = result;
	return false;
}

static void
skip_space(Reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

/* skips this character if it comes next */
static bool
accept(Reader *r, char c)
{
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* four hex digits of either case */
static bool
read_hex4(Reader *r, uint32_t *out)
{
	*out = 0;
	if (r->end - r->p < 4)
		return false;
	for (int i = 0; i < 4; i++)
	{
		char		c = *r->p++;
		int			digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			digit = c - 'A' + 10;
		else
			return false;
		*out = *out << 4 | (uint32_t) digit;
	}
	return true;
}

/* writes a code point as UTF-8; how many bytes */
static size_t
put_utf8(char *out, uint32_t cp)
{
	size_t		n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	static const uint8_t lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};

	for (size_t i = n - 1; i > 0; i--)
	{
		out[i] = (char) (0x80 | (cp & 0x3F));
		cp >>= 6;
	}
	out[0] = (char) (lead[n] | cp);
	return n;
}

/* what follows \u: a code point, of a surrogate pair if it starts one */
static bool
read_unicode_escape(Reader *r, uint32_t *cp)
{
	uint32_t	low;

	if (!read_hex4(r, cp) || *cp == 0 || (*cp >= 0xDC00 && *cp <= 0xDFFF))
		return false;
	if (*cp < 0xD800 || *cp > 0xDBFF)
		return true;
	if (!accept(r, '\\') || !accept(r, 'u') || !read_hex4(r, &low) || low < 0xDC00 || low > 0xDFFF)
		return false;
	*cp = 0x10000 + ((*cp - 0xD800) << 10) + (low - 0xDC00);
	return true;
}

/* what follows a backslash */
static bool
read_escape(Reader *r, uint32_t *cp)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (r->p == r->end)
		return false;
	if (accept(r, 'u'))
		return read_unicode_escape(r, cp);
	if (*r->p == '\0' || (found = strchr(from, *r->p)) == NULL)
		return false;
	r->p++;
	*cp = (uint32_t) to[found - from];
	return true;
}

/* a string, its opening quote next; unescaped to out (cap bytes; longer is counted, not written) */
static bool
read_string(Reader *r, char *out, size_t cap, size_t *outlen)
{
	size_t		n = 0;

	if (!accept(r, '"'))
		return fail(r, SC_HEADER_NOT_JSON);
	while (!accept(r, '"'))
	{
		char		bytes[4];
		uint32_t	cp;
		size_t		clen;

		if (accept(r, '\\'))
		{
			if (!read_escape(r, &cp))
				return fail(r, SC_HEADER_NOT_JSON);
			clen = put_utf8(bytes, cp);
		}
		else
		{
			clen = sc_text_utf8_char(&cp, r->p, (size_t) (r->end - r->p));
			if (clen == 0 || cp < 0x20)
				return fail(r, SC_HEADER_NOT_JSON);
			memcpy(bytes, r->p, clen);
			r->p += clen;
		}
		if (n + clen <= cap)
			memcpy(out + n, bytes, clen);
		n += clen;
	}
	*outlen = n;
	return true;
}

/* digits, at least one */
static bool
skip_digits(Reader *r)
{
	const char *start = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return r->p > start;
}

static bool
skip_number(Reader *r)
{
	(void) accept(r, '-');
	if (!accept(r, '0') && !skip_digits(r))
		return fail(r, SC_HEADER_NOT_JSON);
	if (accept(r, '.') && !skip_digits(r))
		return fail(r, SC_HEADER_NOT_JSON);
	if (accept(r, 'e') || accept(r, 'E'))
	{
		if (!accept(r, '+'))
			(void) accept(r, '-');
		if (!skip_digits(r))
			return fail(r, SC_HEADER_NOT_JSON);
	}
	return true;
}

static bool
skip_word(Reader *r, const char *word)
{
	size_t		n = strlen(word);

	if ((size_t) (r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return fail(r, SC_HEADER_NOT_JSON);
	r->p += n;
	return true;
}

/* an array, its bracket read */
static bool
skip_array(Reader *r)
{
	skip_space(r);
	if (accept(r, ']'))
		return true;
	do
	{
		if (!read_value(r, NULL))
			return false;
		skip_space(r);
	} while (accept(r, ','));
	return accept(r, ']') || fail(r, SC_HEADER_NOT_JSON);
}

/* reads a name, which must be new among those from `first` on */
static bool
read_name(Reader *r, int first)
{
	Name	   *name = &r->open[r->nopen];
	size_t		len;

	if (r->nopen == SC_JWS_NAMES_MAX)
		return fail(r, SC_HEADER_TOO_LARGE);
	if (!read_string(r, r->names + r->nameslen, sizeof(r->names) - r->nameslen, &len))
		return false;
	if (len > sizeof(r->names) - r->nameslen)
		return fail(r, SC_HEADER_TOO_LARGE);
	name->start = (uint16_t) r->nameslen;
	name->len = (uint16_t) len;
	for (int i = first; i < r->nopen; i++)
	{
		if (r->open[i].len == len && memcmp(r->names + r->open[i].start, r->names + name->start, len) == 0)
			return fail(r, SC_HEADER_DUPLICATE);
	}
	r->nopen++;
	r->nameslen += len;
	return true;
}

/* tells the visitor of the outermost member just read, whose name is the last one */
static void
report(Reader *r)
{
	const Name *name = &r->open[r->nopen - 1];
	size_t		len = name->len < SC_JWS_TEXT_MAX ? name->len : SC_JWS_TEXT_MAX;

	memcpy(r->member.name, r->names + name->start, len);
	r->member.name[len] = '\0';
	r->stopped = !r->visit(r->state, &r->member);
}

/* an object, its brace read */
static bool
read_object(Reader *r)
{
	int			first = r->nopen;
	size_t		start = r->nameslen;
	bool		outermost = r->depth == 1;

	skip_space(r);
	if (accept(r, '}'))
		return true;
	do
	{
		skip_space(r);
		if (!read_name(r, first))
			return false;
		skip_space(r);
		if (!accept(r, ':'))
			return fail(r, SC_HEADER_NOT_JSON);
		if (!read_value(r, outermost ? &r->member : NULL))
			return false;
		if (outermost && !r->stopped)
			report(r);
		skip_space(r);
	} while (accept(r, ','));
	r->nopen = first;
	r->nameslen = start;
	return accept(r, '}') || fail(r, SC_HEADER_NOT_JSON);
}

/* an object or array, its first character next */
static bool
read_nested(Reader *r)
{
	bool		ok;

	if (++r->depth > SC_JWS_HEADER_DEPTH)
		return fail(r, SC_HEADER_TOO_LARGE);
	ok = accept(r, '{') ? read_object(r) : (accept(r, '[') && skip_array(r));
	r->depth--;
	return ok;
}

/* any value; a string is kept in *member if that is given */
static bool
read_value(Reader *r, ScHeaderMember *member)
{
	char		c;

	skip_space(r);
	if (r->p == r->end)
		return fail(r, SC_HEADER_NOT_JSON);
	c = *r->p;
	if (member)
		member->is_string = false;
	if (c == '"')
	{
		size_t		len;

		if (!read_string(r, member ? member->text : NULL, member ? SC_JWS_TEXT_MAX : 0, &len))
			return false;
		if (member)
		{
			member->is_string = true;
			member->too_long = len > SC_JWS_TEXT_MAX;
			member->textlen = member->too_long ? 0 : len;
			member->text[member->textlen] = '\0';
		}
		return true;
	}
	if (c == '{' || c == '[')
		return read_nested(r);
	if (c == '-' || (c >= '0' && c <= '9'))
		return skip_number(r);
	return skip_word(r, c == 't' ? "true" : c == 'f' ? "false" : "null");
}

ScHeaderResult
sc_jws_header_read(const char *json, size_t len, ScHeaderVisitor visit, void *state)
{
	Reader		r;

	if (len > SC_JWS_HEADER_MAX)
		return SC_HEADER_TOO_LARGE;
	r.p = json;
	r.end = json + len;
	r.depth = 0;
	r.result = SC_HEADER_OK;
	r.nopen = 0;
	r.nameslen = 0;
	r.visit = visit;
	r.state = state;
	r.stopped = false;
	skip_space(&r);
	if (r.p == r.end || *r.p != '{')
		return SC_HEADER_NOT_JSON;
	if (!read_nested(&r))
		return r.result;
	skip_space(&r);
	return r.p == r.end ? SC_HEADER_OK : SC_HEADER_NOT_JSON;
}
