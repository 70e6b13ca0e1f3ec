/*
 * city_source.h
 *	  The tables of one name that the agencies keep, and the columns of a view over them all.
 */
#ifndef SC_NETWORK_CITY_SOURCE_H
#define SC_NETWORK_CITY_SOURCE_H

#include "postgres.h"

#include "access/attnum.h"
#include "ledger/registry.h"

/* a column of a source */
typedef struct ScCityField
{
	char	   *name;			/* ledger name: the same in every agency, whatever the column is called now */
	char	   *column;			/* present name in the table */
	Oid			type;
	Oid			collation;
} ScCityField;

/* a ledger table here: an own one, or a copy */
typedef struct ScCitySource
{
	ScChain    *chain;
	ScLedgerTable *table;
	List	   *fields;			/* of ScCityField */
} ScCitySource;

/* a column of the view */
typedef struct ScCityColumn
{
	char	   *name;
	Oid			type;			/* a built-in base type, else text */
} ScCityColumn;

/* the tables whose ledger name ends in .<name>, own ones first: List of ScCitySource *; takes AccessShareLock on them */
extern List *sc_city_sources(const char *name);

/*
 * The columns that the sources need, in the order of a view that has `kept`
 * already (List of ScCityColumn *): those first, as they are, then new ones.
 * *retyped: one of those kept would need another type.
 */
extern List *sc_city_columns(List *sources, List *kept, bool *retyped);

/* the SELECT that the view is, palloc'd */
extern char *sc_city_query(List *sources, List *columns);

#endif							/* SC_NETWORK_CITY_SOURCE_H */
