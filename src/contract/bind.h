/*
 * bind.h
 *	  A definition's rules, bound to the chain's tables and this node's rule functions.
 */
#ifndef SC_CONTRACT_BIND_H
#define SC_CONTRACT_BIND_H

#include "postgres.h"

#include "contract/definition.h"
#include "core/rule.h"
#include "ledger/registry.h"

typedef struct ScBoundRule
{
	const ScDefRule *def;
	const ScRule *rule;
	ScRuleArgs *args;			/* lives as long as the memory context of sc_bind() */
	int		   *columns;		/* args->nvalues places in ScBoundTable.columns */
} ScBoundRule;

typedef struct ScBoundTable
{
	const ScLedgerTable *ledger;
	List	   *columns;		/* of ScLedgerColumn, by attnum */
	List	   *rules;			/* of ScBoundRule */
} ScBoundTable;

typedef struct ScBound
{
	const ScDefinition *definition;
	List	   *tables;			/* of ScBoundTable */
} ScBound;

/*
 * Binds, or errors: a table that is not in the chain or dropped, a rule or
 * version that this node has not, parameters that the rule does not take.
 * With dropped_ok, dropped tables are left out.
 */
extern ScBound *sc_bind(int32 chain_id, const ScDefinition *definition, bool dropped_ok);

/* place of a column in the list by its ledger name, or -1 */
extern int	sc_bind_column(const ScBoundTable *table, const char *ledger_name);

#endif							/* SC_CONTRACT_BIND_H */
