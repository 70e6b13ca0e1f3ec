/*
 * overlap.c
 *	  Quorum arithmetic: how few witnesses two satisfied quorums may have in common.
 *
 * Two checkpoints of one size that both satisfy a policy need o common
 * signers at least, who then signed two histories.  So the policy holds while
 * at most o - 1 witnesses lie or are rolled back, and with o = 0 it holds
 * against nobody.
 *
 * Names form trees, so sets are chosen independently below each member of a
 * group.  Two sets that satisfy k of n members agree on 2k - n of them at
 * least, and can be chosen to agree on just those that cost least.  A member
 * that only one of the two sets needs costs nothing.
 * Source: DESIGN's quorum arithmetic; C2SP tlog-policy for the policies.
 */
#include "core/policy.h"

/* adds the cost of a member to the ascending list of its group's costs */
static void
insert_cost(int *costs, int ncosts, int cost)
{
	int			at = ncosts;

	for (; at > 0 && costs[at - 1] > cost; at--)
		costs[at] = costs[at - 1];
	costs[at] = cost;
}

/* a group's cost, given those of the names before it, which hold all its members */
static int
group_overlap(const ScPolicy *policy, int group, const int *overlap)
{
	int			costs[SC_POLICY_NAMES_MAX];
	int			nmembers = 0;
	int			shared;
	int			sum = 0;

	for (int i = 0; i < group; i++)
	{
		if (policy->names[i].parent == group)
			insert_cost(costs, nmembers++, overlap[i]);
	}
	shared = 2 * policy->names[group].threshold - nmembers;
	for (int i = 0; i < shared; i++)
		sum += costs[i];
	return sum;
}

int
sc_policy_overlap(const ScPolicy *policy, const bool *own)
{
	int			overlap[SC_POLICY_NAMES_MAX];

	/* members come before their group */
	for (int i = 0; i <= policy->quorum; i++)
	{
		const ScPolicyName *name = &policy->names[i];

		if (name->key == SC_POLICY_NONE)
			overlap[i] = group_overlap(policy, i, overlap);
		else
			overlap[i] = own != NULL && own[name->key] ? 0 : 1;
	}
	return policy->quorum == SC_POLICY_NONE ? 0 : overlap[policy->quorum];
}
