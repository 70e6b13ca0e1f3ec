/*
 * wait_for_seal.c
 *	  wait_for_seal: the receipt of a row that was just committed.
 *
 * How it waits, for whom and for what not: row_wait.c.  Of the answer, the
 * receipt has the timestamps' checkpoint if there are any.
 * Effects: none; it writes nothing.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "proof/locate.h"
#include "proof/receipt.h"
#include "proof/row_wait.h"
#include "seal/timestamp_store.h"
#include "seal/tree_store.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_wait_for_seal);

/* the tokens as an array */
static Datum
token_array(List *stamps)
{
	Datum	   *tokens = palloc(Max(list_length(stamps), 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, stamps)
		tokens[n++] = PointerGetDatum(((ScStoredTimestamp *) lfirst(cell))->token);
	return PointerGetDatum(construct_array(tokens, n, BYTEAOID, -1, false, TYPALIGN_INT));
}

/*
 * The receipt, and the tokens over its checkpoint.  Of the checkpoints that
 * hold the row, the first one that is stamped says most about time.
 */
static void
make_answer(Oid relid, int64 ledger_seq, Datum *values)
{
	Snapshot	snapshot = sc_look_begin();
	ScRowPlace	place;
	List	   *stamps;
	int64		size = 0;
	int64		height;

	sc_row_locate(&place, relid, ledger_seq, snapshot);
	stamps = sc_timestamps_covering(place.chain->chain_id, place.leaf_index, snapshot);
	if (stamps != NIL)
		size = ((ScStoredTimestamp *) linitial(stamps))->tree_size;
	/* a stamp that somebody wrote beside the functions must not keep the row from its receipt */
	if (size != 0 && !sc_signature_by_size(place.chain->chain_id, size, snapshot, &height))
	{
		size = 0;
		stamps = NIL;
	}
	values[0] = PointerGetDatum(sc_receipt_text(&place, size, false, snapshot));
	values[1] = token_array(stamps);
	sc_row_done(&place);
	sc_look_end(snapshot);
}

/*
 * seoulchain.wait_for_seal(relation regclass, ledger_seq bigint, timeout interval DEFAULT '10 s')
 *		returns record (receipt text, timestamps bytea[])
 *
 * Waits until the row's block is signed and gives the receipt, with the
 * timestamp tokens over its checkpoint if there are any.  NULLs when the time
 * is over: that is no error, the row will be sealed.  Privileges: whoever may
 * SELECT the row.  Errors: NO_DATA_FOUND; OBJECT_NOT_IN_PREREQUISITE_STATE
 * when waiting is in vain, with the reason.
 */
Datum
sc_wait_for_seal(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	int64		ledger_seq = PG_GETARG_INT64(1);
	TupleDesc	tupdesc;
	Datum		values[2] = {0};
	bool		nulls[2] = {true, true};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (sc_row_wait(relid, ledger_seq, PG_GETARG_INTERVAL_P(2), NULL))
	{
		make_answer(relid, ledger_seq, values);
		nulls[0] = nulls[1] = false;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
