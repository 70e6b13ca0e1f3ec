/*
 * cosign_chain.c
 *	  Cosigning the blocks of a copy that this node has integrated.
 *
 * A cosignature says: this node has recomputed every row up to here.
 *
 * Invariant: as for signatures of own chains (seal/sign_block.c): the blocks'
 * transaction is committed and flushed, the tree extends what signing memory
 * says was cosigned last for this origin, and memory holds the newest of the
 * blocks, fsynced, before a cosignature is written to a table.  A chain that is
 * disputed is not cosigned.
 *
 * Context: the sealing worker, outside a transaction.
 * Source: DESIGN's trust rules; C2SP tlog-cosignature.
 */
#include "postgres.h"

#include "access/xact.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/cosign.h"
#include "network/cosign_chain.h"
#include "network/cosign_leave.h"
#include "network/recover.h"
#include "network/dispute.h"
#include "seal/key_ring.h"
#include "seal/node.h"
#include "seal/shmem.h"
#include "seal/sign_block.h"
#include "seal/tree_store.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* how far this process knows a copy to be cosigned: it is the only one that cosigns */
typedef struct Cosigned
{
	int32		chain_id;		/* hash key */
	int64		size;
} Cosigned;

/* the work of a transaction */
typedef struct Work
{
	const ScChain *chain;
	char	   *me;
	char	   *key;
	ScBlock		last;
	int64		first;			/* height of the first block to cosign */
	int64		cosigned;		/* leaves that are cosigned already */
	Snapshot	snapshot;
} Work;

static HTAB *known = NULL;

/* the entry of a chain, size -1 when it is new */
static Cosigned *
known_entry(int32 chain_id)
{
	Cosigned   *entry;
	bool		found;

	if (known == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(int32),.entrysize = sizeof(Cosigned)};

		known = hash_create("seoulchain cosigned", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(known, &chain_id, HASH_ENTER, &found);
	if (!found)
		entry->size = -1;
	return entry;
}

/* signs the blocks and inserts the rows, with the keys of the ring loaded */
static void
cosign_blocks(const Work *work, ScKeyRing *ring)
{
	for (int64 height = work->first; height <= work->last.height; height++)
	{
		ScBlock		block;

		CHECK_FOR_INTERRUPTS();
		if (!sc_block_by_height(work->chain->chain_id, height, work->snapshot, &block))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("block " INT64_FORMAT " of chain \"%s\" is missing", height, work->chain->name),
					 errhint("Run seoulchain.verify() and repair the chain from a peer.")));
		sc_cosignature_insert(work->chain->origin, block.tree_size, work->me,
							  sc_sign_checkpoint(work->chain, &block, ring));
	}
}

/* cosigns if memory allows; else says why not */
static char *
cosign_with_key(const Work *work)
{
	ScSigned	memory;
	bool		found = sc_memory_load(&memory, work->chain->origin);
	char	   *objection = sc_sign_objection(work->chain, work->last.tree_size, work->cosigned > 0, &memory, found,
											  work->snapshot);
	ScKeyRing  *ring;

	if (objection != NULL && !sc_cosign_leave_take(work->chain->origin, sc_memory_text(&memory, found)))
	{
		/* it asks the peers */
		sc_slot_ask_network(sc_slot_mine());
		return objection;
	}
	ring = palloc0(sizeof(ScKeyRing));
	PG_TRY();
	{
		sc_key_ring_begin_cosigner(ring, work->key);
		sc_key_ring_check_profile(ring, work->chain, &work->last);
		/* what may be missing is looked for before memory says that it has signed */
		sc_key_ring_load(ring, &work->last);
		sc_sign_remember(work->chain, &work->last, found ? &memory : NULL);
		cosign_blocks(work, ring);
	}
	PG_FINALLY();
	{
		sc_key_ring_wipe(ring);
	}
	PG_END_TRY();
	return NULL;
}

/* how far the copy is cosigned */
static int64
cosigned_so_far(const Work *work)
{
	int64		size = known_entry(work->chain->chain_id)->size;

	return size >= 0 ? size : sc_cosigned_size(work->chain->origin, work->me, work->snapshot);
}

/*
 * In a transaction with an active snapshot: why nothing is cosigned, or NULL;
 * *size is what is cosigned then.  *later: look again, nobody will tell.
 */
static char *
cosign(const ScChain *chain, int64 *size, bool *later)
{
	Work		work = {.chain = chain,.snapshot = GetActiveSnapshot()};
	int64		height;
	char	   *objection;

	*size = -1;
	work.me = sc_node_name(&work.key);
	if (work.me == NULL)
		return pstrdup("this database has no node");
	/* a chain of this node itself that comes back from its peers was cosigned when it was signed */
	if (sc_recovering(chain->origin) || !sc_block_last(chain->chain_id, work.snapshot, &work.last))
		return NULL;
	if (sc_disputed(chain->origin))
		return pstrdup("the chain is disputed, see seoulchain.dispute");
	work.cosigned = cosigned_so_far(&work);
	if (work.cosigned < work.last.tree_size)
	{
		work.first = sc_signature_by_size(chain->chain_id, work.cosigned, work.snapshot, &height) ? height + 1 : 0;
		objection = cosign_with_key(&work);
		*later = objection != NULL;
		if (objection != NULL)
			return objection;
	}
	*size = Max(work.last.tree_size, work.cosigned);
	return NULL;
}

bool
sc_cosign_chain(int32 chain_id)
{
	MemoryContext context = CurrentMemoryContext;
	ScChain    *chain;
	char	   *objection = NULL;
	int64		size = -1;
	bool		there;
	bool		later = false;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	chain = sc_chain_by_id(chain_id, true);
	there = chain != NULL && chain->copy && sc_chain_is_open(chain);
	if (there)
	{
		objection = cosign(chain, &size, &later);
		if (objection != NULL)
			objection = MemoryContextStrdup(context, objection);
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	if (size >= 0)
		known_entry(chain_id)->size = size;
	if (there)
		sc_chain_state_set_signing(chain_id, objection ? SC_SIGNING_SUSPENDED : SC_SIGNING_ON, objection);
	return later;
}
