/*
 * table_rules.h
 *	  The rules of activated contracts on a ledger table, ready to be called; cached per relation.
 */
#ifndef SC_CONTRACT_TABLE_RULES_H
#define SC_CONTRACT_TABLE_RULES_H

#include "postgres.h"

#include "access/attnum.h"
#include "core/rule.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

typedef struct ScTableRule
{
	int32		rule_id;
	char	   *contract;
	int32		version;		/* of the contract */
	int16		ordinal;
	const ScRule *rule;
	ScRuleArgs *args;
	int		   *columns;		/* args->nvalues places in ScTableRules.attnums */
	TimestampTz from;			/* it judges rows accepted in [from, until) */
	TimestampTz until;			/* DT_NOEND while it has none */
	bool		other_sources;	/* of the same version, but not those that were activated (sc_table_rules_ever only) */
} ScTableRule;

typedef struct ScTableRules
{
	Oid			relid;			/* hash key */
	bool		valid;
	int			nrules;
	ScTableRule *rules;			/* by contract, version and ordinal: the order in which they are asked */
	int			nended;
	int32	   *ended;			/* rule_id of those that have ended */
	int			ncolumns;
	AttrNumber *attnums;		/* columns that any of them looks at */
	MemoryContext context;
} ScTableRules;

/* has the table rules that have not ended? */
extern bool sc_table_has_rules(int32 table_id);

/*
 * The table's rules that have not ended; valid until the end of the
 * transaction.  Errors when one of them cannot be called here as it was
 * activated: rule missing, of another version or from other sources, column lost.
 */
extern const ScTableRules *sc_table_rules(Relation rel, int32 table_id);

/*
 * The same with the rules that have ended, for whoever judges rows of the
 * past; palloc'd in the current memory context, and not cached.  A rule of
 * other sources is no error if it is of the version that was activated: the
 * releases of several nodes differ, and history outlives releases.
 */
extern const ScTableRules *sc_table_rules_ever(int32 table_id);

extern void sc_table_rules_init(void);

#endif							/* SC_CONTRACT_TABLE_RULES_H */
