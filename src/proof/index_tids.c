/*
 * index_tids.c
 *	  The row pointers that an index of any access method gives.
 *
 * Invariant: one entry for each row that a scan without keys returns, or
 * false when the access method cannot do that exactly (BRIN and lossy ones
 * know pages, not rows).
 * Context: guarded by the caller: the access method reads pages that may be
 * damaged, and raises what it notices.
 */
#include "postgres.h"

#include "proof/index_entry.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/relscan.h"
#include "catalog/pg_am.h"
#include "compat.h"
#include "nodes/tidbitmap.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* hands over the TIDs of a bitmap; false at the first lossy page */
static bool
take_bitmap(ScIndexCheck *check, TIDBitmap *bitmap)
{
	ScBitmapPages pages;
	BlockNumber block;
	OffsetNumber offsets[MaxHeapTuplesPerPage];
	int			noffsets = 0;

	sc_bitmap_begin(&pages, bitmap);
	while (noffsets >= 0 && sc_bitmap_next(&pages, &block, offsets, &noffsets))
	{
		for (int i = 0; i < noffsets; i++)
		{
			ItemPointerData tid;

			ItemPointerSet(&tid, block, offsets[i]);
			sc_entries_put(check->found, &tid, 0, SC_NONE);
		}
	}
	sc_bitmap_end(&pages);
	return noffsets >= 0;
}

bool
sc_scan_entries(ScIndexCheck *check)
{
	IndexAmRoutine *am = check->index->rd_indam;
	IndexScanDesc scan;
	TIDBitmap  *bitmap;
	bool		exact;

	if (!am->amoptionalkey || am->amgetbitmap == NULL || check->index->rd_rel->relam == BRIN_AM_OID)
		return false;
	/* work_mem does not bound this one: a lossy page would tell nothing */
	bitmap = tbm_create(MaxAllocHugeSize, NULL);
	scan = sc_index_beginscan_bitmap(check->index, check->snapshot, 0);
	index_rescan(scan, NULL, 0, NULL, 0);
	index_getbitmap(scan, bitmap);
	index_endscan(scan);
	exact = take_bitmap(check, bitmap);
	tbm_free(bitmap);
	return exact;
}
