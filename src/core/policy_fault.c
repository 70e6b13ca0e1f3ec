/*
 * policy_fault.c
 *	  What is wrong with a line of a policy, where that cannot be seen on it.
 *
 * Policies are written by hand, in editors and shells that end lines in other
 * ways, with keys copied from elsewhere.  Nothing here decides anything.
 * Source: C2SP tlog-policy.
 */
#include <string.h>

#include "core/policy.h"
#include "core/text.h"

/* where the Base64 of the line's first name+12345678+Base64 begins; 0 when there is none */
static size_t
key_material(const char *line, size_t len)
{
	for (size_t i = 2 * SC_KEY_ID_LEN + 1; i < len; i++)
	{
		if (line[i] == '+' && line[i - 2 * SC_KEY_ID_LEN - 1] == '+')
			return i + 1;
	}
	return 0;
}

/* has the line a key of a type that cannot stand there? */
static bool
has_other_key(const char *line, size_t len)
{
	bool		log = sc_text_skip(&line, &len, "log ");
	size_t		from;
	size_t		end;
	size_t		n;
	uint8_t		type;

	if (!log && !sc_text_skip(&line, &len, "witness "))
		return false;
	from = end = key_material(line, len);
	while (from > 0 && end < len && line[end] != ' ' && line[end] != '\t')
		end++;
	return sc_text_base64(&type, 1, &n, line + from, end - from) && n > 1 && !sc_policy_type_ok(type, log);
}

const char *
sc_policy_fault(const char *text, size_t len, int line_number)
{
	const char *line = text;
	size_t		linelen = len;
	int			n = 0;

	if (line_number < 1)
		return "it does not say which quorum it asks for";
	while (n < line_number && sc_text_line(&line, &linelen, &text, &len))
		n++;
	if (n < line_number)
		return "it does not end with a newline: is the file cut short?";
	if (linelen > 0 && line[linelen - 1] == '\r')
		return "it ends with a carriage return; lines end with a newline alone";
	if (has_other_key(line, linelen))
		return "a key of this type cannot stand here: a log's is Ed25519 (0x01), a witness's cosignature/v1 (0x04), either may be ECDSA (0x02)";
	return NULL;
}
