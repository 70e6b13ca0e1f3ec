/*
 * send_block.c
 *	  Sending signed blocks to the nodes that follow a chain.
 *
 * Invariant: a block's message and the advance of share.sent_height are one
 * transaction, after the one that signed the block, so each follower gets
 * every block above the height that it asked for, once and in order.
 *
 * Locks: ShareRowExclusiveLock on seoulchain.share while sending, so that who
 * sets sent_height (for a follower that asks again) and this do not meet.
 * Context: the sealing worker, outside a transaction.
 * Effects: rows of seoulchain.message and seoulchain.share.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "core/buf.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/message.h"
#include "network/network_tables.h"
#include "network/send_block.h"
#include "seal/internal_scan.h"
#include "seal/node.h"
#include "seal/round.h"
#include "seal/shmem.h"
#include "seal/tree_store.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* blocks to one follower in one transaction, and transactions in one round */
#define BLOCKS_MAX 256
#define BATCHES_MAX 8

/* a follower that is behind */
typedef struct Behind
{
	char	   *node;
	int64		sent;
} Behind;

/* the followers of a chain that have asked and lack blocks up to `height`: List of Behind * */
static List *
find_behind(int32 chain_id, int64 height, Snapshot snapshot)
{
	List	   *result = NIL;
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;

	sc_key_int4(&key, SC_SHARE_ATTR_CHAIN_ID, chain_id);
	sc_internal_scan_begin(&scan, "share", "share_pkey", snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		bool		isnull;
		int64		sent = DatumGetInt64(heap_getattr(tuple, SC_SHARE_ATTR_SENT_HEIGHT, RelationGetDescr(scan.rel), &isnull));
		Behind	   *behind;

		if (isnull || sent >= height)
			continue;
		behind = palloc(sizeof(Behind));
		behind->node = TextDatumGetCString(sc_internal_attr(tuple, SC_SHARE_ATTR_NODE, scan.rel));
		behind->sent = Max(sent, -1);
		result = lappend(result, behind);
	}
	sc_internal_scan_end(&scan);
	return result;
}

/* a block that must be there */
static void
get_block(const ScChain *chain, int64 height, Snapshot snapshot, ScBlock *block)
{
	if (!sc_block_by_height(chain->chain_id, height, snapshot, block))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("block " INT64_FORMAT " of chain \"%s\" is missing", height, chain->name),
				 errhint("Run seoulchain.verify() and repair the chain from a copy.")));
}

/* sends one block: its leaf, a newline, its signed checkpoint */
static void
send_block(const ScChain *chain, const char *me, const char *node, const ScBlock *block, const ScHash *prev_root,
		   Snapshot snapshot)
{
	ScMessage	message = {
		.sender = me,
		.recipient = node,
		.kind = SC_MESSAGE_BLOCK,
		.origin = chain->origin,
		.number = block->height
	};
	ScBuf		leaf = SC_BUF_INIT;
	char	   *lines;
	char	   *body;
	int64		height;
	int64		size;

	if (!sc_signature_find(chain->chain_id, block->height, snapshot, &height, &size, &lines))
		elog(ERROR, "block " INT64_FORMAT " of chain \"%s\" has no signature", block->height, chain->name);
	sc_block_leaf(&leaf, chain->origin, block, prev_root);
	body = psprintf("%.*s\n%s", (int) leaf.len, leaf.data,
					sc_checkpoint_note(chain->origin, block->tree_size, &block->root_hash, lines));
	sc_buf_free(&leaf);
	message.body = body;
	message.bodylen = strlen(body);
	sc_message_send(&message);
}

/* notes how far a follower has been sent the chain */
static void
set_sent_height(int32 chain_id, const Behind *behind, int64 height, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;
	Datum		values[SC_SHARE_NATTS] = {0};
	bool		nulls[SC_SHARE_NATTS] = {false};
	bool		replace[SC_SHARE_NATTS] = {false};

	sc_key_int4(&keys[0], SC_SHARE_ATTR_CHAIN_ID, chain_id);
	ScanKeyInit(&keys[1], SC_SHARE_ATTR_NODE, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(behind->node));
	sc_internal_scan_begin(&scan, "share", "share_pkey", snapshot, keys, 2);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "the share of chain %d with \"%s\" is gone", chain_id, behind->node);
	values[SC_SHARE_ATTR_SENT_HEIGHT - 1] = Int64GetDatum(height);
	replace[SC_SHARE_ATTR_SENT_HEIGHT - 1] = true;
	tuple = heap_modify_tuple(tuple, RelationGetDescr(scan.rel), values, nulls, replace);
	CatalogTupleUpdate(scan.rel, &tuple->t_self, tuple);
	sc_internal_scan_end(&scan);
}

/* sends a follower the next blocks; true when more are left */
static bool
send_blocks(const ScChain *chain, const char *me, const Behind *behind, int64 signed_height, Snapshot snapshot)
{
	int64		last = Min(signed_height, behind->sent + BLOCKS_MAX);
	ScHash		prev_root;
	ScBlock		block;

	memset(&prev_root, 0, sizeof(prev_root));
	if (behind->sent >= 0)
	{
		get_block(chain, behind->sent, snapshot, &block);
		prev_root = block.root_hash;
	}
	for (int64 height = behind->sent + 1; height <= last; height++)
	{
		CHECK_FOR_INTERRUPTS();
		get_block(chain, height, snapshot, &block);
		send_block(chain, me, behind->node, &block, &prev_root, snapshot);
		prev_root = block.root_hash;
	}
	set_sent_height(chain->chain_id, behind, last, snapshot);
	return last < signed_height;
}

/* under the lock: everybody who is behind gets something; true when more is left */
static bool
send_to_all(const ScChain *chain, int64 signed_height)
{
	Snapshot	snapshot;
	const char *me = sc_node_name(NULL);
	bool		more = false;
	ListCell   *lc;

	LockRelationOid(sc_registry_relation("share"), ShareRowExclusiveLock);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	foreach(lc, find_behind(chain->chain_id, signed_height, snapshot))
		more = send_blocks(chain, me, lfirst(lc), signed_height, snapshot) || more;
	UnregisterSnapshot(snapshot);
	return more;
}

/* one transaction; true when more is left to send */
static bool
send_batch(int32 chain_id)
{
	ScChain    *chain;
	int64		height = -1;
	int64		size;
	bool		more = false;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	chain = sc_chain_by_id(chain_id, true);
	if (chain != NULL && chain->shared && !chain->copy && chain->log_key != NULL && sc_chain_is_open(chain) &&
		sc_signature_find(chain_id, -1, GetActiveSnapshot(), &height, &size, NULL) &&
		find_behind(chain_id, height, GetActiveSnapshot()) != NIL)
		more = send_to_all(chain, height);
	PopActiveSnapshot();
	CommitTransactionCommand();
	return more;
}

/* the worker's hook: a chain of this node is signed as far as it can be */
static void
chain_signed(int32 chain_id)
{
	int			batches = 0;

	while (send_batch(chain_id))
	{
		CHECK_FOR_INTERRUPTS();
		if (++batches < BATCHES_MAX)
			continue;
		/* the other chains first, then on */
		pg_atomic_write_u32(&sc_slot_mine()->asked, 1);
		return;
	}
}

void
sc_send_block_init(void)
{
	sc_signed_hook = chain_signed;
}
