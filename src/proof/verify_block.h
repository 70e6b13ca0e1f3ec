/*
 * verify_block.h
 *	  One stored block, taken apart for verify().
 */
#ifndef SC_PROOF_VERIFY_BLOCK_H
#define SC_PROOF_VERIFY_BLOCK_H

#include "postgres.h"

#include "proof/verify.h"
#include "seal/block_store.h"

/* ranges [lower, upper) of ledger_seq */
typedef struct ScSpanList
{
	int			count;
	int			capacity;
	int64		total;			/* numbers in all of them */
	struct ScSpan
	{
		int64		lower;
		int64		upper;
	}		   *spans;
} ScSpanList;

/* a row of seoulchain.chain_block, and of seoulchain.block_range with its height */
typedef struct ScStoredBlock
{
	bool		present;		/* there is a block row */
	bool		whole;			/* its hashes have 32 bytes and its members can be read */
	ScBlock		block;
	ScSpanList	members;		/* of the block row */
	ScSpanList	listed;			/* of the member rows */
	int64		listed_leaf;	/* first_leaf of the first member row, -1 if none */
	bool		listed_steady;	/* the member rows' first_leaf follow each other */
} ScStoredBlock;

/* reads the block row in the slot; errors of its values are contained */
extern void sc_stored_block_read(ScStoredBlock *out, TupleTableSlot *slot);
extern void sc_span_add(ScSpanList *list, int64 lower, int64 upper);
/* the multirange's text, as a block leaf holds it; palloc'd */
extern char *sc_span_text(const ScSpanList *list);
extern bool sc_span_equal(const ScSpanList *a, const ScSpanList *b);

#endif							/* SC_PROOF_VERIFY_BLOCK_H */
