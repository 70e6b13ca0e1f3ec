/*
 * block_store.c
 *	  Blocks, members and signatures as rows: reading under a snapshot, writing new ones.
 *
 * Invariant: rows of these tables are inserted once and never changed.
 *
 * Writers need the chain's sealing lock.  Readers need a snapshot that is
 * active or registered.
 */
#include "postgres.h"

#include "compat.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* a block out of its row */
static void
block_from_tuple(ScBlock *out, HeapTuple tuple, Relation rel)
{
	out->chain_id = DatumGetInt32(sc_internal_attr(tuple, SC_BLOCK_ATTR_CHAIN_ID, rel));
	out->height = DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_ATTR_HEIGHT, rel));
	sc_internal_hash(&out->prev_hash, tuple, SC_BLOCK_ATTR_PREV_HASH, rel);
	sc_internal_hash(&out->block_hash, tuple, SC_BLOCK_ATTR_BLOCK_HASH, rel);
	out->first_leaf = DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_ATTR_FIRST_LEAF, rel));
	out->tree_size = DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_ATTR_TREE_SIZE, rel));
	sc_internal_hash(&out->root_hash, tuple, SC_BLOCK_ATTR_ROOT_HASH, rel);
	out->members = OidOutputFunctionCall(F_MULTIRANGE_OUT, sc_internal_attr(tuple, SC_BLOCK_ATTR_MEMBERS, rel));
	out->sealed_at = DatumGetTimestampTz(sc_internal_attr(tuple, SC_BLOCK_ATTR_SEALED_AT, rel));
}

/* the first block that a scan gives, if any */
static bool
block_first(ScBlock *out, const char *index, ScanKeyData *keys, int nkeys, Snapshot snapshot, ScanDirection direction)
{
	ScInternalScan scan;
	HeapTuple	tuple;

	sc_internal_scan_begin(&scan, "chain_block", index, snapshot, keys, nkeys);
	tuple = sc_internal_scan_next(&scan, direction);
	if (HeapTupleIsValid(tuple))
		block_from_tuple(out, tuple, scan.rel);
	sc_internal_scan_end(&scan);
	return HeapTupleIsValid(tuple);
}

bool
sc_block_last(int32 chain_id, Snapshot snapshot, ScBlock *out)
{
	ScanKeyData key;

	sc_key_int4(&key, SC_BLOCK_ATTR_CHAIN_ID, chain_id);
	return block_first(out, "chain_block_pkey", &key, 1, snapshot, BackwardScanDirection);
}

bool
sc_block_by_height(int32 chain_id, int64 height, Snapshot snapshot, ScBlock *out)
{
	ScanKeyData keys[2];

	sc_key_int4(&keys[0], SC_BLOCK_ATTR_CHAIN_ID, chain_id);
	sc_key_int8(&keys[1], SC_BLOCK_ATTR_HEIGHT, BTEqualStrategyNumber, height);
	return block_first(out, "chain_block_pkey", keys, 2, snapshot, ForwardScanDirection);
}

bool
sc_block_by_leaf(int32 chain_id, int64 leaf_index, Snapshot snapshot, ScBlock *out)
{
	ScanKeyData keys[2];

	sc_key_int4(&keys[0], SC_BLOCK_ATTR_CHAIN_ID, chain_id);
	sc_key_int8(&keys[1], SC_BLOCK_ATTR_TREE_SIZE, BTGreaterStrategyNumber, leaf_index);
	return block_first(out, "chain_block_tree_size", keys, 2, snapshot, ForwardScanDirection);
}

bool
sc_member_before(int32 chain_id, int64 below, Snapshot snapshot, ScSeqRange *range, int64 *first_leaf)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	sc_key_int4(&keys[0], SC_BLOCK_RANGE_ATTR_CHAIN_ID, chain_id);
	sc_key_int8(&keys[1], SC_BLOCK_RANGE_ATTR_LOWER, BTLessStrategyNumber, below);
	sc_internal_scan_begin(&scan, "block_range", "block_range_pkey", snapshot, keys, 2);
	tuple = sc_internal_scan_next(&scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		range->lower = DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_LOWER, scan.rel));
		range->upper = DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_UPPER, scan.rel));
		*first_leaf = DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_FIRST_LEAF, scan.rel));
	}
	sc_internal_scan_end(&scan);
	return HeapTupleIsValid(tuple);
}

int64
sc_member_leaf_index(int32 chain_id, int64 ledger_seq, Snapshot snapshot)
{
	ScSeqRange	range;
	int64		first_leaf;

	if (ledger_seq == PG_INT64_MAX ||
		!sc_member_before(chain_id, ledger_seq + 1, snapshot, &range, &first_leaf) ||
		ledger_seq >= range.upper)
		return -1;
	return first_leaf + (ledger_seq - range.lower);
}

bool
sc_member_overlaps(int32 chain_id, const ScSeqRange *range, Snapshot snapshot)
{
	ScSeqRange	before;
	int64		first_leaf;

	return sc_member_before(chain_id, range->upper, snapshot, &before, &first_leaf) &&
		before.upper > range->lower;
}

bool
sc_signature_find(int32 chain_id, int64 height, Snapshot snapshot, int64 *out_height, int64 *out_size, char **lines)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	sc_key_int4(&keys[0], SC_SIGNATURE_ATTR_CHAIN_ID, chain_id);
	sc_key_int8(&keys[1], SC_SIGNATURE_ATTR_HEIGHT, BTEqualStrategyNumber, height);
	sc_internal_scan_begin(&scan, "signature", "signature_pkey", snapshot, keys, height < 0 ? 1 : 2);
	tuple = sc_internal_scan_next(&scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		*out_height = DatumGetInt64(sc_internal_attr(tuple, SC_SIGNATURE_ATTR_HEIGHT, scan.rel));
		*out_size = DatumGetInt64(sc_internal_attr(tuple, SC_SIGNATURE_ATTR_TREE_SIZE, scan.rel));
		if (lines != NULL)
			*lines = TextDatumGetCString(sc_internal_attr(tuple, SC_SIGNATURE_ATTR_LINES, scan.rel));
	}
	sc_internal_scan_end(&scan);
	return HeapTupleIsValid(tuple);
}

bool
sc_signature_by_size(int32 chain_id, int64 tree_size, Snapshot snapshot, int64 *height)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	sc_key_int4(&keys[0], SC_SIGNATURE_ATTR_CHAIN_ID, chain_id);
	sc_key_int8(&keys[1], SC_SIGNATURE_ATTR_TREE_SIZE, BTEqualStrategyNumber, tree_size);
	sc_internal_scan_begin(&scan, "signature", "signature_tree_size", snapshot, keys, 2);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
		*height = DatumGetInt64(sc_internal_attr(tuple, SC_SIGNATURE_ATTR_HEIGHT, scan.rel));
	sc_internal_scan_end(&scan);
	return HeapTupleIsValid(tuple);
}

void
sc_block_insert(const ScBlock *block)
{
	Relation	rel = sc_internal_open("chain_block", RowExclusiveLock);
	Datum		values[SC_BLOCK_NATTS];
	bool		nulls[SC_BLOCK_NATTS] = {false};

	values[SC_BLOCK_ATTR_CHAIN_ID - 1] = Int32GetDatum(block->chain_id);
	values[SC_BLOCK_ATTR_HEIGHT - 1] = Int64GetDatum(block->height);
	values[SC_BLOCK_ATTR_PREV_HASH - 1] = sc_internal_bytea(block->prev_hash.bytes, SC_HASH_LEN);
	values[SC_BLOCK_ATTR_BLOCK_HASH - 1] = sc_internal_bytea(block->block_hash.bytes, SC_HASH_LEN);
	values[SC_BLOCK_ATTR_FIRST_LEAF - 1] = Int64GetDatum(block->first_leaf);
	values[SC_BLOCK_ATTR_TREE_SIZE - 1] = Int64GetDatum(block->tree_size);
	values[SC_BLOCK_ATTR_ROOT_HASH - 1] = sc_internal_bytea(block->root_hash.bytes, SC_HASH_LEN);
	values[SC_BLOCK_ATTR_MEMBERS - 1] = OidInputFunctionCall(F_MULTIRANGE_IN, block->members, INT8MULTIRANGEOID, -1);
	values[SC_BLOCK_ATTR_SEALED_AT - 1] = TimestampTzGetDatum(block->sealed_at);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
}

void
sc_members_insert(const ScBlock *block, const ScSeqRange *ranges, int nranges)
{
	Relation	rel = sc_internal_open("block_range", RowExclusiveLock);
	CatalogIndexState indexes = CatalogOpenIndexes(rel);
	int64		leaf = block->first_leaf;

	for (int i = 0; i < nranges; i++)
	{
		Datum		values[SC_BLOCK_RANGE_NATTS];
		bool		nulls[SC_BLOCK_RANGE_NATTS] = {false};
		HeapTuple	tuple;

		values[SC_BLOCK_RANGE_ATTR_CHAIN_ID - 1] = Int32GetDatum(block->chain_id);
		values[SC_BLOCK_RANGE_ATTR_LOWER - 1] = Int64GetDatum(ranges[i].lower);
		values[SC_BLOCK_RANGE_ATTR_UPPER - 1] = Int64GetDatum(ranges[i].upper);
		values[SC_BLOCK_RANGE_ATTR_HEIGHT - 1] = Int64GetDatum(block->height);
		values[SC_BLOCK_RANGE_ATTR_FIRST_LEAF - 1] = Int64GetDatum(leaf);
		tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
		CatalogTupleInsertWithInfo(rel, tuple, indexes);
		heap_freetuple(tuple);
		leaf += ranges[i].upper - ranges[i].lower;
	}
	CatalogCloseIndexes(indexes);
	table_close(rel, NoLock);
}

void
sc_signature_insert(int32 chain_id, int64 height, int64 tree_size, const char *lines)
{
	Relation	rel = sc_internal_open("signature", RowExclusiveLock);
	Datum		values[SC_SIGNATURE_NATTS];
	bool		nulls[SC_SIGNATURE_NATTS] = {false};

	values[SC_SIGNATURE_ATTR_CHAIN_ID - 1] = Int32GetDatum(chain_id);
	values[SC_SIGNATURE_ATTR_HEIGHT - 1] = Int64GetDatum(height);
	values[SC_SIGNATURE_ATTR_TREE_SIZE - 1] = Int64GetDatum(tree_size);
	values[SC_SIGNATURE_ATTR_LINES - 1] = CStringGetTextDatum(lines);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
}
