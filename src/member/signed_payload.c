/*
 * signed_payload.c
 *	  Payloads that members have signed and that count as used.
 *
 * A payload is used once by each signer, whatever the bytes of the signature
 * are (those of ECDSA can be altered and still verify).  The table follows
 * from the rows and can be rebuilt from them.
 *
 * Invariant: of two transactions that use one payload at most one commits: the
 * second waits for the first, whatever its isolation level.
 * Locks: RowExclusiveLock on the table; waits for transactions.
 * Effects: a row, written below SQL; it goes when the row it is for is rolled
 * back.
 */
#include "postgres.h"

#include "member/signed_payload.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "compat.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "nodes/execnodes.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

static Oid	payload_relid = InvalidOid; /* the table and its index; looked up for the first row */
static Oid	payload_index = InvalidOid;

void
sc_payload_digest(ScHash *out, const char *signer, size_t signerlen, const void *payload, size_t len)
{
	ScHash		hash;
	char		small[512];
	char	   *both = signerlen <= sizeof(small) - SC_HASH_LEN ? small : palloc(SC_HASH_LEN + signerlen);

	sc_hash_bytes(&hash, payload, len);
	memcpy(both, hash.bytes, SC_HASH_LEN);
	memcpy(both + SC_HASH_LEN, signer, signerlen);
	sc_hash_bytes(out, both, SC_HASH_LEN + signerlen);
	if (both != small)
		pfree(both);
}

/* what the table keeps of a digest */
static Datum
digest_datum(const ScHash *digest)
{
	return UUIDPGetDatum((const pg_uuid_t *) digest->bytes);
}

/* relcache callback: the extension may have gone and come again */
static void
forget_relations(Datum arg, Oid relid)
{
	if (relid == payload_relid || relid == payload_index || !OidIsValid(relid))
		payload_relid = payload_index = InvalidOid;
}

/* opens the table */
static Relation
open_payloads(LOCKMODE lockmode)
{
	static bool registered = false;
	Relation	rel;

	if (!registered)
		CacheRegisterRelcacheCallback(forget_relations, (Datum) 0);
	registered = true;
	if (OidIsValid(payload_relid))
		return table_open(payload_relid, lockmode);
	rel = sc_registry_open(SC_SIGNED_PAYLOAD, lockmode);
	payload_relid = RelationGetRelid(rel);
	return rel;
}

/* the index; a message that was processed meanwhile may have made it unknown */
static Oid
index_relid(void)
{
	if (!OidIsValid(payload_index))
		payload_index = sc_registry_relation(SC_SIGNED_PAYLOAD "_pkey");
	return payload_index;
}

/*
 * A row with the digest other than the one at `own`; with a dirty snapshot
 * *wait is a transaction that is still to decide about it.
 */
static int64
find_user(Relation rel, int32 chain_id, const ScHash *digest, Snapshot snapshot, const ItemPointerData *own,
		  int32 *table_id, TransactionId *wait)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		seq = 0;

	ScanKeyInit(&keys[0], SC_PAYLOAD_ATTR_CHAIN_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(chain_id));
	ScanKeyInit(&keys[1], SC_PAYLOAD_ATTR_DIGEST, BTEqualStrategyNumber, F_UUID_EQ, digest_datum(digest));
	scan = systable_beginscan(rel, index_relid(), true, snapshot, 2, keys);
	while (seq == 0 && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;

		if (own != NULL && ItemPointerEquals(&tuple->t_self, unconstify(ItemPointerData *, own)))
			continue;
		seq = DatumGetInt64(heap_getattr(tuple, SC_PAYLOAD_ATTR_SEQ, RelationGetDescr(rel), &isnull));
		*table_id = DatumGetInt32(heap_getattr(tuple, SC_PAYLOAD_ATTR_TABLE_ID, RelationGetDescr(rel), &isnull));
		if (wait != NULL)
			*wait = TransactionIdIsValid(snapshot->xmin) ? snapshot->xmin : snapshot->xmax;
	}
	systable_endscan(scan);
	return seq;
}

/* the same, once everybody who is before us has decided */
static int64
wait_for_user(Relation rel, int32 chain_id, const ScHash *digest, const ItemPointerData *own, int32 *table_id)
{
	for (;;)
	{
		SnapshotData dirty;
		TransactionId wait = InvalidTransactionId;
		int64		seq;

		InitDirtySnapshot(dirty);
		seq = find_user(rel, chain_id, digest, &dirty, own, table_id, &wait);
		if (seq == 0 || !TransactionIdIsValid(wait))
			return seq;
		XactLockTableWait(wait, rel, unconstify(ItemPointerData *, own), XLTW_InsertIndex);
	}
}

/* what index_insert() wants to know of the index; kept, because it is asked for every row */
static IndexInfo *
index_info(Relation index)
{
	static IndexInfo *info = NULL;
	static Oid	relid = InvalidOid;

	if (relid != RelationGetRelid(index))
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		relid = InvalidOid;
		info = BuildIndexInfo(index);
		relid = RelationGetRelid(index);
		MemoryContextSwitchTo(old);
	}
	return info;
}

int64
sc_payload_use(int32 chain_id, int32 table_id, const ScHash *digest, int64 ledger_seq, int32 *other_table)
{
	Relation	rel = open_payloads(RowExclusiveLock);
	Relation	index = index_open(index_relid(), RowExclusiveLock);
	Datum		values[SC_PAYLOAD_NATTS];
	bool		nulls[SC_PAYLOAD_NATTS] = {false};
	HeapTuple	tuple;
	int64		other = 0;

	values[SC_PAYLOAD_ATTR_CHAIN_ID - 1] = Int32GetDatum(chain_id);
	values[SC_PAYLOAD_ATTR_DIGEST - 1] = digest_datum(digest);
	values[SC_PAYLOAD_ATTR_TABLE_ID - 1] = Int32GetDatum(table_id);
	values[SC_PAYLOAD_ATTR_SEQ - 1] = Int64GetDatum(ledger_seq);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	heap_insert(rel, tuple, GetCurrentCommandId(true), 0, NULL);
	if (!index_insert(index, values, nulls, &tuple->t_self, rel, UNIQUE_CHECK_PARTIAL, false, index_info(index)))
		other = wait_for_user(rel, chain_id, digest, &tuple->t_self, other_table);
	heap_freetuple(tuple);
	index_close(index, NoLock);
	table_close(rel, NoLock);
	return other;
}

int64
sc_payload_user(int32 chain_id, const ScHash *digest, Snapshot snapshot, int32 *table_id)
{
	Relation	rel = open_payloads(AccessShareLock);
	int64		seq = find_user(rel, chain_id, digest, snapshot, NULL, table_id, NULL);

	table_close(rel, AccessShareLock);
	return seq;
}
