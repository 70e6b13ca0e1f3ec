/*
 * page.c
 *	  Reading the pages of a heap that may be damaged, tuple by tuple.
 *
 * Invariant: a page is judged from a private copy, taken under the buffer's
 * share lock, so nothing is pinned or locked while values are looked at and
 * an error leaves nothing behind; line pointers are followed only inside it.
 * Locks: the caller holds AccessShareLock on the relation and a registered
 * snapshot, so that no visible tuple's TOAST values can go.
 * Does not decide what is a fault.
 */
#include "postgres.h"

#include "proof/page.h"

#include "storage/smgr.h"
#include "utils/rel.h"

/* zeros behind the page, for readers of short values */
#define PAGE_SLACK 256

void
sc_page_init(ScPageCopy *copy, Relation rel, bool bulk)
{
	copy->rel = rel;
	copy->strategy = bulk ? GetAccessStrategy(BAS_BULKREAD) : NULL;
	copy->page = palloc0(BLCKSZ + PAGE_SLACK);
	copy->block = InvalidBlockNumber;
}

void
sc_page_free(ScPageCopy *copy)
{
	if (copy->strategy)
		FreeAccessStrategy(copy->strategy);
	pfree(copy->page);
}

void
sc_page_read(ScPageCopy *copy, BlockNumber block)
{
	Buffer		buffer;

	copy->block = InvalidBlockNumber;
	buffer = ReadBufferExtended(copy->rel, MAIN_FORKNUM, block, RBM_NORMAL, copy->strategy);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	memcpy(copy->page, BufferGetPage(buffer), BLCKSZ);
	UnlockReleaseBuffer(buffer);
	copy->block = block;
}

void
sc_page_read_raw(ScPageCopy *copy, BlockNumber block)
{
	copy->block = InvalidBlockNumber;
	smgrread(RelationGetSmgr(copy->rel), MAIN_FORKNUM, block, copy->page);
	copy->block = block;
}

OffsetNumber
sc_page_items(const ScPageCopy *copy)
{
	PageHeader	header = (PageHeader) copy->page;
	uint32		items;

	if (PageIsNew(copy->page))
		return 0;
	if (header->pd_lower < SizeOfPageHeaderData || header->pd_lower > BLCKSZ)
		return MaxHeapTuplesPerPage;
	items = (header->pd_lower - SizeOfPageHeaderData) / sizeof(ItemIdData);
	return Min(items, MaxHeapTuplesPerPage);
}

HeapTupleHeader
sc_page_tuple(const ScPageCopy *copy, OffsetNumber offset, uint32 *len)
{
	ItemId		item = PageGetItemId(copy->page, offset);
	uint32		off = ItemIdGetOffset(item);

	*len = ItemIdGetLength(item);
	if (!ItemIdIsNormal(item) || off != MAXALIGN(off) || off < SizeOfPageHeaderData ||
		off >= BLCKSZ || *len > BLCKSZ - off || *len < SizeofHeapTupleHeader)
		return NULL;
	return (HeapTupleHeader) (copy->page + off);
}

bool
sc_page_fetch(ScPageCopy *copy, const ItemPointerData *tid, Snapshot snapshot,
			  Datum *values, bool *nulls)
{
	HeapTupleHeader header;
	uint32		len;
	OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(tid);

	if (copy->block != ItemPointerGetBlockNumberNoCheck(tid))
		sc_page_read(copy, ItemPointerGetBlockNumberNoCheck(tid));
	if (offset == InvalidOffsetNumber || offset > sc_page_items(copy))
		return false;
	header = sc_page_tuple(copy, offset, &len);
	return header != NULL &&
		sc_tuple_state(header, snapshot) != SC_TUPLE_INVISIBLE &&
		sc_tuple_deform(values, nulls, header, len, RelationGetDescr(copy->rel),
						copy->rel->rd_rel->reltoastrelid);
}
