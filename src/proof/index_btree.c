/*
 * index_btree.c
 *	  Reading the entries of a btree whose pages may be damaged.
 *
 * The pages are read one after the other from private copies, never through
 * the access method, which trusts what it finds.  Every page must be sound:
 * its special space, line pointers, tuple sizes, posting lists, values and
 * links; only then may the index be used for lookups (index_probe.c).
 *
 * Invariant: entries that a scan would pass over (marked dead) do not count.
 * Locks: ShareUpdateExclusiveLock on the table by the caller, so that VACUUM
 * does not remove entries meanwhile.
 * Source: nbtree's page format, version 4 (and 3).
 */
#include "postgres.h"

#include "proof/index_entry.h"

#include "access/itup.h"
#include "access/nbtree.h"
#include "miscadmin.h"
#include "proof/guard.h"
#include "proof/page.h"
#include "proof/tuple.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct BtreePass
{
	ScIndexCheck *check;
	ScPageCopy	copy;
	ScPageCopy	other;			/* a page that this one leads to */
	BlockNumber block;
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
} BtreePass;

/* raises the error that makes the page a fault */
static void
damaged(BtreePass *pass, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("block %u of index \"%s\" is damaged: %s",
					pass->block, RelationGetRelationName(pass->check->index), what)));
}

/* a page's special space, checked */
static BTPageOpaque
page_opaque(BtreePass *pass, const ScPageCopy *copy)
{
	PageHeader	header = (PageHeader) copy->page;

	if (header->pd_special != BLCKSZ - MAXALIGN(sizeof(BTPageOpaqueData)) ||
		header->pd_lower < SizeOfPageHeaderData || header->pd_lower > header->pd_upper ||
		header->pd_upper > header->pd_special)
		damaged(pass, "its header is wrong");
	return (BTPageOpaque) (copy->page + header->pd_special);
}

/* a line pointer's tuple; its size is checked */
static IndexTuple
page_tuple(BtreePass *pass, OffsetNumber offset)
{
	PageHeader	header = (PageHeader) pass->copy.page;
	ItemId		item = PageGetItemId(pass->copy.page, offset);
	uint32		off = ItemIdGetOffset(item);
	IndexTuple	tuple;

	if (!ItemIdHasStorage(item) || off != MAXALIGN(off) || off < header->pd_upper ||
		ItemIdGetLength(item) < sizeof(IndexTupleData) ||
		off + ItemIdGetLength(item) > header->pd_special)
		damaged(pass, "a line pointer leads nowhere");
	tuple = (IndexTuple) (pass->copy.page + off);
	if (IndexTupleSize(tuple) < sizeof(IndexTupleData) || IndexTupleSize(tuple) > ItemIdGetLength(item))
		damaged(pass, "a tuple has a wrong size");
	return tuple;
}

/* takes the key values apart; `end` is where they must end */
static void
deform(BtreePass *pass, IndexTuple tuple, int natts, uint32 end)
{
	uint32		begin = IndexInfoFindDataOffset(tuple->t_info);
	const bits8 *bits = IndexTupleHasNulls(tuple) ? (const bits8 *) (tuple + 1) : NULL;

	if (begin > end ||
		!sc_attributes_deform(pass->values, pass->nulls, (const char *) tuple + begin, end - begin,
							  natts, bits, RelationGetDescr(pass->check->index), InvalidOid))
		damaged(pass, "a key is damaged");
}

/* an entry of a leaf page: one TID or a posting list */
static void
leaf_entry(BtreePass *pass, IndexTuple tuple, bool dead)
{
	TupleDesc	tupdesc = RelationGetDescr(pass->check->index);
	uint32		end = IndexTupleSize(tuple);
	ItemPointer tids = &tuple->t_tid;
	int			ntids = 1;
	int64		digest;

	if (BTreeTupleIsPosting(tuple))
	{
		end = BTreeTupleGetPostingOffset(tuple);
		ntids = BTreeTupleGetNPosting(tuple);
		if (end != MAXALIGN(end) || end + ntids * sizeof(ItemPointerData) > IndexTupleSize(tuple))
			damaged(pass, "a posting list is damaged");
		tids = BTreeTupleGetPosting(tuple);
	}
	else if (BTreeTupleIsPivot(tuple))
		damaged(pass, "a leaf has a pivot tuple");
	deform(pass, tuple, tupdesc->natts, end);
	if (dead)
		return;
	digest = sc_entry_digest(pass->values, pass->nulls, tupdesc);
	for (int i = 0; i < ntids; i++)
		sc_entries_put(pass->check->found, &tids[i], digest, SC_NONE);
}

/* high keys and downlinks: only their form is checked here */
static void
pivot_entry(BtreePass *pass, IndexTuple tuple)
{
	int			natts = RelationGetDescr(pass->check->index)->natts;
	uint32		end = IndexTupleSize(tuple);

	if (BTreeTupleIsPivot(tuple))
	{
		natts = BTreeTupleGetNAtts(tuple, pass->check->index);
		if (natts > IndexRelationGetNumberOfKeyAttributes(pass->check->index))
			damaged(pass, "a pivot tuple has too many attributes");
		if (BTreeTupleGetHeapTID(tuple) != NULL)
			end -= MAXALIGN(sizeof(ItemPointerData));
	}
	deform(pass, tuple, natts, end);
}

/*
 * The page that a link leads to; it must be one of the tree, of that level.
 * So every descent goes down and ends: the access method, which trusts links,
 * would follow a ring of them for ever.
 */
static BTPageOpaque
linked_page(BtreePass *pass, BlockNumber block, uint32 level)
{
	BTPageOpaque opaque;

	if (block == BTREE_METAPAGE || block >= RelationGetNumberOfBlocks(pass->check->index))
		damaged(pass, "a link leads nowhere");
	sc_page_read(&pass->other, block);
	if (PageIsNew(pass->other.page))
		damaged(pass, "a link leads to an empty page");
	opaque = page_opaque(pass, &pass->other);
	if (P_ISMETA(opaque) || P_ISDELETED(opaque) || opaque->btpo_level != level)
		damaged(pass, "a link leads to a page of another level");
	return opaque;
}

/* the meta page leads to the root; the one in use may be lower than the first */
static void
check_meta(BtreePass *pass)
{
	BTMetaPageData *meta = BTPageGetMeta(pass->copy.page);

	if (meta->btm_magic != BTREE_MAGIC)
		damaged(pass, "it is not a meta page");
	if (meta->btm_root == P_NONE)
		return;
	(void) linked_page(pass, meta->btm_root, meta->btm_level);
	(void) linked_page(pass, meta->btm_fastroot, meta->btm_fastlevel);
}

/* the right neighbour must say that this page is its left one, unless one was split off meanwhile */
static void
check_right(BtreePass *pass, BTPageOpaque opaque)
{
	BlockNumber next = opaque->btpo_next;
	BTPageOpaque right = linked_page(pass, next, opaque->btpo_level);

	if (right->btpo_prev == pass->block)
		return;
	sc_page_read(&pass->other, pass->block);
	if (page_opaque(pass, &pass->other)->btpo_next == next)
		damaged(pass, "its right neighbour has another left one");
}

/* level, flags and neighbour of a page that is in the tree */
static void
check_place(BtreePass *pass, BTPageOpaque opaque)
{
	if ((P_ISLEAF(opaque) != 0) != (opaque->btpo_level == 0))
		damaged(pass, "its level is wrong");
	if (!P_RIGHTMOST(opaque))
		check_right(pass, opaque);
}

/* one page */
static void
read_page(void *arg)
{
	BtreePass  *pass = arg;
	BTPageOpaque opaque;
	OffsetNumber items;
	OffsetNumber first;

	sc_page_read(&pass->copy, pass->block);
	if (PageIsNew(pass->copy.page))
		return;
	opaque = page_opaque(pass, &pass->copy);
	if ((P_ISMETA(opaque) != 0) != (pass->block == BTREE_METAPAGE))
		damaged(pass, pass->block == BTREE_METAPAGE ? "it is not a meta page" : "it says that it is the meta page");
	if (P_ISMETA(opaque))
	{
		check_meta(pass);
		return;
	}
	if (P_IGNORE(opaque))
		return;
	check_place(pass, opaque);
	items = PageGetMaxOffsetNumber(pass->copy.page);
	if (items > MaxIndexTuplesPerPage + 1)
		damaged(pass, "it has too many line pointers");
	first = P_FIRSTDATAKEY(opaque);
	for (OffsetNumber offset = FirstOffsetNumber; offset <= items; offset++)
	{
		IndexTuple	tuple = page_tuple(pass, offset);

		if (P_ISLEAF(opaque) && offset >= first)
			leaf_entry(pass, tuple, ItemIdIsDead(PageGetItemId(pass->copy.page, offset)));
		else if (P_ISLEAF(opaque) || offset != first)
			pivot_entry(pass, tuple);
		if (!P_ISLEAF(opaque) && offset >= first)
			(void) linked_page(pass, BTreeTupleGetDownLink(tuple), opaque->btpo_level - 1);
		MemoryContextReset(CurrentMemoryContext);
	}
}

void
sc_btree_entries(ScIndexCheck *check)
{
	BtreePass  *pass = palloc0(sizeof(BtreePass));
	BlockNumber nblocks = RelationGetNumberOfBlocks(check->index);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "seoulchain btree page",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller;

	pass->check = check;
	sc_page_init(&pass->copy, check->index, true);
	sc_page_init(&pass->other, check->index, true);
	caller = MemoryContextSwitchTo(scratch);
	for (pass->block = 0; pass->block < nblocks; pass->block++)
	{
		char	   *message = NULL;

		CHECK_FOR_INTERRUPTS();
		if (!sc_guard(read_page, pass, &message))
		{
			sc_index_fault(check, SC_FAULT_INDEX_UNREADABLE, SC_NONE);
			ereport(WARNING,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" has a damaged page", RelationGetRelationName(check->index)),
					 errdetail_internal("%s", message)));
		}
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	sc_page_free(&pass->copy);
	sc_page_free(&pass->other);
	pfree(pass);
}
