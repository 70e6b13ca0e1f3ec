/*
 * followed_state.h
 *	  What rules of a copy keep, while blocks of it are judged.
 */
#ifndef SC_CONTRACT_FOLLOWED_STATE_H
#define SC_CONTRACT_FOLLOWED_STATE_H

#include "postgres.h"

#include "core/rule.h"

typedef struct ScFollowedState ScFollowedState;

/* empty; reads from the tables what is asked for; lives as long as the current memory context, in one transaction */
extern ScFollowedState *sc_followed_state(void);

/* where the rule of that number finds its state; valid until the next call */
extern ScRuleStore *sc_followed_store(ScFollowedState *state, int32 rule_id);

/* writes what has changed to the tables */
extern void sc_followed_flush(ScFollowedState *state);

/* does the stored state of the rule follow the blocks yet?  From the mark on it does. */
extern bool sc_followed_marked(int32 rule_id);
extern void sc_followed_mark(int32 rule_id);

#endif							/* SC_CONTRACT_FOLLOWED_STATE_H */
