/*
 * reject.c
 *	  seoulchain.rejected: journal entries that could not be sealed, kept as evidence.
 *
 * Only somebody who writes the journal behind the extension's back can bring
 * them about.  They must neither stop sealing nor disappear: verify()
 * reports each as a fault.
 */
#include "postgres.h"

#include "compat.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "seal/internal_scan.h"
#include "seal/reject.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define SC_REJECTED_NATTS 7

/* inserts a row of seoulchain.rejected */
static void
reject_insert(Datum *values, bool *nulls)
{
	Relation	rel = sc_internal_open("rejected", RowExclusiveLock);

	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
}

void
sc_reject_leaf(int32 chain_id, const ScSealLeaf *leaf, const char *reason)
{
	Datum		values[SC_REJECTED_NATTS] = {0};
	bool		nulls[SC_REJECTED_NATTS] = {false};
	bytea	   *hash = palloc(VARHDRSZ + SC_HASH_LEN);

	SET_VARSIZE(hash, VARHDRSZ + SC_HASH_LEN);
	memcpy(VARDATA(hash), leaf->hash.bytes, SC_HASH_LEN);
	values[0] = Int32GetDatum(chain_id);
	values[1] = Int64GetDatum(leaf->seq);
	values[2] = Int32GetDatum(leaf->table_id);
	values[3] = PointerGetDatum(hash);
	nulls[4] = true;
	values[5] = CStringGetTextDatum(reason);
	values[6] = TimestampTzGetDatum(GetCurrentTimestamp());
	reject_insert(values, nulls);
}

void
sc_reject_entries(int32 chain_id, bytea *entries, const char *reason)
{
	Datum		values[SC_REJECTED_NATTS] = {0};
	bool		nulls[SC_REJECTED_NATTS] = {false};

	values[0] = Int32GetDatum(chain_id);
	nulls[1] = nulls[2] = nulls[3] = true;
	values[4] = PointerGetDatum(entries);
	values[5] = CStringGetTextDatum(reason);
	values[6] = TimestampTzGetDatum(GetCurrentTimestamp());
	reject_insert(values, nulls);
}
