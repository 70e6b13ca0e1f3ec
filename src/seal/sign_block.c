/*
 * sign_block.c
 *	  Signing the checkpoints of sealed blocks, behind the guard of signing memory.
 *
 * Invariant: a signature is written to a table only after (1) the block's
 * transaction is committed and flushed, and on the synchronous standbys if
 * some are named, (2) the tree of this chain was found to extend what signing
 * memory says was signed last, and (3) signing memory holds the newest of the
 * blocks signed, fsynced.  When (2) fails nothing is signed until an operator
 * has recorded a resume_signing event that names the very memory entry and
 * cluster it is about, and that event is sealed among the unsigned blocks:
 * so it serves once, and not for a clone.
 *
 * After a crash between (3) and the commit of the signature rows the same
 * checkpoint is signed again: by a log's Ed25519 key with the same bytes, by
 * ECDSA and in cosignatures, which hold a time, with others that say the same.  Memory is about what was signed, not about
 * signatures.  A token signs behind the same memory.
 *
 * Context: the worker, outside a transaction.  Source: DESIGN's trust rules,
 * docs/node.md; C2SP tlog-checkpoint, tlog-cosignature.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/pg_control.h"
#include "core/json.h"
#include "ledger/error.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "seal/key_ring.h"
#include "seal/resume.h"
#include "seal/shmem.h"
#include "seal/sign_block.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

void
sc_sign_wait_durable(void)
{
	char		nothing = 0;

	/* a commit of our own waits for flush and standbys, up to here at least */
	StartTransactionCommand();
	(void) GetCurrentTransactionId();
	XLogBeginInsert();
	XLogRegisterData(&nothing, sizeof(nothing));
	(void) XLogInsert(RM_XLOG_ID, XLOG_NOOP);
	CommitTransactionCommand();
}

char *
sc_sign_objection(const ScChain *chain, int64 size, bool has_signatures, const ScSigned *memory, bool found,
				  Snapshot snapshot)
{
	ScHash		root;

	if (!found)
		return has_signatures ?
			pstrdup("signing memory has no entry for this chain, which has been signed before") : NULL;
	if (memory->system_identifier != GetSystemIdentifier())
		return psprintf("the last signature was made by another cluster (system identifier " UINT64_FORMAT ")",
						(uint64) memory->system_identifier);
	if (memory->timeline != (uint32) GetWALInsertionTimeLine())
		return psprintf("the last signature was made on timeline %u, this is timeline %u",
						memory->timeline, (uint32) GetWALInsertionTimeLine());
	if (memory->last.size > (uint64) size)
		return psprintf("a tree of " UINT64_FORMAT " leaves has been signed, this one has " INT64_FORMAT,
						(uint64) memory->last.size, size);
	sc_tree_root(chain->chain_id, (int64) memory->last.size, snapshot, &root);
	if (memory->last.size > 0 && memcmp(&root, &memory->last.root, sizeof(ScHash)) != 0)
		return psprintf("the tree does not extend the one of " UINT64_FORMAT " leaves that was signed last",
						(uint64) memory->last.size);
	return NULL;
}

char *
sc_sign_checkpoint(const ScChain *chain, const ScBlock *block, ScKeyRing *ring)
{
	ScCheckpoint checkpoint;
	ScBuf		text = SC_BUF_INIT;
	ScBuf		lines = SC_BUF_INIT;
	char	   *volatile result = NULL;

	strlcpy(checkpoint.origin, chain->origin, sizeof(checkpoint.origin));
	checkpoint.size = (uint64) block->tree_size;
	checkpoint.root = block->root_hash;
	sc_checkpoint_format(&text, &checkpoint);
	PG_TRY();
	{
		if (text.failed)
			sc_status_report(SC_NO_MEMORY, "checkpoint signature");
		sc_key_ring_sign(&lines, ring, block, text.data, text.len);
		result = pnstrdup(lines.data, lines.len);
	}
	PG_FINALLY();
	{
		sc_buf_free(&text);
		sc_buf_free(&lines);
	}
	PG_END_TRY();
	return result;
}

void
sc_sign_remember(const ScChain *chain, const ScBlock *block, const ScSigned *before)
{
	ScSigned	entry;

	memset(&entry, 0, sizeof(entry));
	strlcpy(entry.last.origin, chain->origin, sizeof(entry.last.origin));
	entry.last.size = (uint64) block->tree_size;
	entry.last.root = block->root_hash;
	entry.system_identifier = GetSystemIdentifier();
	entry.timeline = (uint32) GetWALInsertionTimeLine();
	sc_memory_store(before, &entry);
}

/* signs blocks first..last and inserts their signature rows; ring NULL for a chain without a node */
static void
sign_blocks(const ScChain *chain, int64 first, int64 last, ScKeyRing *ring, Snapshot snapshot)
{
	for (int64 height = first; height <= last; height++)
	{
		ScBlock		block;

		CHECK_FOR_INTERRUPTS();
		if (!sc_block_by_height(chain->chain_id, height, snapshot, &block))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("block " INT64_FORMAT " of chain \"%s\" is missing", height, chain->name),
					 errhint("Run seoulchain.verify() and repair the chain from a copy.")));
		sc_signature_insert(chain->chain_id, height, block.tree_size,
							ring ? sc_sign_checkpoint(chain, &block, ring) : "");
	}
}

/* signs with keys if memory allows; else says why not */
static char *
sign_with_keys(const ScChain *chain, int64 first, const ScBlock *last, int64 signed_size, Snapshot snapshot)
{
	ScSigned	memory;
	bool		found = sc_memory_load(&memory, chain->origin);
	char	   *objection = sc_sign_objection(chain, last->tree_size, first > 0, &memory, found, snapshot);
	ScKeyRing  *ring;

	if (objection != NULL && !sc_resume_recorded(chain, sc_memory_text(&memory, found), signed_size, snapshot))
		return objection;
	ring = palloc0(sizeof(ScKeyRing));
	PG_TRY();
	{
		sc_key_ring_begin(ring, chain, snapshot);
		sc_key_ring_check_profile(ring, chain, last);
		if (first <= last->height)
		{
			/* what may be missing is looked for before memory says that it has signed */
			sc_key_ring_load(ring, last);
			sc_sign_remember(chain, last, found ? &memory : NULL);
			sign_blocks(chain, first, last->height, ring, snapshot);
		}
	}
	PG_FINALLY();
	{
		sc_key_ring_wipe(ring);
	}
	PG_END_TRY();
	return NULL;
}

/* the work of sc_sign_chain, in a transaction with an active snapshot */
static char *
sign_chain(const ScChain *chain)
{
	Snapshot	snapshot = GetActiveSnapshot();
	int64		signed_height = -1;
	int64		signed_size = 0;
	ScBlock		last;

	if (!sc_block_last(chain->chain_id, snapshot, &last))
		return NULL;
	(void) sc_signature_find(chain->chain_id, -1, snapshot, &signed_height, &signed_size, NULL);
	if (chain->log_key == NULL)
	{
		sign_blocks(chain, signed_height + 1, last.height, NULL, snapshot);
		return NULL;
	}
	return sign_with_keys(chain, signed_height + 1, &last, signed_size, snapshot);
}

char *
sc_sign_chain(int32 chain_id)
{
	MemoryContext context = CurrentMemoryContext;
	ScChain    *chain;
	char	   *objection = NULL;
	ScSigningState state = SC_SIGNING_UNKNOWN;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	chain = sc_chain_by_id(chain_id, true);
	/* a recovery may have made it a copy since the round began: then it is not known which keys have to sign */
	if (chain != NULL && !chain->copy && sc_chain_is_open(chain))
	{
		objection = sign_chain(chain);
		state = chain->log_key == NULL ? SC_SIGNING_NONE : objection ? SC_SIGNING_SUSPENDED : SC_SIGNING_ON;
		if (objection != NULL)
			objection = MemoryContextStrdup(context, objection);
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	sc_chain_state_set_signing(chain_id, state, objection);
	return objection;
}
