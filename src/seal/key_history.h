/*
 * key_history.h
 *	  Which keys sign which block: the rotations of a chain's log key and of its node's cosigner key.
 */
#ifndef SC_SEAL_KEY_HISTORY_H
#define SC_SEAL_KEY_HISTORY_H

#include "postgres.h"

#include "ledger/registry.h"
#include "seal/key_files.h"
#include "seal/tree_store.h"

/* seoulchain.rotation */
#define SC_ROTATION_ATTR_CHAIN_ID 1
#define SC_ROTATION_ATTR_SEQ 2
#define SC_ROTATION_ATTR_OLD_KEY 3
#define SC_ROTATION_ATTR_NEW_KEY 4
#define SC_ROTATION_NATTS 4

/* a key, and the leaf that brought it: its rotation's event */
typedef struct ScKeyEpoch
{
	char	   *key;			/* verifier key */
	int64		seq;			/* ledger_seq of the event; 0 for the first key */
	int64		leaf;			/* its leaf; 0 for the first key, PG_INT64_MAX while the event is not sealed */
} ScKeyEpoch;

/*
 * The keys of a chain in a role, oldest first: List of ScKeyEpoch *; NIL for
 * a chain without a node, and for the cosigner of a copy whose node is no
 * peer.
 */
extern List *sc_key_epochs(const ScChain *chain, ScKeyRole role, Snapshot snapshot);

/* those that sign a block: the one in force before it and those that came in it */
extern List *sc_key_epochs_of_block(List *epochs, const ScBlock *block);

/* the cosigner key of the node whose chain it is, palloc'd, as its operator handed it over; NULL when the node is no peer */
extern char *sc_copy_cosigner_key(const char *origin, Snapshot snapshot);

extern void sc_rotation_insert(int32 chain_id, int64 seq, const char *old_key, const char *new_key);

#endif							/* SC_SEAL_KEY_HISTORY_H */
