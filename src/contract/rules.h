/*
 * rules.h
 *	  The rule functions of this node: built in, and those of libraries.
 */
#ifndef SC_CONTRACT_RULES_H
#define SC_CONTRACT_RULES_H

#include "postgres.h"

#include "core/rule.h"
#include "nodes/pg_list.h"

typedef struct ScNodeRule
{
	const ScRule *rule;
	const char *library;		/* NULL = built in */
} ScNodeRule;

/*
 * The rule of that name, or NULL.  Errors (UNDEFINED_FILE) when there is none
 * and a library of seoulchain.rule_libraries could not be loaded: the rule may
 * be in that one.
 */
extern const ScRule *sc_rule_find(const char *name);

/* all of them, built-in ones first, by library and name: List of ScNodeRule * */
extern List *sc_rule_all(void);

extern void sc_rules_init(void);

#endif							/* SC_CONTRACT_RULES_H */
