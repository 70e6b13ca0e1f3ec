/*
 * policy.h
 *	  C2SP tlog-policy: which logs count, and which witnesses are enough.
 *
 * The reader's policy decides what is final, never the origin's.  A name may
 * be a member of one group only, so the names form trees and every witness
 * counts once.
 */
#ifndef SC_CORE_POLICY_H
#define SC_CORE_POLICY_H

#include <stdbool.h>

#include "core/note.h"
#include "core/status.h"

#define SC_POLICY_KEYS_MAX 128	/* logs and witnesses together */
#define SC_POLICY_NAMES_MAX 128 /* witnesses and groups together */
#define SC_POLICY_NONE (-1)

/* a witness (key >= 0) or a group; nodes stand in the order of their lines */
typedef struct ScPolicyName
{
	char		name[SC_NAME_MAX + 1];
	int			key;			/* index into keys, SC_POLICY_NONE for a group */
	int			threshold;		/* members that a group needs */
	int			parent;			/* the group that it is a member of, or SC_POLICY_NONE */
} ScPolicyName;

typedef struct ScPolicy
{
	int			nkeys;
	ScVerifierKey keys[SC_POLICY_KEYS_MAX];
	bool		is_log[SC_POLICY_KEYS_MAX];
	int			nnames;
	ScPolicyName names[SC_POLICY_NAMES_MAX];
	int			quorum;			/* index into names; SC_POLICY_NONE for "quorum none" */
} ScPolicy;

/* SC_OK, or SC_MALFORMED / SC_TOO_LARGE with the number of the line at fault (0: no quorum line) */
extern SC_WARN_UNUSED ScStatus sc_policy_parse(ScPolicy *out, int *line_number, const char *text, size_t len);

/* what is wrong with the line at fault, where that cannot be seen on it, else NULL (policy_fault.c) */
extern const char *sc_policy_fault(const char *text, size_t len, int line_number);

/* whether a key of the type may serve as a log's, or a witness's */
extern bool sc_policy_type_ok(uint8_t type, bool log);

/* whether two witnesses' keys bear one node's name: cosigner keys, or its key as a public witness */
extern bool sc_policy_same_node(const ScVerifierKey *a, const ScVerifierKey *b);

/* whether a listed log of this origin signed; good[i] says that keys[i] did */
extern bool sc_policy_log_signed(const ScPolicy *policy, const bool *good, const char *origin);

/* whether the witnesses that signed are enough for the quorum */
extern bool sc_policy_quorum_met(const ScPolicy *policy, const bool *good);

/*
 * The smallest number of witnesses that two satisfying sets have in common
 * (overlap.c); 0 for "quorum none".  Keys with own[i] are the origin's and do
 * not count: it signs whatever it likes.  own may be NULL.
 */
extern int	sc_policy_overlap(const ScPolicy *policy, const bool *own);

#endif							/* SC_CORE_POLICY_H */
