/*
 * proof.c
 *	  Verifying inclusion and consistency proofs.
 *
 * The verifier knows nothing of plans or storage: it follows the loops of
 * RFC 9162 2.1.3.2 and 2.1.4.2 literally, so that a mistake in the prover
 * cannot hide in a shared helper.
 *
 * `fn` and `sn` are the RFC's names: the position of the node at hand and of
 * the last node, on the level that the walk has reached.
 */
#include <stdbool.h>
#include <string.h>

#include "core/proof.h"

static bool
hash_equal(const ScHash *a, const ScHash *b)
{
	return memcmp(a->bytes, b->bytes, SC_HASH_LEN) == 0;
}

/* whether the next path element stands left of the node at hand; if so, climbs past levels without a sibling */
static bool
sibling_is_left(uint64_t *fn, uint64_t *sn)
{
	if ((*fn & 1) == 0 && *fn != *sn)
		return false;
	while ((*fn & 1) == 0 && *fn != 0)
	{
		*fn >>= 1;
		*sn >>= 1;
	}
	return true;
}

ScStatus
sc_proof_verify_inclusion(const ScHash *leaf, uint64_t index, uint64_t size,
						  const ScHash *path, int npath, const ScHash *root)
{
	uint64_t	fn = index;
	uint64_t	sn = size - 1;
	ScHash		r = *leaf;

	if (index >= size)
		return SC_RANGE;
	for (int i = 0; i < npath; i++)
	{
		if (sn == 0)
			return SC_MALFORMED;
		if (sibling_is_left(&fn, &sn))
			sc_hash_node(&r, &path[i], &r);
		else
			sc_hash_node(&r, &r, &path[i]);
		fn >>= 1;
		sn >>= 1;
	}
	if (sn != 0)
		return SC_MALFORMED;
	return hash_equal(&r, root) ? SC_OK : SC_MISMATCH;
}

/*
 * The loop of 2.1.4.2 for 0 < from < to: what the old and the new root are if
 * `seed` is the largest subtree that ends where the old tree ends.
 */
static ScStatus
climb_both(ScHash *old_root, ScHash *new_root, uint64_t from, uint64_t to,
		   const ScHash *seed, const ScHash *path, int npath)
{
	uint64_t	fn = from - 1;
	uint64_t	sn = to - 1;

	*old_root = *new_root = *seed;
	while (fn & 1)
	{
		fn >>= 1;
		sn >>= 1;
	}
	for (int i = 0; i < npath; i++)
	{
		if (sn == 0)
			return SC_MALFORMED;
		if (sibling_is_left(&fn, &sn))
		{
			sc_hash_node(old_root, &path[i], old_root);
			sc_hash_node(new_root, &path[i], new_root);
		}
		else
			sc_hash_node(new_root, new_root, &path[i]);
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 ? SC_OK : SC_MALFORMED;
}

ScStatus
sc_proof_subproof_roots(ScHash *from_root, ScHash *to_root, uint64_t from, uint64_t to,
						const ScHash *path, int npath)
{
	if (from == 0 || from >= to)
		return SC_RANGE;
	if (npath < 1)
		return SC_MALFORMED;
	return climb_both(from_root, to_root, from, to, &path[0], path + 1, npath - 1);
}

ScStatus
sc_proof_verify_consistency(uint64_t from, const ScHash *from_root, uint64_t to, const ScHash *to_root,
							const ScHash *path, int npath)
{
	ScHash		empty;
	ScHash		old_root;
	ScHash		new_root;
	ScStatus	status;

	if (from > to)
		return SC_RANGE;

	/* there is one empty tree, and it has one root */
	if (from == 0)
	{
		sc_hash_empty(&empty);
		if (!hash_equal(from_root, &empty))
			return SC_MISMATCH;
	}
	if (from == to)
	{
		if (npath != 0)
			return SC_MALFORMED;
		return hash_equal(from_root, to_root) ? SC_OK : SC_MISMATCH;
	}
	if (from == 0)
		return npath == 0 ? SC_OK : SC_MALFORMED;
	if (npath <= 0)
		return SC_MALFORMED;

	/* a perfect old tree is itself the seed, and not in the path */
	if ((from & (from - 1)) == 0)
		status = climb_both(&old_root, &new_root, from, to, from_root, path, npath);
	else
		status = climb_both(&old_root, &new_root, from, to, &path[0], path + 1, npath - 1);
	if (status != SC_OK)
		return status;
	return hash_equal(&old_root, from_root) && hash_equal(&new_root, to_root) ? SC_OK : SC_MISMATCH;
}
