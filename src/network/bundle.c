/*
 * bundle.c
 *	  The leaves of a stretch of a chain's tree, as entries of a C2SP bundle.
 *
 * From a leaf's place in the tree follows its block, and from the block's
 * members its ledger_seq; the hint beside its hash says which table, and where
 * in it.  Block leaves are made from the block, events are stored as they
 * are, rows are written anew as verify() does.
 *
 * Invariant: an entry goes out only if it hashes to its leaf in the tree.
 * Context: reads whatever the caller may not: he was asked before.
 * Locks: AccessShareLock on the tables, to the end of the transaction.
 * Does not follow RLS or column privileges: public leaves are public.
 */
#include "postgres.h"

#include "network/bundle.h"

#include "access/table.h"
#include "access/tableam.h"
#include "compat.h"
#include "core/hash.h"
#include "core/tile.h"
#include "ledger/journal.h"
#include "ledger/registry_tables.h"
#include "miscadmin.h"
#include "proof/leaf.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "seal/tile.h"
#include "utils/builtins.h"
#include "utils/rel.h"

typedef struct Bundle
{
	ScBuf	   *out;
	const ScChain *chain;
	Snapshot	snapshot;
	ScBuf		leaf;
	ScTile		tile;
	/* the block at hand, and in it the range of numbers at hand */
	ScBlock		block;			/* tree_size 0: none yet */
	const char *members;		/* what of the block's members was not read yet */
	int64		lower;
	int64		upper;
	int64		lower_leaf;		/* leaf index of lower */
	/* the table at hand, open if table is not NULL */
	ScRowPlace	place;
} Bundle;

/* the error for a leaf that cannot be shown */
static void SC_NORETURN
leaf_gone(const Bundle *bundle, int64 index, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("leaf %lld of chain \"%s\" is not here any more", (long long) index, bundle->chain->name),
			 errdetail_internal("%s", detail),
			 errhint("A directory to which seoulchain-export wrote the tile before still has it.")));
}

/* errors unless the bytes are the leaf that the tree has */
static void
append_entry(Bundle *bundle, int64 index, const ScHash *sealed, const char *leaf, size_t len)
{
	ScHash		hash;

	sc_hash_leaf(&hash, leaf, len);
	if (memcmp(&hash, sealed, sizeof(hash)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("leaf %lld of chain \"%s\" is not what was sealed", (long long) index, bundle->chain->name),
				 errhint("Run SELECT * FROM seoulchain.verify() to see what was changed.")));
	if (!sc_tile_entry(bundle->out, leaf, len))
		elog(ERROR, "leaf of %zu bytes is too long for a bundle", len);
}

/* the next range of the block's members: "[1,5)" and what parts it from others; false at their end */
static bool
next_range(Bundle *bundle)
{
	const char *p = strchr(bundle->members, '[');
	char	   *end;

	if (p == NULL)
		return false;
	bundle->lower_leaf += bundle->upper - bundle->lower;
	bundle->lower = strtoll(p + 1, &end, 10);
	if (*end != ',')
		elog(ERROR, "members of block %lld cannot be read", (long long) bundle->block.height);
	bundle->upper = strtoll(end + 1, &end, 10);
	bundle->members = end;
	return true;
}

/* brings the block that holds the leaf to hand */
static void
find_block(Bundle *bundle, int64 index)
{
	if (index >= bundle->block.first_leaf && index < bundle->block.tree_size)
		return;
	if (!sc_block_by_leaf(bundle->chain->chain_id, index, bundle->snapshot, &bundle->block) ||
		index < bundle->block.first_leaf)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the block of leaf %lld of chain \"%s\" is missing", (long long) index, bundle->chain->name),
				 errhint("Run SELECT * FROM seoulchain.verify() to see what was changed.")));
	bundle->members = bundle->block.members;
	bundle->lower = bundle->upper = 0;
	bundle->lower_leaf = bundle->block.first_leaf;
}

/* ledger_seq of a leaf of the block at hand; leaves are asked for in their order */
static int64
leaf_seq(Bundle *bundle, int64 index)
{
	while (index >= bundle->lower_leaf + (bundle->upper - bundle->lower))
		if (!next_range(bundle))
			leaf_gone(bundle, index, "Its block's members do not have it.");
	return bundle->lower + (index - bundle->lower_leaf);
}

/* a block's own leaf */
static void
put_block_leaf(Bundle *bundle, int64 index, const ScHash *sealed)
{
	ScHash		prev_root = {{0}};
	ScBlock		before;

	if (bundle->block.height > 0)
	{
		if (!sc_block_by_height(bundle->chain->chain_id, bundle->block.height - 1, bundle->snapshot, &before))
			leaf_gone(bundle, index, psprintf("Block %lld is missing.", (long long) bundle->block.height - 1));
		prev_root = before.root_hash;
	}
	sc_block_leaf(&bundle->leaf, bundle->chain->origin, &bundle->block, &prev_root);
	append_entry(bundle, index, sealed, bundle->leaf.data, bundle->leaf.len);
}

/* an event's leaf; false when there is no event of that number */
static bool
put_event(Bundle *bundle, int64 index, const ScHash *sealed, int64 seq)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	sc_key_int4(&keys[0], SC_EVENT_ATTR_CHAIN_ID, bundle->chain->chain_id);
	sc_key_int8(&keys[1], SC_EVENT_ATTR_SEQ, BTEqualStrategyNumber, seq);
	sc_internal_scan_begin(&scan, "event", "event_pkey", bundle->snapshot, keys, 2);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (tuple != NULL)
	{
		text	   *leaf = DatumGetTextPP(sc_internal_attr(tuple, SC_EVENT_ATTR_LEAF, scan.rel));

		append_entry(bundle, index, sealed, VARDATA_ANY(leaf), VARSIZE_ANY_EXHDR(leaf));
	}
	sc_internal_scan_end(&scan);
	return tuple != NULL;
}

/* closes the table at hand */
static void
close_table(Bundle *bundle)
{
	if (bundle->place.table != NULL)
		sc_row_done(&bundle->place);
	bundle->place.table = NULL;
}

/* brings a table to hand; errors when it is gone */
static void
open_table(Bundle *bundle, int64 index, int32 table_id)
{
	ScLedgerTable *table;
	Relation	rel;

	if (bundle->place.table != NULL && bundle->place.table->table_id == table_id)
		return;
	close_table(bundle);
	table = sc_ledger_by_id(table_id);
	if (table == NULL || table->chain_id != bundle->chain->chain_id)
		leaf_gone(bundle, index, "What is known of its place names no table of the chain.");
	rel = OidIsValid(table->relation) ? try_table_open(table->relation, AccessShareLock) : NULL;
	if (rel == NULL)
		leaf_gone(bundle, index, psprintf("It is a row of \"%s\", which was dropped.", table->ledger_name));
	bundle->place.rel = rel;
	bundle->place.slot = table_slot_create(rel, NULL);
	bundle->place.table = table;
}

/* a row's leaf */
static void
put_row(Bundle *bundle, int64 index, const ScHash *sealed, ScPlace *hint, int64 seq)
{
	char	   *leaf;
	size_t		len;

	open_table(bundle, index, hint->table_id);
	bundle->place.ledger_seq = seq;
	bundle->place.leaf_index = index;
	if (!sc_row_fetch(&bundle->place, &hint->tid, bundle->snapshot))
		leaf_gone(bundle, index, psprintf("\"%s\" has no row with ledger_seq %lld.", bundle->place.table->ledger_name,
										  (long long) seq));
	leaf = sc_row_leaf_text(&bundle->place, &len);
	append_entry(bundle, index, sealed, leaf, len);
}

/* one leaf */
static void
put_leaf(Bundle *bundle, int64 index, const ScHash *sealed, ScPlace *hint)
{
	int64		seq;

	find_block(bundle, index);
	if (index == bundle->block.tree_size - 1)
	{
		put_block_leaf(bundle, index, sealed);
		return;
	}
	seq = leaf_seq(bundle, index);
	if (hint->table_id > 0)
		put_row(bundle, index, sealed, hint, seq);
	else if (!put_event(bundle, index, sealed, seq))
		leaf_gone(bundle, index, psprintf("There is no event with ledger_seq %lld.", (long long) seq));
}

void
sc_bundle_read(ScBuf *out, const ScChain *chain, int64 tile, int count, Snapshot snapshot)
{
	Bundle	   *bundle = palloc0(sizeof(Bundle));

	bundle->out = out;
	bundle->chain = chain;
	bundle->snapshot = snapshot;
	if (!sc_tile_load(chain->chain_id, 0, tile, snapshot, &bundle->tile, true) || bundle->tile.count < count)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("tile %lld of chain \"%s\" is damaged", (long long) tile, chain->name),
				 errhint("Run SELECT * FROM seoulchain.verify() to see what was changed.")));
	PG_TRY();
	{
		for (int i = 0; i < count; i++)
		{
			CHECK_FOR_INTERRUPTS();
			put_leaf(bundle, tile * SC_TILE_HASHES + i, &bundle->tile.hashes[i], &bundle->tile.places[i]);
		}
		close_table(bundle);
	}
	PG_FINALLY();
	{
		sc_buf_free(&bundle->leaf);
	}
	PG_END_TRY();
	pfree(bundle);
}
