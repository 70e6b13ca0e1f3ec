/*
 * verify_timestamp.h
 *	  Stored timestamp tokens against the recomputed tree.
 */
#ifndef SC_PROOF_VERIFY_TIMESTAMP_H
#define SC_PROOF_VERIFY_TIMESTAMP_H

#include "postgres.h"

#include "proof/verify.h"

typedef struct ScStamps ScStamps;

extern ScStamps *sc_stamps_begin(ScVerify *v);

/*
 * Judges the tokens of the chain up to this block, which ends at `size`.
 * Chains come by number, blocks by height.  `computed` is the root of the
 * leaves, NULL when it cannot be known; `stored` the block's.
 */
extern void sc_stamps_block(ScStamps *stamps, ScVerifyChain *chain, int64 size, int64 height,
							const ScHash *computed, const ScHash *stored);

/* the chain has no more blocks: tokens that are left are of a longer one */
extern void sc_stamps_chain_end(ScStamps *stamps, ScVerifyChain *chain);

extern void sc_stamps_end(ScStamps *stamps);

#endif							/* SC_PROOF_VERIFY_TIMESTAMP_H */
