/*
 * dispute_rule.h
 *	  Proven leaves that together break a built-in rule of a contract.
 *
 * Only rules that no further row could satisfy again are judged: window,
 * monotonic, one_per, and quota with a limit.  What else a rule keeps (sums,
 * states) depends on rows of which nobody can prove that they are all.
 */
#ifndef SC_CORE_DISPUTE_RULE_H
#define SC_CORE_DISPUTE_RULE_H

#include "core/leaf.h"
#include "core/rule.h"

/* a leaf that was proven to stand at this index of one tree */
typedef struct ScProvenLeaf
{
	ScLeaf		leaf;
	uint64_t	index;
} ScProvenLeaf;

typedef struct ScRuleRuling
{
	char		contract[256];
	char		version[24];
	char		rule[64];
	ScRuleProblem problem;		/* why the last row is refused; sc_rule_problem_free */
} ScRuleRuling;

/*
 * leaves: the events by which the version was proposed and activated, then
 * rows of one table in the order of the tree; the last one is accused.  SC_OK:
 * it breaks the rule that *out names.  SC_MISMATCH: it breaks none that can be
 * judged.  SC_MALFORMED: these are not such leaves, or the version did not
 * judge the row.  SC_RANGE: no rule of this version can be judged by these
 * rows and this program.  SC_NO_MEMORY.
 */
extern SC_WARN_UNUSED ScStatus sc_dispute_rule_judge(ScRuleRuling *out, const ScProvenLeaf *leaves, int n);

#endif							/* SC_CORE_DISPUTE_RULE_H */
