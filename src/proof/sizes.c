/*
 * sizes.c
 *	  Which tree sizes a caller may ask about.
 *
 * Invariant: a size that passed sc_size_require is covered by the stored
 * tree under the same snapshot, so tree_store.h may be asked for it.
 * Context: a snapshot, registered or active.  Reads blocks and signatures,
 * writes nothing.
 */
#include "postgres.h"

#include "proof/sizes.h"

#include "seal/tree_store.h"

int64
sc_size_sealed(int32 chain_id, Snapshot snapshot)
{
	ScBlock		block;

	return sc_block_last(chain_id, snapshot, &block) ? block.tree_size : 0;
}

int64
sc_size_signed(int32 chain_id, Snapshot snapshot)
{
	int64		height;
	int64		size;
	char	   *lines;

	return sc_signature_find(chain_id, -1, snapshot, &height, &size, &lines) ? size : 0;
}

void
sc_size_require(const char *what, int64 value, int64 low, int64 high, const ScChain *chain)
{
	if (value >= low && value <= high)
		return;
	if (low > high)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %lld is not a size of chain \"%s\"", what, (long long) value, chain->name),
				 errdetail("No size from %lld on has been sealed; the tree has %lld leaves.",
						   (long long) low, (long long) high),
				 errhint("Run SELECT seoulchain.seal('%s') first.", chain->name)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s %lld is out of range for chain \"%s\"", what, (long long) value, chain->name),
			 errdetail("Allowed are %lld to %lld.", (long long) low, (long long) high),
			 errhint("SELECT max(tree_size) FROM seoulchain.block WHERE chain = '%s' shows the largest size.",
					 chain->name)));
}
