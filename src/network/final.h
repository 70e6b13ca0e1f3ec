/*
 * final.h
 *	  Which checkpoints of a chain are final: those that satisfy the policy in force.
 */
#ifndef SC_NETWORK_FINAL_H
#define SC_NETWORK_FINAL_H

#include "postgres.h"

#include "network/policy.h"
#include "seal/final.h"

/* the policies of the chain, with `since`: the size of the tree that brought each into force */
extern List *sc_policy_history(const ScChain *chain, Snapshot snapshot);

/* the one that decides about a tree of that size; NULL when there is none */
extern const ScPolicyEntry *sc_policy_for_size(List *history, int64 size);

/*
 * The final checkpoint of that height, or the newest of all when height < 0,
 * of more than `beyond` leaves; false when there is none.
 */
extern bool sc_final_find(ScFinal *out, const ScChain *chain, List *history, int64 height, int64 beyond, Snapshot snapshot);

/* a witness that the policy in force asks for, and whether it has cosigned a checkpoint */
typedef struct ScWitnessState
{
	const char *name;			/* in the policy */
	const ScVerifierKey *key;
	bool		signed_it;
	bool		other_key;		/* a line in its name is there, by a key that the policy does not name */
} ScWitnessState;

/* those of a signed block under a policy: List of ScWitnessState *; *final says whether it is final */
extern List *sc_final_witnesses(const ScChain *chain, const ScPolicyEntry *entry, int64 height, Snapshot snapshot, bool *final);

extern void sc_final_init(void);

#endif							/* SC_NETWORK_FINAL_H */
