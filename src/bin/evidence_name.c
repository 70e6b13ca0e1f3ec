/*
 * evidence_name.c
 *	  What the files of a directory of evidence are called (docs/verify-program.md).
 *
 * One name, one role: numbers are decimals without leading zeros, and a name
 * that is not exactly one of these means nothing.
 */
#include "bin/evidence.h"
#include "core/text.h"

#define KILOBYTE 1024

typedef struct RoleName
{
	const char *before;			/* the name, or what stands before the number */
	const char *after;			/* what stands behind the number; NULL: no number */
	size_t		limit;
} RoleName;

static const RoleName names[] = {
	[SC_ROLE_ROW] = {"row.receipt", NULL, 1024 * KILOBYTE},
	[SC_ROLE_RULE] = {"rule.receipt", NULL, 1024 * KILOBYTE},
	[SC_ROLE_MEMBERS] = {"members.receipt", NULL, 1024 * KILOBYTE},
	[SC_ROLE_MEMBER] = {"member.receipt", NULL, 1024 * KILOBYTE},
	[SC_ROLE_KEY] = {"key.receipt", NULL, 1024 * KILOBYTE},
	[SC_ROLE_DELEGATE] = {"delegate.receipt", NULL, 1024 * KILOBYTE},
	[SC_ROLE_SUCCESSOR] = {"successor.receipt", NULL, 1024 * KILOBYTE},
	[SC_ROLE_STATUS] = {"status-", ".receipt", 1024 * KILOBYTE},
	[SC_ROLE_DELEGATION] = {"delegation-", ".receipt", 1024 * KILOBYTE},
	[SC_ROLE_AUTHORITY] = {"authority-", ".receipt", 1024 * KILOBYTE},
	[SC_ROLE_CRL] = {"crl-", ".receipt", 1024 * KILOBYTE},
	[SC_ROLE_JWS] = {"row.jws", NULL, 16 * KILOBYTE},
	[SC_ROLE_SPKI] = {"key.spki", NULL, 16 * KILOBYTE},
	[SC_ROLE_CERTIFICATE] = {"key.der", NULL, 64 * KILOBYTE},
	[SC_ROLE_AUTHORITY_FILE] = {"authority-", ".der", 64 * KILOBYTE},
	[SC_ROLE_CRL_FILE] = {"crl-", ".der", SC_CRL_MAX},
	[SC_ROLE_CHECKPOINT] = {"checkpoint-", "", 1024 * KILOBYTE},
	[SC_ROLE_CONSISTENCY] = {"consistency-", "", 64 * KILOBYTE},
	[SC_ROLE_TIMESTAMP] = {"timestamp-", ".tsr", SC_TIMESTAMP_MAX},
};

/* "5" or, for two, "5-1" */
static bool
take_numbers(const char *s, size_t len, bool two, uint64_t *number, uint64_t *second)
{
	const char *dash = two ? memchr(s, '-', len) : NULL;

	if (!two)
		return sc_text_uint64(number, s, len);
	return dash && sc_text_uint64(number, s, (size_t) (dash - s)) &&
		sc_text_uint64(second, dash + 1, len - (size_t) (dash + 1 - s));
}

ScRole
sc_evidence_role(const char *name, uint64_t *number, uint64_t *second)
{
	*number = *second = 0;
	for (ScRole role = 0; role < SC_ROLE_NONE; role++)
	{
		const char *s = name;
		size_t		len = strlen(name);
		size_t		after = names[role].after ? strlen(names[role].after) : 0;

		if (!sc_text_skip(&s, &len, names[role].before))
			continue;
		if (names[role].after == NULL)
		{
			if (len == 0)
				return role;
			continue;
		}
		if (len > after && memcmp(s + len - after, names[role].after, after) == 0 &&
			take_numbers(s, len - after, role == SC_ROLE_TIMESTAMP, number, second))
			return role;
	}
	*number = *second = 0;
	return SC_ROLE_NONE;
}

size_t
sc_evidence_limit(ScRole role)
{
	return names[role].limit;
}
