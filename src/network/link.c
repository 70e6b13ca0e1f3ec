/*
 * link.c
 *	  Names of what connects two nodes: publication, subscription and slot.
 *
 * Invariant: the name follows from the two nodes' names alone, so that both
 * know it without asking; a direction has one name.
 */
#include "postgres.h"

#include "network/link.h"

#include "core/hash.h"

char *
sc_link_name(const char *publisher, const char *subscriber)
{
	char	   *text = psprintf("%s\n%s", publisher, subscriber);
	char	   *name = palloc(SC_LINK_NAME_LEN + 1);
	ScHash		hash;
	int			len;

	sc_hash_bytes(&hash, text, strlen(text));
	len = snprintf(name, SC_LINK_NAME_LEN + 1, "%s", SC_LINK_PREFIX);
	for (int i = 0; i < 8; i++)
		len += snprintf(name + len, SC_LINK_NAME_LEN + 1 - len, "%02x", hash.bytes[i]);
	pfree(text);
	return name;
}

bool
sc_link_name_ok(const char *name)
{
	size_t		prefix = strlen(SC_LINK_PREFIX);

	return strlen(name) == SC_LINK_NAME_LEN && strncmp(name, SC_LINK_PREFIX, prefix) == 0 &&
		strspn(name + prefix, "0123456789abcdef") == SC_LINK_NAME_LEN - prefix;
}
