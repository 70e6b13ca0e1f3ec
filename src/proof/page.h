/*
 * page.h
 *	  Reading the pages of a heap that may be damaged, tuple by tuple.
 */
#ifndef SC_PROOF_PAGE_H
#define SC_PROOF_PAGE_H

#include "postgres.h"

#include "proof/tuple.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "utils/relcache.h"

/* a private copy of one page of a relation */
typedef struct ScPageCopy
{
	Relation	rel;
	BufferAccessStrategy strategy;	/* NULL: shared buffers as usual */
	char	   *page;			/* the copy, MAXALIGNed, followed by zeros */
	BlockNumber block;			/* InvalidBlockNumber: none */
} ScPageCopy;

extern void sc_page_init(ScPageCopy *copy, Relation rel, bool bulk);
extern void sc_page_free(ScPageCopy *copy);

/* copies a page from shared buffers; errors as ReadBuffer does */
extern void sc_page_read(ScPageCopy *copy, BlockNumber block);

/* copies a page from disk unchecked, for one that ReadBuffer refuses */
extern void sc_page_read_raw(ScPageCopy *copy, BlockNumber block);

/* how many line pointers may be looked at, even if the page header is damaged */
extern OffsetNumber sc_page_items(const ScPageCopy *copy);

/* the tuple of a line pointer, or NULL when it has none inside the page */
extern HeapTupleHeader sc_page_tuple(const ScPageCopy *copy, OffsetNumber offset, uint32 *len);

/* the tuple at tid taken apart; false when it is not there, not visible or damaged */
extern bool sc_page_fetch(ScPageCopy *copy, const ItemPointerData *tid, Snapshot snapshot,
						  Datum *values, bool *nulls);

#endif							/* SC_PROOF_PAGE_H */
