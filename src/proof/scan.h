/*
 * scan.h
 *	  Reading every tuple of a heap to its end, whatever is damaged.
 */
#ifndef SC_PROOF_SCAN_H
#define SC_PROOF_SCAN_H

#include "postgres.h"

#include "proof/page.h"
#include "utils/snapshot.h"

typedef enum ScScanFault
{
	SC_SCAN_BAD_PAGE,			/* the page cannot be read or is refused */
	SC_SCAN_BAD_TUPLE,			/* header or lengths are damaged */
	SC_SCAN_FAILED				/* the row callback raised an error */
} ScScanFault;

typedef struct ScScan ScScan;

typedef struct ScScanCallbacks
{
	/*
	 * A row of the snapshot, taken apart; may raise errors.  The memory
	 * context is reset before the next row.
	 */
	void		(*row) (void *arg, ScScan *scan);
	/* something is damaged; the scan goes on behind it */
	void		(*bad) (void *arg, ScScan *scan, ScScanFault fault, const char *message);
	/* after each page; may be NULL */
	void		(*page) (void *arg, ScScan *scan);
} ScScanCallbacks;

struct ScScan
{
	Relation	rel;
	Snapshot	snapshot;
	const ScScanCallbacks *callbacks;
	void	   *arg;
	ScPageCopy	copy;
	BlockNumber nblocks;
	/* where the scan is */
	BlockNumber block;
	OffsetNumber offset;
	ScTupleState state;			/* of the row: visible or own (or invisible, see ghost) */
	bool		ghost;			/* not in the snapshot, but its page says that all is visible */
	bool		deformed;		/* values and nulls are the present row's */
	bool		raw;			/* the page was refused and is judged from disk */
	Datum	   *values;
	bool	   *nulls;
	MemoryContext row_context;
};

/* reads the whole relation; rows of the running transaction come too, marked */
extern void sc_scan_run(Relation rel, Snapshot snapshot, const ScScanCallbacks *callbacks, void *arg);

#endif							/* SC_PROOF_SCAN_H */
