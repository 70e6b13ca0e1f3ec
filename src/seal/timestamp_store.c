/*
 * timestamp_store.c
 *	  Rows of timestamp tokens and of requests that wait for one.
 *
 * Invariant: a token is stored once (its digest is the key) and never
 * changed; a request serves one token and is forgotten after a day.
 *
 * Locks: writers take sc_timestamp_lock first.  Readers need a snapshot that
 * is active or registered.  What a token proves is not judged here.
 */
#include "postgres.h"

#include "seal/timestamp_store.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "compat.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* seoulchain.timestamp_nonce */
#define NONCE_ATTR_CHAIN_ID 1
#define NONCE_ATTR_TREE_SIZE 2
#define NONCE_ATTR_NONCE 3
#define NONCE_ATTR_REQUESTED_AT 4
#define NONCE_NATTS 4

#define NONCE_KEPT_MS (24 * 60 * 60 * 1000)

/* a token out of its row, copied */
static void
stamp_from_tuple(ScStoredTimestamp *out, HeapTuple tuple, Relation rel)
{
	out->chain_id = DatumGetInt32(sc_internal_attr(tuple, SC_TIMESTAMP_ATTR_CHAIN_ID, rel));
	out->tree_size = DatumGetInt64(sc_internal_attr(tuple, SC_TIMESTAMP_ATTR_TREE_SIZE, rel));
	out->time = DatumGetTimestampTz(sc_internal_attr(tuple, SC_TIMESTAMP_ATTR_TIME, rel));
	out->latest = DatumGetTimestampTz(sc_internal_attr(tuple, SC_TIMESTAMP_ATTR_LATEST, rel));
	out->authority = TextDatumGetCString(sc_internal_attr(tuple, SC_TIMESTAMP_ATTR_AUTHORITY, rel));
	out->token = DatumGetByteaPCopy(sc_internal_attr(tuple, SC_TIMESTAMP_ATTR_TOKEN, rel));
}

void
sc_timestamp_times(ScStoredTimestamp *out, const ScTimestamp *verified)
{
	out->time = time_t_to_timestamptz((pg_time_t) verified->seconds) + verified->micros;
	out->latest = out->time + (verified->accuracy >= 0 ? verified->accuracy : USECS_PER_SEC);
}

/* order of two tokens, by time */
static int
compare_time(const ListCell *a, const ListCell *b)
{
	TimestampTz left = ((ScStoredTimestamp *) lfirst(a))->latest;
	TimestampTz right = ((ScStoredTimestamp *) lfirst(b))->latest;

	return left < right ? -1 : left > right;
}

List *
sc_timestamps_covering(int32 chain_id, int64 leaf_index, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;
	List	   *result = NIL;

	sc_key_int4(&keys[0], SC_TIMESTAMP_ATTR_CHAIN_ID, chain_id);
	sc_key_int8(&keys[1], SC_TIMESTAMP_ATTR_TREE_SIZE, BTGreaterStrategyNumber, leaf_index);
	sc_internal_scan_begin(&scan, "checkpoint_timestamp", "checkpoint_timestamp_tree_size", snapshot, keys, 2);
	while (HeapTupleIsValid(tuple = sc_internal_scan_next(&scan, ForwardScanDirection)))
	{
		ScStoredTimestamp *stamp = palloc(sizeof(ScStoredTimestamp));

		stamp_from_tuple(stamp, tuple, scan.rel);
		if (result != NIL && ((ScStoredTimestamp *) linitial(result))->tree_size != stamp->tree_size)
			break;
		result = lappend(result, stamp);
	}
	sc_internal_scan_end(&scan);
	list_sort(result, compare_time);
	return result;
}

bool
sc_timestamp_find(const ScHash *digest, Snapshot snapshot, ScStoredTimestamp *out)
{
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		found;

	sc_key_hash(&key, SC_TIMESTAMP_ATTR_DIGEST, digest);
	sc_internal_scan_begin(&scan, "checkpoint_timestamp", "checkpoint_timestamp_pkey", snapshot, &key, 1);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	found = HeapTupleIsValid(tuple);
	if (found)
		stamp_from_tuple(out, tuple, scan.rel);
	sc_internal_scan_end(&scan);
	return found;
}

void
sc_timestamp_insert(const ScHash *digest, const ScStoredTimestamp *stamp)
{
	Relation	rel = sc_internal_open("checkpoint_timestamp", RowExclusiveLock);
	Datum		values[SC_TIMESTAMP_NATTS];
	bool		nulls[SC_TIMESTAMP_NATTS] = {false};

	values[SC_TIMESTAMP_ATTR_DIGEST - 1] = sc_internal_bytea(digest->bytes, SC_HASH_LEN);
	values[SC_TIMESTAMP_ATTR_CHAIN_ID - 1] = Int32GetDatum(stamp->chain_id);
	values[SC_TIMESTAMP_ATTR_TREE_SIZE - 1] = Int64GetDatum(stamp->tree_size);
	values[SC_TIMESTAMP_ATTR_TIME - 1] = TimestampTzGetDatum(stamp->time);
	values[SC_TIMESTAMP_ATTR_LATEST - 1] = TimestampTzGetDatum(stamp->latest);
	values[SC_TIMESTAMP_ATTR_AUTHORITY - 1] = CStringGetTextDatum(stamp->authority);
	values[SC_TIMESTAMP_ATTR_TOKEN - 1] = PointerGetDatum(stamp->token);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
}

void
sc_timestamp_lock(void)
{
	table_close(sc_internal_open("timestamp_nonce", ShareRowExclusiveLock), NoLock);
}

void
sc_nonce_insert(int32 chain_id, int64 tree_size, const void *nonce, size_t len)
{
	Relation	rel = sc_internal_open("timestamp_nonce", RowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TimestampTz now = GetCurrentTimestamp();
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple	tuple;
	Datum		values[NONCE_NATTS];
	bool		nulls[NONCE_NATTS] = {false};

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (TimestampDifferenceExceeds(DatumGetTimestampTz(sc_internal_attr(tuple, NONCE_ATTR_REQUESTED_AT, rel)),
									   now, NONCE_KEPT_MS))
			CatalogTupleDelete(rel, &tuple->t_self);
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);

	values[NONCE_ATTR_CHAIN_ID - 1] = Int32GetDatum(chain_id);
	values[NONCE_ATTR_TREE_SIZE - 1] = Int64GetDatum(tree_size);
	values[NONCE_ATTR_NONCE - 1] = sc_internal_bytea(nonce, len);
	values[NONCE_ATTR_REQUESTED_AT - 1] = TimestampTzGetDatum(now);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
}

bool
sc_nonce_take(const void *nonce, size_t len, Snapshot snapshot, int32 *chain_id, int64 *tree_size)
{
	Relation	rel = sc_internal_open("timestamp_nonce", RowExclusiveLock);
	TimestampTz now = GetCurrentTimestamp();
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple	tuple;
	bool		found = false;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bytea	   *stored = DatumGetByteaPP(sc_internal_attr(tuple, NONCE_ATTR_NONCE, rel));

		if (VARSIZE_ANY_EXHDR(stored) != len || memcmp(VARDATA_ANY(stored), nonce, len) != 0 ||
			TimestampDifferenceExceeds(DatumGetTimestampTz(sc_internal_attr(tuple, NONCE_ATTR_REQUESTED_AT, rel)),
									   now, NONCE_KEPT_MS))
			continue;
		*chain_id = DatumGetInt32(sc_internal_attr(tuple, NONCE_ATTR_CHAIN_ID, rel));
		*tree_size = DatumGetInt64(sc_internal_attr(tuple, NONCE_ATTR_TREE_SIZE, rel));
		CatalogTupleDelete(rel, &tuple->t_self);
		found = true;
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
	return found;
}
