/*
 * json.c
 *	  Canonical JSON (RFC 8785) of objects, arrays and strings.
 *
 * Writing is the hot path of every insert: a string is scanned in wide steps
 * for bytes that need an escape and copied in runs between them.
 *
 * Reading accepts exactly what a canonical writer would have written: a text
 * that parses is the only text of its value.  Depth is bounded by
 * SC_JSON_DEPTH, memory by the text's length.
 *
 * Numbers, booleans and null are refused: no leaf has them.
 */
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/json.h"
#include "core/text.h"

/* whether a byte cannot stand for itself in a JSON string */
static inline bool
needs_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* whether any of eight bytes needs an escape */
static inline bool
word_needs_escape(const char *s)
{
	uint64_t	word;
	uint64_t	quote;
	uint64_t	backslash;

	memcpy(&word, s, sizeof(word));
	quote = word ^ EACH_BYTE('"');
	backslash = word ^ EACH_BYTE('\\');
	return (((word - EACH_BYTE(0x20)) & ~word) |
			((quote - EACH_BYTE(1)) & ~quote) |
			((backslash - EACH_BYTE(1)) & ~backslash)) & EACH_BYTE(0x80);
}

#ifdef __SSE2__
/* one bit for each of sixteen bytes that needs an escape */
static inline int
vector_needs_escape(const char *s)
{
	__m128i		v = _mm_loadu_si128((const __m128i *) s);
	__m128i		control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
	__m128i		quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	__m128i		backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));

	return _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash)));
}
#endif

/* how many bytes at the start of s stand for themselves */
static inline size_t
plain_run(const char *s, size_t len)
{
	size_t		i = 0;

#ifdef __SSE2__
	for (; i + 16 <= len; i += 16)
	{
		int			mask = vector_needs_escape(s + i);

		if (mask != 0)
			return i + (size_t) __builtin_ctz((unsigned int) mask);
	}
#endif
	for (; i + 8 <= len; i += 8)
	{
		if (word_needs_escape(s + i))
			break;
	}
	while (i < len && !needs_escape((unsigned char) s[i]))
		i++;
	return i;
}

/* the letter of a two-character escape, or 0 */
static char
short_escape(unsigned char c)
{
	switch (c)
	{
		case '\b':
			return 'b';
		case '\t':
			return 't';
		case '\n':
			return 'n';
		case '\f':
			return 'f';
		case '\r':
			return 'r';
		case '"':
		case '\\':
			return (char) c;
		default:
			return 0;
	}
}

/* appends the shortest escape of a byte that needs one */
static void
append_escape(ScBuf *buf, unsigned char c)
{
	char		letter = short_escape(c);

	if (letter)
	{
		sc_buf_char(buf, '\\');
		sc_buf_char(buf, letter);
	}
	else
	{
		sc_buf_literal(buf, "\\u00");
		sc_buf_hex(buf, &c, 1);
	}
}

/*
 * Copies a string that needs no escape; false (and rubbish in out) when it
 * needs one.  Texts of a row are short: the last step of each width overlaps
 * the one before, so that no loop over single bytes is left.
 */
static inline bool
copy_plain(char *out, const char *s, size_t len)
{
	size_t		i;

	if (len < 8)
	{
		for (i = 0; i < len; i++)
		{
			if (needs_escape((unsigned char) s[i]))
				return false;
			out[i] = s[i];
		}
		return true;
	}
#ifdef __SSE2__
	if (len >= 16)
	{
		int			found = vector_needs_escape(s + len - 16);

		for (i = 0; i + 16 < len; i += 16)
			found |= vector_needs_escape(s + i);
		if (found != 0)
			return false;
		memcpy(out, s, len);
		return true;
	}
#endif
	for (i = 0; i + 8 < len; i += 8)
	{
		if (word_needs_escape(s + i))
			return false;
		memcpy(out + i, s + i, 8);
	}
	if (word_needs_escape(s + len - 8))
		return false;
	memcpy(out + len - 8, s + len - 8, 8);
	return true;
}

/* sc_json_string's way when something needs an escape */
static void
append_escaped(ScBuf *buf, const char *s, size_t len)
{
	for (;;)
	{
		size_t		run = plain_run(s, len);

		sc_buf_append(buf, s, run);
		if (run == len)
			return;
		append_escape(buf, (unsigned char) s[run]);
		s += run + 1;
		len -= run + 1;
	}
}

void
sc_json_string(ScBuf *buf, const char *s, size_t len)
{
	char	   *out;

	if (buf->cap - buf->len < len + 2 && !sc_buf_reserve(buf, len + 2))
		return;
	out = buf->data + buf->len;
	*out = '"';
	if (copy_plain(out + 1, s, len))
	{
		out[len + 1] = '"';
		buf->len += len + 2;
		return;
	}
	sc_buf_char(buf, '"');
	append_escaped(buf, s, len);
	sc_buf_char(buf, '"');
}

/*
 * UTF-16 order differs from byte order in one case: characters beyond U+FFFF
 * (lead bytes F0 to F4) are surrogates there, and sort before U+E000..U+FFFF
 * (lead bytes EE and EF).
 */
int
sc_json_compare_keys(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t		shorter = alen < blen ? alen : blen;

	for (size_t i = 0; i < shorter; i++)
	{
		unsigned char ca = (unsigned char) a[i];
		unsigned char cb = (unsigned char) b[i];

		if (ca == cb)
			continue;
		if (ca >= 0xEE && cb >= 0xEE && (ca >= 0xF0) != (cb >= 0xF0))
			return ca >= 0xF0 ? -1 : 1;
		return ca < cb ? -1 : 1;
	}
	return alen < blen ? -1 : alen > blen ? 1 : 0;
}

typedef struct Parser
{
	const char *p;
	const char *end;
} Parser;

static ScStatus parse_value(Parser *parser, ScJson **out, int depth);

/* steps over the byte c if it is next */
static bool
take(Parser *parser, char c)
{
	if (parser->p == parser->end || *parser->p != c)
		return false;
	parser->p++;
	return true;
}

/* reads what follows a backslash; only the shortest escape is canonical */
static bool
parse_escape(Parser *parser, char *out)
{
	static const char letters[] = "btnfr\"\\";
	static const char values[] = "\b\t\n\f\r\"\\";
	const char *letter;
	uint8_t		byte;

	if (parser->p == parser->end || *parser->p == '\0')
		return false;
	letter = strchr(letters, *parser->p);
	if (letter)
	{
		*out = values[letter - letters];
		parser->p++;
		return true;
	}
	if (parser->end - parser->p < 5 || memcmp(parser->p, "u00", 3) != 0 ||
		!sc_text_hex(&byte, 1, parser->p + 3, 2) || byte >= 0x20 || short_escape(byte))
		return false;
	*out = (char) byte;
	parser->p += 5;
	return true;
}

/* reads a string whose opening quote was taken; *out is malloc'd, with a NUL after it */
static ScStatus
parse_string(Parser *parser, char **out, size_t *len)
{
	const char *start = parser->p;
	const char *close = start;
	char	   *s;
	size_t		n = 0;

	while (close < parser->end && *close != '"')
		close += *close == '\\' ? 2 : 1;
	if (close >= parser->end)
		return SC_MALFORMED;
	s = malloc((size_t) (close - start) + 1);
	if (s == NULL)
		return SC_NO_MEMORY;
	while (parser->p < close)
	{
		size_t		run = plain_run(parser->p, (size_t) (close - parser->p));

		memcpy(s + n, parser->p, run);
		n += run;
		parser->p += run;
		if (parser->p < close && (!take(parser, '\\') || !parse_escape(parser, &s[n++])))
			break;
	}
	if (parser->p != close || !sc_text_utf8_ok(s, n))
	{
		free(s);
		return SC_MALFORMED;
	}
	parser->p++;
	s[n] = '\0';
	*out = s;
	*len = n;
	return SC_OK;
}

/* reads a member's name and colon into its value, which must sort after `previous` */
static ScStatus
parse_member(Parser *parser, ScJson **out, const ScJson *previous, int depth)
{
	char	   *key;
	size_t		keylen;
	ScStatus	status;

	if (!take(parser, '"'))
		return SC_MALFORMED;
	status = parse_string(parser, &key, &keylen);
	if (status != SC_OK)
		return status;
	if (!take(parser, ':') ||
		(previous && sc_json_compare_keys(previous->key, previous->keylen, key, keylen) >= 0))
		status = SC_MALFORMED;
	else
		status = parse_value(parser, out, depth);
	if (status != SC_OK)
	{
		free(key);
		return status;
	}
	(*out)->key = key;
	(*out)->keylen = keylen;
	return SC_OK;
}

/* reads the children of an array or object whose opening bracket was taken */
static ScStatus
parse_children(Parser *parser, ScJson *parent, int depth)
{
	char		close = parent->kind == SC_JSON_OBJECT ? '}' : ']';
	ScJson	   *previous = NULL;

	if (depth > SC_JSON_DEPTH)
		return SC_MALFORMED;
	if (take(parser, close))
		return SC_OK;
	do
	{
		ScJson	   *child;
		ScStatus	status;

		if (parent->kind == SC_JSON_OBJECT)
			status = parse_member(parser, &child, previous, depth);
		else
			status = parse_value(parser, &child, depth);
		if (status != SC_OK)
			return status;
		if (previous)
			previous->next = child;
		else
			parent->first = child;
		previous = child;
	} while (take(parser, ','));
	return take(parser, close) ? SC_OK : SC_MALFORMED;
}

/* reads one value; `depth` counts the brackets around it */
static ScStatus
parse_value(Parser *parser, ScJson **out, int depth)
{
	ScJson	   *json = calloc(1, sizeof(ScJson));
	ScStatus	status = SC_MALFORMED;

	if (json == NULL)
		return SC_NO_MEMORY;
	if (take(parser, '"'))
	{
		json->kind = SC_JSON_STRING;
		status = parse_string(parser, &json->string, &json->len);
	}
	else if (take(parser, '{'))
	{
		json->kind = SC_JSON_OBJECT;
		status = parse_children(parser, json, depth + 1);
	}
	else if (take(parser, '['))
	{
		json->kind = SC_JSON_ARRAY;
		status = parse_children(parser, json, depth + 1);
	}
	if (status != SC_OK)
	{
		sc_json_free(json);
		return status;
	}
	*out = json;
	return SC_OK;
}

ScStatus
sc_json_parse(ScJson **out, const char *text, size_t len)
{
	Parser		parser = {text, text + len};
	ScJson	   *json;
	ScStatus	status = parse_value(&parser, &json, 0);

	if (status != SC_OK)
		return status;
	if (parser.p != parser.end)
	{
		sc_json_free(json);
		return SC_MALFORMED;
	}
	*out = json;
	return SC_OK;
}

void
sc_json_free(ScJson *json)
{
	while (json)
	{
		ScJson	   *next = json->next;

		sc_json_free(json->first);
		free(json->key);
		free(json->string);
		free(json);
		json = next;
	}
}

int
sc_json_count(const ScJson *object)
{
	int			n = 0;

	for (const ScJson *member = object->first; member; member = member->next)
		n++;
	return n;
}

const ScJson *
sc_json_member(const ScJson *object, const char *key)
{
	if (object == NULL || object->kind != SC_JSON_OBJECT)
		return NULL;
	for (const ScJson *member = object->first; member; member = member->next)
	{
		if (sc_text_is(member->key, member->keylen, key))
			return member;
	}
	return NULL;
}
