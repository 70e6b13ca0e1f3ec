/*
 * verify_rotation.h
 *	  Which keys vouch for which block, for verify().
 */
#ifndef SC_PROOF_VERIFY_ROTATION_H
#define SC_PROOF_VERIFY_ROTATION_H

#include "postgres.h"

#include "proof/verify.h"
#include "proof/verify_block.h"
#include "proof/verify_signature.h"

/* a row of seoulchain.rotation */
typedef struct ScVerifyRotation
{
	int64		seq;			/* of the event */
	char	   *old_key;
	char	   *new_key;
	bool		is_log;			/* else the node's cosigner key */
} ScVerifyRotation;

/* reads the rotations; reports those that do not lead from key to key */
extern void sc_verify_load_rotations(ScVerify *v);

/* the log key that the chain began with, or NULL */
extern const char *sc_first_log_key(const ScVerifyChain *chain);

/* the keys in force while blocks are passed one after the other */
typedef struct ScKeyCursor
{
	const ScVerifyChain *chain;
	const char *log;
	const char *cosigner;
	const char *old_log;		/* replaced in the block at hand, or NULL */
	const char *old_cosigner;
} ScKeyCursor;

extern void sc_key_cursor_begin(ScKeyCursor *cursor, const ScVerify *v, const ScVerifyChain *chain);

/* goes to the next block, which has these members; true when other keys sign than before */
extern bool sc_key_cursor_next(ScKeyCursor *cursor, const ScSpanList *members);
extern void sc_key_cursor_keys(const ScKeyCursor *cursor, ScNoteKeys *out);

/* the keys that vouch for a checkpoint of a size; the chain's blocks have been passed */
extern void sc_keys_at_size(const ScVerify *v, ScVerifyChain *chain, int64 size, ScNoteKeys *out);

#endif							/* SC_PROOF_VERIFY_ROTATION_H */
