/*
 * policy_verify.h
 *	  For verify(): did those approve who had to?
 */
#ifndef SC_CONTRACT_POLICY_VERIFY_H
#define SC_CONTRACT_POLICY_VERIFY_H

#include "postgres.h"

#include "core/json.h"
#include "nodes/pg_list.h"

/* an event of type contract that verify() believes */
typedef struct ScContractFact
{
	int32		chain_id;
	int64		ledger_seq;
	const ScJson *event;
	bool		met;			/* the registry says the same */
} ScContractFact;

/* does the event say this of the member? */
extern bool sc_fact_says(const ScContractFact *fact, const char *member, const char *value);

/*
 * Was an activation or a retirement approved, by the events before it, as
 * every policy that counts asks for?  True for any other event.
 * facts: List of ScContractFact, all of the chain.
 */
extern bool sc_fact_approved(const List *facts, const ScContractFact *step);

#endif							/* SC_CONTRACT_POLICY_VERIFY_H */
