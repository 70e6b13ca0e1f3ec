/*
 * announced.c
 *	  A block as its origin announced it, taken apart and compared with the block before.
 *
 * Invariant: a block without a fault is signed by the origin's log key and by
 * its node's cosigner key as they are in force at this block, continues the
 * block before, and has one leaf text, the one that came.  What its rows are
 * is not looked at.
 *
 * Nothing here raises because of what another node has written.
 * Source: docs/format.md; C2SP tlog-checkpoint, tlog-cosignature.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "ledger/error.h"
#include "network/announced.h"
#include "network/dispute.h"
#include "network/message.h"
#include "proof/verify_signature.h"
#include "seal/internal_scan.h"
#include "seal/key_history.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* microseconds from 1970 to PostgreSQL's epoch */
#define EPOCH_OFFSET (((int64) POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* notes what is wrong, the first time */
static bool
wrong(ScAnnounced *out, const char *fault, char *problem)
{
	out->fault = fault;
	out->problem = problem;
	return false;
}

/* takes the block leaf's parts over */
static bool
read_leaf(ScAnnounced *out, const ScChain *chain, const char *text, size_t len)
{
	ScBlockLeaf leaf;
	ScStatus	status = sc_block_leaf_parse(&leaf, text, len);

	/* want of memory accuses nobody */
	if (status == SC_NO_MEMORY)
		sc_status_report(status, "block leaf");
	if (status != SC_OK)
		return wrong(out, SC_FAULT_BAD_BLOCK, pstrdup("what was announced is no block leaf"));
	out->block.chain_id = chain->chain_id;
	out->block.height = leaf.height;
	out->block.first_leaf = leaf.first_leaf;
	out->block.tree_size = leaf.first_leaf + leaf.count + 1;
	out->block.prev_hash = leaf.prev_block;
	out->block.sealed_at = leaf.sealed_at - EPOCH_OFFSET;
	out->prev_root = leaf.prev_root;
	out->count = leaf.count;
	out->nranges = leaf.nranges;
	out->ranges = palloc(leaf.nranges * sizeof(ScSeqRange));
	memcpy(out->ranges, leaf.ranges, leaf.nranges * sizeof(ScSeqRange));
	sc_block_leaf_free(&leaf);
	if (strcmp(leaf.origin, chain->origin) != 0)
		return wrong(out, SC_FAULT_BAD_BLOCK, psprintf("the block leaf is of chain \"%s\"", leaf.origin));
	return true;
}

/* takes the checkpoint's root over; *note points into out->note */
static bool
read_note(ScAnnounced *out, ScNote *note, const ScChain *chain)
{
	ScCheckpoint checkpoint;

	if (sc_note_parse(note, out->note, strlen(out->note), false) != SC_OK ||
		sc_checkpoint_parse(&checkpoint, note->text, note->textlen) != SC_OK)
		return wrong(out, SC_FAULT_BAD_BLOCK, pstrdup("what was announced has no signed checkpoint"));
	if (strcmp(checkpoint.origin, chain->origin) != 0 || checkpoint.size != (uint64) out->block.tree_size)
		return wrong(out, SC_FAULT_BAD_BLOCK,
					 psprintf("the checkpoint is of " UINT64_FORMAT " leaves of chain \"%s\", the block ends at " INT64_FORMAT,
							  (uint64) checkpoint.size, checkpoint.origin, out->block.tree_size));
	out->block.root_hash = checkpoint.root;
	out->lines = pstrdup(out->note + note->textlen + 1);
	return true;
}

/* leaf index of a number that the block holds, or -1 */
static int64
leaf_in_block(const ScAnnounced *block, int64 seq)
{
	int64		leaf = block->block.first_leaf;

	for (int i = 0; i < block->nranges; i++)
	{
		if (seq >= block->ranges[i].lower && seq < block->ranges[i].upper)
			return leaf + (seq - block->ranges[i].lower);
		leaf += block->ranges[i].upper - block->ranges[i].lower;
	}
	return -1;
}

/* a rotation whose event is in the block is in force from it; or, when the block turns out to be wrong, is not */
static void
place_epochs(ScOriginKeys *keys, const ScAnnounced *block, bool in_force)
{
	for (int role = SC_ROLE_LOG; role <= SC_ROLE_COSIGNER; role++)
	{
		ListCell   *lc;

		foreach(lc, keys->epochs[role])
		{
			ScKeyEpoch *epoch = lfirst(lc);
			int64		leaf;

			if (epoch->seq == 0 || (leaf = leaf_in_block(block, epoch->seq)) < 0)
				continue;
			if (epoch->leaf == (in_force ? PG_INT64_MAX : leaf))
				epoch->leaf = in_force ? leaf : PG_INT64_MAX;
		}
	}
}

/* is it signed by each key that has to? */
static bool
check_signatures(ScAnnounced *out, const ScNote *note, ScOriginKeys *keys)
{
	ScNoteKeys *required = palloc(sizeof(ScNoteKeys));
	bool		ok;

	sc_note_keys_begin(required);
	for (int role = SC_ROLE_LOG; role <= SC_ROLE_COSIGNER; role++)
	{
		ListCell   *lc;

		foreach(lc, sc_key_epochs_of_block(keys->epochs[role], &out->block))
			sc_note_keys_add(required, ((ScKeyEpoch *) lfirst(lc))->key);
	}
	ok = required->expected && sc_note_ok_by_all(required, note);
	pfree(required);
	if (!ok)
		return wrong(out, SC_FAULT_NOT_SIGNED,
					 psprintf("the checkpoint of block " INT64_FORMAT " does not bear the signatures of the chain's key and of its node's cosigner key",
							  out->block.height));
	return true;
}

/* does it continue the block before? */
static bool
check_link(ScAnnounced *out, const ScBlock *before)
{
	static const ScHash zero;
	const ScHash *prev_root = before->height < 0 ? &zero : &before->root_hash;

	if (out->block.height != before->height + 1)
		return wrong(out, SC_FAULT_BAD_BLOCK,
					 psprintf("the block leaf is of height " INT64_FORMAT ", not " INT64_FORMAT,
							  out->block.height, before->height + 1));
	if (out->block.first_leaf != before->tree_size)
		return wrong(out, SC_FAULT_BROKEN_LINK,
					 psprintf("the block begins at leaf " INT64_FORMAT ", the chain has " INT64_FORMAT " leaves before it",
							  out->block.first_leaf, before->tree_size));
	if (memcmp(&out->block.prev_hash, before->height < 0 ? &zero : &before->block_hash, sizeof(ScHash)) != 0 ||
		memcmp(&out->prev_root, prev_root, sizeof(ScHash)) != 0)
		return wrong(out, SC_FAULT_BROKEN_LINK,
					 psprintf("block " INT64_FORMAT " names another block before it than block " INT64_FORMAT " of this node",
							  out->block.height, before->height));
	if (before->height >= 0 && out->block.sealed_at < before->sealed_at)
		return wrong(out, SC_FAULT_BROKEN_LINK,
					 psprintf("block " INT64_FORMAT " says that it was sealed before block " INT64_FORMAT,
							  out->block.height, before->height));
	return true;
}

ScAnnounced *
sc_announced_read(HeapTuple message, Relation rel, const ScChain *chain, const ScBlock *before, ScOriginKeys *keys)
{
	ScAnnounced *out = palloc0(sizeof(ScAnnounced));
	bool		isnull;
	Datum		datum = heap_getattr(message, SC_MESSAGE_ATTR_BODY, RelationGetDescr(rel), &isnull);
	char	   *body = isnull ? pstrdup("") : TextDatumGetCString(datum);
	char	   *newline = strchr(body, '\n');
	size_t		len = newline ? (size_t) (newline - body) : strlen(body);
	ScNote	   *note = palloc(sizeof(ScNote));

	out->tid = message->t_self;
	out->note = newline ? newline + 1 : NULL;
	if (newline == NULL)
		wrong(out, SC_FAULT_BAD_BLOCK, pstrdup("what was announced is no block"));
	else if (read_leaf(out, chain, body, len) && read_note(out, note, chain))
	{
		place_epochs(keys, out, true);
		if (!check_signatures(out, note, keys) || !check_link(out, before))
			place_epochs(keys, out, false);
		sc_hash_block(&out->block.block_hash, body, len, &out->block.root_hash);
	}
	pfree(note);
	return out;
}

void
sc_origin_keys(ScOriginKeys *out, const ScChain *chain, Snapshot snapshot, char **why)
{
	out->epochs[SC_ROLE_LOG] = sc_key_epochs(chain, SC_ROLE_LOG, snapshot);
	out->epochs[SC_ROLE_COSIGNER] = sc_key_epochs(chain, SC_ROLE_COSIGNER, snapshot);
	*why = NULL;
	if (out->epochs[SC_ROLE_LOG] == NIL)
		*why = pstrdup("the chain's key is not known");
	else if (out->epochs[SC_ROLE_COSIGNER] == NIL)
		*why = pstrdup("the chain's node is no peer of this one");
}
