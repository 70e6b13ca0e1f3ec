/*
 * row_store.c
 *	  Changing a ledger table below its access method, for repair and recovery alone.
 *
 * Invariant: nothing is updated in place and no damaged tuple is deleted as
 * heap_delete does it: index builds of ledger tables assume that there are no HOT chains,
 * and a damaged tuple's TOAST pointer may be another row's, whose values
 * heap_delete would take along.  A tuple goes by its line pointer, which
 * becomes dead; VACUUM clears it away.  The visibility map never says of a
 * changed page that all on it is visible.
 * Everything is logged in WAL.  Rows are not offered to logical replication:
 * whoever follows has them, or gets them with proofs.
 * Locks: the caller's, ShareRowExclusiveLock at least.
 * What it does not do: judge rows; ask who may.
 */
#include "postgres.h"

#include "network/row_store.h"

#include "access/generic_xlog.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/visibilitymap.h"
#include "access/xact.h"
#include "access/xloginsert.h"
#include "catalog/index.h"
#include "compat.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "proof/guard.h"
#include "storage/bufmgr.h"
#include "storage/smgr.h"
#include "utils/guc.h"
#include "utils/rel.h"

struct ScRowStore
{
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *info;
	bool		with_indexes;
	bool		generated;
	BlockNumber cleared;		/* block of which the visibility map says nothing any more */
};

ScRowStore *
sc_row_store_begin(Relation rel, bool with_indexes)
{
	ScRowStore *store = palloc0(sizeof(ScRowStore));
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	store->rel = rel;
	store->with_indexes = with_indexes;
	store->cleared = InvalidBlockNumber;
	store->generated = constr != NULL && constr->has_generated_stored;
	store->estate = CreateExecutorState();
	store->info = makeNode(ResultRelInfo);
	InitResultRelInfo(store->info, rel, 1, NULL, 0);
	if (with_indexes)
		ExecOpenIndices(store->info, false);
	return store;
}

/* the visibility map must not say any more that all on the page is visible; in WAL as a whole page */
static void
clear_visibility(Relation rel, BlockNumber block, Buffer map)
{
	if (!visibilitymap_clear(rel, block, map, VISIBILITYMAP_VALID_BITS) || !RelationNeedsWAL(rel))
		return;
	LockBuffer(map, BUFFER_LOCK_EXCLUSIVE);
	START_CRIT_SECTION();
	MarkBufferDirty(map);
	log_newpage_buffer(map, false);
	END_CRIT_SECTION();
	LockBuffer(map, BUFFER_LOCK_UNLOCK);
}

/* a page that is new may stand where another was cut off or lost, of which the map still speaks */
static void
forget_visibility(ScRowStore *store, BlockNumber block)
{
	Buffer		map = InvalidBuffer;

	if (store->cleared == block)
		return;
	visibilitymap_pin(store->rel, block, &map);
	clear_visibility(store->rel, block, map);
	ReleaseBuffer(map);
	store->cleared = block;
}

void
sc_row_store_insert(ScRowStore *store, TupleTableSlot *slot, ItemPointer tid)
{
	bool		free_it;
	HeapTuple	tuple;
	Oid			user;
	int			context;
	int			nestlevel = NewGUCNestLevel();

	/* expressions of indexes and generated columns are the owner's */
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(store->rel->rd_rel->relowner, context | SECURITY_RESTRICTED_OPERATION);
	slot->tts_tableOid = RelationGetRelid(store->rel);
	if (store->generated)
		ExecComputeStoredGenerated(store->info, store->estate, slot, CMD_INSERT);
	tuple = ExecFetchSlotHeapTuple(slot, true, &free_it);
	tuple->t_tableOid = slot->tts_tableOid;
	heap_insert(store->rel, tuple, GetCurrentCommandId(true), HEAP_INSERT_NO_LOGICAL, NULL);
	*tid = slot->tts_tid = tuple->t_self;
	forget_visibility(store, ItemPointerGetBlockNumber(tid));
	if (store->with_indexes && store->info->ri_NumIndices > 0)
		list_free(sc_insert_index_tuples(store->info, slot, store->estate));
	if (free_it)
		pfree(tuple);
	ResetPerTupleExprContext(store->estate);
	AtEOXact_GUC(false, nestlevel);
	SetUserIdAndSecContext(user, context);
}

void
sc_row_store_end(ScRowStore *store)
{
	if (store->with_indexes)
		ExecCloseIndices(store->info);
	FreeExecutorState(store->estate);
	pfree(store);
}

void
sc_row_store_delete(Relation rel, const ItemPointerData *tid)
{
	ItemPointerData place = *tid;

	simple_heap_delete(rel, &place);
}

void
sc_row_store_kill(Relation rel, const ItemPointerData *tid)
{
	BlockNumber block = ItemPointerGetBlockNumberNoCheck(tid);
	OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(tid);
	Buffer		map = InvalidBuffer;
	Buffer		buffer;
	GenericXLogState *state;
	Page		page;

	visibilitymap_pin(rel, block, &map);
	buffer = ReadBuffer(rel, block);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	clear_visibility(rel, block, map);
	state = GenericXLogStart(rel);
	page = GenericXLogRegisterBuffer(state, buffer, 0);
	if (offset <= PageGetMaxOffsetNumber(page) && ItemIdIsUsed(PageGetItemId(page, offset)))
		ItemIdSetDead(PageGetItemId(page, offset));
	PageClearAllVisible(page);
	GenericXLogFinish(state);
	UnlockReleaseBuffer(buffer);
	ReleaseBuffer(map);
}

void
sc_row_store_reset_page(Relation rel, BlockNumber block)
{
	Buffer		map = InvalidBuffer;
	Buffer		buffer;

	visibilitymap_pin(rel, block, &map);
	buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_ZERO_AND_LOCK, NULL);
	clear_visibility(rel, block, map);
	START_CRIT_SECTION();
	PageInit(BufferGetPage(buffer), BufferGetPageSize(buffer), 0);
	MarkBufferDirty(buffer);
	if (RelationNeedsWAL(rel))
		log_newpage_buffer(buffer, true);
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);
	ReleaseBuffer(map);
}

/* a page to be read; what sc_guard calls */
typedef struct ReadPage
{
	Relation	rel;
	BlockNumber block;
} ReadPage;

static void
read_page(void *arg)
{
	ReadPage   *read = arg;

	ReleaseBuffer(ReadBuffer(read->rel, read->block));
}

void
sc_row_store_need_file(Relation rel)
{
	/* as recovery does: no error where the file is there, and nothing to log, since nothing is in it */
	if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind) && !smgrexists(RelationGetSmgr(rel), MAIN_FORKNUM))
	{
		smgrcreate(RelationGetSmgr(rel), MAIN_FORKNUM, true);
		ereport(WARNING, (errcode(ERRCODE_DATA_CORRUPTED),
						  errmsg("the file of relation \"%s\" was gone, an empty one was made", RelationGetRelationName(rel))));
	}
	if (OidIsValid(rel->rd_rel->reltoastrelid))
	{
		Relation	toast = table_open(rel->rd_rel->reltoastrelid, ShareRowExclusiveLock);

		sc_row_store_need_file(toast);
		table_close(toast, NoLock);
	}
}

BlockNumber *
sc_row_store_bad_pages(Relation rel, int *count)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(rel);
	BlockNumber *bad = NULL;
	int			capacity = 0;
	ReadPage	read = {.rel = rel};

	*count = 0;
	for (read.block = 0; read.block < nblocks; read.block++)
	{
		CHECK_FOR_INTERRUPTS();
		if (sc_guard(read_page, &read, NULL))
			continue;
		if (*count == capacity)
		{
			capacity = Max(2 * capacity, 16);
			bad = bad == NULL ? palloc(capacity * sizeof(BlockNumber)) : repalloc(bad, capacity * sizeof(BlockNumber));
		}
		bad[(*count)++] = read.block;
	}
	return bad;
}

void
sc_row_store_reindex(Oid relid)
{
	ReindexParams params = {0};

	(void) sc_reindex_relation(relid, REINDEX_REL_PROCESS_TOAST, &params);
}
