/*
 * row_values.h
 *	  The values of a row as text, on their way between nodes, and back into a tuple.
 *
 * A leaf holds digests in place of long values, so a row that is to be stored
 * again travels as the full text of its columns; the receiver computes the
 * leaf from what it is about to store.
 */
#ifndef SC_NETWORK_ROW_VALUES_H
#define SC_NETWORK_ROW_VALUES_H

#include "postgres.h"

#include "core/hash.h"
#include "executor/tuptable.h"
#include "ledger/row.h"

typedef struct ScRowValues
{
	int64		ledger_seq;
	char	   *table;			/* ledger name */
	int			count;
	char	  **names;			/* ledger names of columns */
	char	  **texts;			/* NULL: the value is null */
	bool		timed;			/* has an acceptance time */
	int64		time;			/* microseconds since 2000-01-01 UTC */
} ScRowValues;

/* the columns of the row in the slot; palloc'd.  Settings as sc_row_leaf wants them. */
extern void sc_row_values_read(ScRowValues *out, const ScRowFormat *format, Relation rel, TupleTableSlot *slot,
							   int64 ledger_seq);

/*
 * Puts the row into a virtual slot of the relation and computes the leaf hash
 * that it has there.  false, and why (palloc'd), when the texts are none of
 * the columns' types.  Nothing is stored.
 */
extern bool sc_row_values_fill(TupleTableSlot *slot, ScHash *hash, const ScRowValues *row, Relation rel, char **problem);

#endif							/* SC_NETWORK_ROW_VALUES_H */
