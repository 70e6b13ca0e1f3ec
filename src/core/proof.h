/*
 * proof.h
 *	  Verifying inclusion and consistency, by the loops of RFC 9162 2.1.3.2 and 2.1.4.2.
 */
#ifndef SC_CORE_PROOF_H
#define SC_CORE_PROOF_H

#include "core/hash.h"
#include "core/status.h"

/* SC_OK when path proves leaf at index in the tree (size, root); SC_RANGE, SC_MALFORMED (wrong path length), SC_MISMATCH */
extern SC_WARN_UNUSED ScStatus sc_proof_verify_inclusion(const ScHash *leaf, uint64_t index, uint64_t size,
														 const ScHash *path, int npath, const ScHash *root);

/* SC_OK when path proves that (to, to_root) extends (from, from_root); sizes 0 and equal as docs/format.md says */
extern SC_WARN_UNUSED ScStatus sc_proof_verify_consistency(uint64_t from, const ScHash *from_root,
														   uint64_t to, const ScHash *to_root,
														   const ScHash *path, int npath);

/*
 * The roots at `from` and `to` that SUBPROOF(from, D[to], false) leads to: a
 * signed root at `to` with another signed root at `from` than this proves two
 * histories.  Requires 0 < from < to (SC_RANGE); SC_MALFORMED.
 */
extern SC_WARN_UNUSED ScStatus sc_proof_subproof_roots(ScHash *from_root, ScHash *to_root,
													   uint64_t from, uint64_t to,
													   const ScHash *path, int npath);

#endif							/* SC_CORE_PROOF_H */
