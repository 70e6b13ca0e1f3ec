/*
 * datum.h
 *	  Looking inside values before a type's output function does.
 */
#ifndef SC_PROOF_DATUM_H
#define SC_PROOF_DATUM_H

#include "postgres.h"

#include "access/tupdesc.h"

/* a column whose values have lengths and offsets inside */
typedef struct ScDatumCheck
{
	int			index;			/* attnum - 1 */
	Oid			typid;			/* the base type of a domain */
} ScDatumCheck;

/* the columns of a table whose values want checking; palloc'd, returns how many */
extern int	sc_datum_checks(ScDatumCheck **out, TupleDesc tupdesc);

/*
 * Detoasts the value in place and checks it; false when something in it
 * leads outside.  Detoasting may raise an error.
 */
extern bool sc_datum_ok(Oid typid, Datum *value);

#endif							/* SC_PROOF_DATUM_H */
