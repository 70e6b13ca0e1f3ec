/*
 * index_entry.c
 *	  Index entries and the rows they should be for, as pairs to compare.
 *
 * Invariant: memory is bounded by work_mem; the lists are sorted on disk.
 * Digests are not cryptographic: whoever can alter an index can also make a
 * collision, but an index proves nothing; REINDEX makes it again from rows.
 */
#include "postgres.h"

#include "proof/index_entry.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/resowner.h"

ScEntries *
sc_entries_begin(void)
{
	static AttrNumber keys[] = {1, 2};
	static Oid	operators[] = {Int8LessOperator, Int8LessOperator};
	static Oid	collations[] = {InvalidOid, InvalidOid};
	static bool nulls_first[] = {false, false};
	ScEntries  *entries = palloc0(sizeof(ScEntries));
	TupleDesc	tupdesc = CreateTemplateTupleDesc(3);

	for (int i = 1; i <= 3; i++)
		TupleDescInitEntry(tupdesc, i, NULL, INT8OID, -1, 0);
	entries->put = MakeSingleTupleTableSlot(tupdesc, &TTSOpsVirtual);
	entries->slot = MakeSingleTupleTableSlot(tupdesc, &TTSOpsMinimalTuple);
	entries->owner = CurrentResourceOwner;
	entries->sort = tuplesort_begin_heap(tupdesc, 2, keys, operators, collations, nulls_first,
										 work_mem, NULL, TUPLESORT_NONE);
	return entries;
}

void
sc_entries_put(ScEntries *entries, const ItemPointerData *tid, int64 digest, int64 ledger_seq)
{
	ResourceOwner caller = CurrentResourceOwner;
	int64		number = ((int64) ItemPointerGetBlockNumberNoCheck(tid) << 16) | ItemPointerGetOffsetNumberNoCheck(tid);

	ExecClearTuple(entries->put);
	entries->put->tts_values[0] = Int64GetDatum(number);
	entries->put->tts_values[1] = Int64GetDatum(digest);
	entries->put->tts_values[2] = Int64GetDatum(ledger_seq);
	memset(entries->put->tts_isnull, false, 3 * sizeof(bool));
	ExecStoreVirtualTuple(entries->put);
	CurrentResourceOwner = entries->owner;
	tuplesort_puttupleslot(entries->sort, entries->put);
	CurrentResourceOwner = caller;
}

void
sc_entries_next(ScEntries *entries)
{
	CHECK_FOR_INTERRUPTS();
	entries->ended = !tuplesort_gettupleslot(entries->sort, true, false, entries->slot, NULL);
	if (entries->ended)
		return;
	slot_getallattrs(entries->slot);
	entries->tid = DatumGetInt64(entries->slot->tts_values[0]);
	entries->digest = DatumGetInt64(entries->slot->tts_values[1]);
	entries->ledger_seq = DatumGetInt64(entries->slot->tts_values[2]);
}

void
sc_entries_sort(ScEntries *entries)
{
	tuplesort_performsort(entries->sort);
	sc_entries_next(entries);
}

void
sc_entries_end(ScEntries *entries)
{
	ExecDropSingleTupleTableSlot(entries->put);
	ExecDropSingleTupleTableSlot(entries->slot);
	tuplesort_end(entries->sort);
	pfree(entries);
}

/* digest of one value, whatever form it is stored in */
static uint64
value_digest(Datum value, Form_pg_attribute att, uint64 seed)
{
	if (att->attbyval)
	{
		uint64		bits = 0;

		/* the index stores attlen bytes, sign and padding may differ in a Datum */
		store_att_byval(&bits, value, att->attlen);
		return hash_bytes_extended((unsigned char *) &bits, sizeof(bits), seed);
	}
	if (att->attlen == -1)
	{
		struct varlena *plain = PG_DETOAST_DATUM_PACKED(value);

		return hash_bytes_extended((unsigned char *) VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain), seed);
	}
	return hash_bytes_extended((unsigned char *) DatumGetPointer(value),
							   att->attlen > 0 ? (size_t) att->attlen : strlen(DatumGetCString(value)), seed);
}

int64
sc_entry_digest(const Datum *values, const bool *nulls, TupleDesc tupdesc)
{
	uint64		digest = tupdesc->natts;

	for (int i = 0; i < tupdesc->natts; i++)
	{
		if (nulls[i])
			digest = hash_combine64(digest, 1);
		else
			digest = hash_combine64(digest, value_digest(values[i], TupleDescAttr(tupdesc, i), digest));
	}
	return (int64) digest;
}

void
sc_index_fault(ScIndexCheck *check, const char *word, int64 ledger_seq)
{
	ScFault		fault = {0};

	fault.fault = word;
	fault.chain = check->chain;
	fault.chain_id = check->chain_id;
	fault.leaf = ledger_seq;
	fault.relation = RelationGetRelid(check->index);
	fault.ledger_seq = ledger_seq;
	fault.height = SC_NONE;
	sc_faults_add(check->faults, &fault);
	check->damaged++;
}
