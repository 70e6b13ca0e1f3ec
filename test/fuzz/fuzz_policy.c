/*
 * fuzz_policy.c
 *	  Policies: more signers never make a satisfied quorum unsatisfied, and all of them satisfy it.
 */
#include "fuzz.h"

#include "core/policy.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ScPolicy policy;
	bool		good[SC_POLICY_KEYS_MAX] = {0};
	bool		met;
	int			line;

	if (sc_policy_parse(&policy, &line, (const char *) data, size) != SC_OK)
	{
		const char *fault = sc_policy_fault((const char *) data, size, line);

		INVARIANT(fault == NULL || strlen(fault) > 0);
		return 0;
	}
	met = sc_policy_quorum_met(&policy, good);
	INVARIANT(met == (policy.quorum == SC_POLICY_NONE));
	for (int i = 0; i < policy.nkeys; i++)
	{
		bool		now;

		good[i] = true;
		now = sc_policy_quorum_met(&policy, good);
		INVARIANT(now || !met);
		met = now;
		INVARIANT(sc_policy_log_signed(&policy, good, policy.keys[i].name) || !policy.is_log[i]);
	}
	INVARIANT(met);
	INVARIANT(sc_policy_overlap(&policy, good) == 0);
	INVARIANT((sc_policy_overlap(&policy, NULL) > 0) <= (policy.quorum != SC_POLICY_NONE));
	return 0;
}
