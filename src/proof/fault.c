/*
 * fault.c
 *	  The list that collects faults and hands them out by chain and leaf.
 *
 * Invariant: memory is bounded by work_mem however many faults there are; the
 * list spills to disk.  Its files belong to the resource owner that began
 * it, so faults can be added inside subtransactions that are rolled back.
 * Effects: temporary files.  Knows nothing of what the faults mean.
 */
#include "postgres.h"

#include "proof/fault.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/tuplesort.h"

/* sort keys, then the columns of seoulchain.fault */
enum
{
	COL_CHAIN_ID,
	COL_LEAF,
	COL_ARRIVAL,
	COL_FIRST,
	NCOLUMNS = COL_FIRST + 7
};

struct ScFaults
{
	Tuplesortstate *sort;
	TupleTableSlot *slot;
	ResourceOwner owner;
	MemoryContext context;		/* for one fault at a time: there may be as many as rows */
	int64		count;
};

/* the row type that is sorted */
static TupleDesc
sort_tupdesc(void)
{
	static const Oid types[NCOLUMNS] = {
		INT4OID, INT8OID, INT8OID,
		TEXTOID, REGCLASSOID, INT8OID, INT8OID, TEXTOID, BYTEAOID, BYTEAOID
	};
	TupleDesc	tupdesc = CreateTemplateTupleDesc(NCOLUMNS);

	for (int i = 0; i < NCOLUMNS; i++)
		TupleDescInitEntry(tupdesc, i + 1, NULL, types[i], -1, 0);
	return tupdesc;
}

ScFaults *
sc_faults_begin(void)
{
	static AttrNumber keys[] = {COL_CHAIN_ID + 1, COL_LEAF + 1, COL_ARRIVAL + 1};
	static Oid	operators[] = {Int4LessOperator, Int8LessOperator, Int8LessOperator};
	static Oid	collations[] = {InvalidOid, InvalidOid, InvalidOid};
	static bool nulls_first[] = {false, false, false};
	ScFaults   *faults = palloc0(sizeof(ScFaults));
	TupleDesc	tupdesc = sort_tupdesc();

	faults->owner = CurrentResourceOwner;
	faults->context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain fault", ALLOCSET_SMALL_SIZES);
	faults->slot = MakeSingleTupleTableSlot(tupdesc, &TTSOpsMinimalTuple);
	faults->sort = tuplesort_begin_heap(tupdesc, lengthof(keys), keys, operators, collations,
										nulls_first, work_mem, NULL, TUPLESORT_NONE);
	return faults;
}

/* a bytea value, or NULL */
static Datum
bytes_datum(const void *data, size_t len, bool *isnull)
{
	bytea	   *value;

	*isnull = data == NULL;
	if (data == NULL)
		return (Datum) 0;
	value = palloc(VARHDRSZ + len);
	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), data, len);
	return PointerGetDatum(value);
}

void
sc_faults_add(ScFaults *faults, const ScFault *fault)
{
	ResourceOwner caller = CurrentResourceOwner;
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {false};
	int			i = COL_FIRST;
	MemoryContext context = MemoryContextSwitchTo(faults->context);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(faults->slot->tts_tupleDescriptor, &TTSOpsVirtual);

	values[COL_CHAIN_ID] = Int32GetDatum(fault->chain_id);
	values[COL_LEAF] = Int64GetDatum(fault->leaf == SC_NONE ? PG_INT64_MAX : fault->leaf);
	values[COL_ARRIVAL] = Int64GetDatum(faults->count++);
	nulls[i] = fault->chain == NULL;
	values[i++] = fault->chain ? CStringGetTextDatum(fault->chain) : (Datum) 0;
	nulls[i] = !OidIsValid(fault->relation);
	values[i++] = ObjectIdGetDatum(fault->relation);
	nulls[i] = fault->ledger_seq == SC_NONE;
	values[i++] = Int64GetDatum(fault->ledger_seq);
	nulls[i] = fault->height == SC_NONE;
	values[i++] = Int64GetDatum(fault->height);
	values[i++] = CStringGetTextDatum(fault->fault);
	values[i] = bytes_datum(fault->expected, fault->expectedlen, &nulls[i]);
	i++;
	values[i] = bytes_datum(fault->found, fault->foundlen, &nulls[i]);

	memcpy(slot->tts_values, values, sizeof(values));
	memcpy(slot->tts_isnull, nulls, sizeof(nulls));
	ExecStoreVirtualTuple(slot);
	CurrentResourceOwner = faults->owner;
	tuplesort_puttupleslot(faults->sort, slot);
	CurrentResourceOwner = caller;
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextSwitchTo(context);
	MemoryContextReset(faults->context);
}

int64
sc_faults_count(const ScFaults *faults)
{
	return faults->count;
}

void
sc_faults_emit(ScFaults *faults, Tuplestorestate *store, TupleDesc tupdesc)
{
	tuplesort_performsort(faults->sort);
	while (tuplesort_gettupleslot(faults->sort, true, false, faults->slot, NULL))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(faults->slot);
		tuplestore_putvalues(store, tupdesc, faults->slot->tts_values + COL_FIRST,
							 faults->slot->tts_isnull + COL_FIRST);
	}
	sc_faults_end(faults);
}

void
sc_faults_end(ScFaults *faults)
{
	ExecDropSingleTupleTableSlot(faults->slot);
	tuplesort_end(faults->sort);
	MemoryContextDelete(faults->context);
	pfree(faults);
}
