/*
 * key_ring.h
 *	  The keys that sign a chain's blocks, each loaded when a block first needs it.
 */
#ifndef SC_SEAL_KEY_RING_H
#define SC_SEAL_KEY_RING_H

#include "postgres.h"

#include "seal/key_files.h"
#include "seal/tree_store.h"

/* a change of either key waits until the last one is signed, so two of each at most */
#define SC_KEY_RING_MAX 4

typedef struct ScKeyRing
{
	List	   *epochs[2];		/* by role, oldest first */
	int			count;
	const char *texts[SC_KEY_RING_MAX];
	ScSigningKey keys[SC_KEY_RING_MAX];
} ScKeyRing;

/* finds out which keys there are; loads none.  The caller wipes the ring, also after an error. */
extern void sc_key_ring_begin(ScKeyRing *ring, const ScChain *chain, Snapshot snapshot);

/* the same for a chain that this node only cosigns, whatever the block, with its cosigner key */
extern void sc_key_ring_begin_cosigner(ScKeyRing *ring, const char *key);

/* errors when the profile does not allow a key that signs this block last */
extern void sc_key_ring_check_profile(const ScKeyRing *ring, const ScChain *chain, const ScBlock *block);

/* loads the keys of a block; errors when one is not to be had */
extern void sc_key_ring_load(ScKeyRing *ring, const ScBlock *block);

/* appends the signature lines of a block's checkpoint: the log's keys, oldest first, then the cosigner's */
extern void sc_key_ring_sign(ScBuf *lines, ScKeyRing *ring, const ScBlock *block, const char *text, size_t len);

extern void sc_key_ring_wipe(ScKeyRing *ring);

#endif							/* SC_SEAL_KEY_RING_H */
