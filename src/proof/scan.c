/*
 * scan.c
 *	  Reading every tuple of a heap to its end, whatever is damaged.
 *
 * Invariant: each tuple is handed over at most once, and an error costs one
 * tuple, or one page that neither shared buffers nor the disk will give.  The
 * place of the scan is kept outside the guarded part, so that after an error
 * it goes on behind the tuple that caused it.
 * Locks: AccessShareLock on the relation by the caller.
 * Effects: none; not even hint bits are set.
 */
#include "postgres.h"

#include "proof/scan.h"

#include "miscadmin.h"
#include "proof/guard.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* hands over the tuple at the scan's place, if it is there for a reader */
static void
scan_tuple(ScScan *scan)
{
	uint32		len;
	HeapTupleHeader header = sc_page_tuple(&scan->copy, scan->offset, &len);

	scan->deformed = false;
	scan->ghost = false;
	if (header == NULL)
	{
		ItemId		item = PageGetItemId(scan->copy.page, scan->offset);

		if (ItemIdIsNormal(item) && !scan->raw)
			scan->callbacks->bad(scan->arg, scan, SC_SCAN_BAD_TUPLE, "line pointer leads nowhere");
		return;
	}
	scan->state = sc_tuple_state(header, scan->snapshot);
	if (scan->state == SC_TUPLE_INVISIBLE)
	{
		if (!PageIsAllVisible(scan->copy.page))
			return;
		scan->ghost = true;
	}
	if (!sc_tuple_deform(scan->values, scan->nulls, header, len, RelationGetDescr(scan->rel),
						 scan->rel->rd_rel->reltoastrelid))
	{
		scan->callbacks->bad(scan->arg, scan, SC_SCAN_BAD_TUPLE, "tuple is damaged");
		return;
	}
	scan->deformed = true;
	scan->callbacks->row(scan->arg, scan);
}

/* reads on from the scan's place to the end of the relation */
static void
scan_rest(void *arg)
{
	ScScan	   *scan = arg;

	MemoryContextSwitchTo(scan->row_context);
	while (scan->block < scan->nblocks)
	{
		OffsetNumber items;

		CHECK_FOR_INTERRUPTS();
		if (scan->copy.block != scan->block)
		{
			scan->raw = false;
			sc_page_read(&scan->copy, scan->block);
			scan->offset = FirstOffsetNumber;
		}
		items = sc_page_items(&scan->copy);
		for (; scan->offset <= items; scan->offset++)
		{
			scan_tuple(scan);
			MemoryContextReset(scan->row_context);
		}
		if (scan->callbacks->page)
			scan->callbacks->page(scan->arg, scan);
		scan->block++;
	}
}

/* takes the page that shared buffers refused from disk */
static void
read_raw(void *arg)
{
	ScScan	   *scan = arg;

	sc_page_read_raw(&scan->copy, scan->block);
}

/* after an error: notes it and moves behind what caused it */
static void
step_over(ScScan *scan, const char *message)
{
	if (scan->copy.block == scan->block)
	{
		scan->callbacks->bad(scan->arg, scan, SC_SCAN_FAILED, message);
		scan->offset++;
		return;
	}
	scan->deformed = false;
	scan->callbacks->bad(scan->arg, scan, SC_SCAN_BAD_PAGE, message);
	if (sc_guard(read_raw, scan, NULL))
	{
		scan->raw = true;
		scan->offset = FirstOffsetNumber;
	}
	else
		scan->block++;
}

void
sc_scan_run(Relation rel, Snapshot snapshot, const ScScanCallbacks *callbacks, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain scan",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	int			natts = RelationGetDescr(rel)->natts;
	ScScan	   *scan = palloc0(sizeof(ScScan));
	char	   *message = NULL;

	scan->rel = rel;
	scan->snapshot = snapshot;
	scan->callbacks = callbacks;
	scan->arg = arg;
	scan->values = palloc(sizeof(Datum) * natts);
	scan->nulls = palloc(sizeof(bool) * natts);
	scan->row_context = AllocSetContextCreate(context, "seoulchain row", ALLOCSET_DEFAULT_SIZES);
	scan->nblocks = RelationGetNumberOfBlocks(rel);
	sc_page_init(&scan->copy, rel, true);
	while (!sc_guard(scan_rest, scan, &message))
	{
		step_over(scan, message);
		MemoryContextReset(scan->row_context);
	}
	MemoryContextSwitchTo(caller);
	sc_page_free(&scan->copy);
	MemoryContextDelete(context);
}
