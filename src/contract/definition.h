/*
 * definition.h
 *	  A contract's definition: canonical JSON, taken apart.
 */
#ifndef SC_CONTRACT_DEFINITION_H
#define SC_CONTRACT_DEFINITION_H

#include "postgres.h"

#include "core/json.h"
#include "ledger/registry.h"
#include "nodes/pg_list.h"

/* a rule on a table */
typedef struct ScDefRule
{
	const char *name;
	const char *version;
	const ScJson *parameters;	/* an object */
	int			ordinal;		/* in its table, from 1 */
} ScDefRule;

typedef struct ScDefTable
{
	const char *ledger_name;
	List	   *rules;			/* of ScDefRule, not empty */
} ScDefTable;

/* a row of a test case */
typedef struct ScDefTestRow
{
	const char *table;			/* ledger name */
	const char *time;			/* as given; an instant */
	const ScJson *columns;		/* object of strings, by ledger name; what is left out is null */
	const ScJson *answer;		/* "accepted", or the refusal's object */
} ScDefTestRow;

typedef struct ScDefTest
{
	const char *name;
	List	   *rows;			/* of ScDefTestRow, in the order in which they are judged */
} ScDefTest;

typedef struct ScDefinition
{
	const char *contract;
	int32		version;
	int			quorum;			/* 0: an operator's word is enough */
	List	   *members;		/* of char *: who may approve */
	List	   *tables;			/* of ScDefTable, not empty */
	List	   *tests;			/* of ScDefTest */
} ScDefinition;

/*
 * Takes a definition apart; strings point into the JSON.  Everything that can
 * be said without knowing tables, rules and members is checked: an error
 * (INVALID_PARAMETER_VALUE) says where and what is allowed.
 */
extern ScDefinition *sc_definition_read(const ScJson *json);

/* the same from a stored text */
extern ScDefinition *sc_definition_parse(const char *text);

/* the table's part of the definition, or NULL */
extern ScDefTable *sc_definition_table(const ScDefinition *definition, const char *ledger_name);

#endif							/* SC_CONTRACT_DEFINITION_H */
