/*
 * tuple.h
 *	  Taking apart a stored tuple that may be damaged.
 */
#ifndef SC_PROOF_TUPLE_H
#define SC_PROOF_TUPLE_H

#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "utils/snapshot.h"

typedef enum ScTupleState
{
	SC_TUPLE_VISIBLE,
	SC_TUPLE_INVISIBLE,
	SC_TUPLE_OWN				/* inserted by the running transaction */
} ScTupleState;

/*
 * Is the tuple in the snapshot?  Reads the commit log, so it may raise an
 * error for a transaction id that never was.  Sets no hint bits.
 */
extern ScTupleState sc_tuple_state(HeapTupleHeader header, Snapshot snapshot);

/*
 * Fills values and nulls (descriptor order); false when a length or offset
 * leads outside the tuple or a TOAST pointer is none of this table's.
 * By-reference values point into the tuple.
 */
extern bool sc_tuple_deform(Datum *values, bool *nulls, HeapTupleHeader header, uint32 len,
							TupleDesc tupdesc, Oid toastrelid);

/*
 * The same for attributes without a tuple header (index tuples): natts of
 * them in `room` bytes of data, which is MAXALIGNed; bits is NULL when there
 * are no nulls.
 */
extern bool sc_attributes_deform(Datum *values, bool *nulls, const char *data, uint32 room,
								 int natts, const bits8 *bits, TupleDesc tupdesc, Oid toastrelid);

#endif							/* SC_PROOF_TUPLE_H */
