/*
 * round.h
 *	  One round of the worker: mails, sealing and signing of every chain.
 */
#ifndef SC_SEAL_ROUND_H
#define SC_SEAL_ROUND_H

#include "postgres.h"

#include "ledger/registry.h"
#include "nodes/pg_list.h"

/* takes the mails that wait: answers those about keys, returns those that ask to seal (ScMail *) */
extern List *sc_seal_mails(void);

/*
 * Seals and signs every open chain and answers the mails; with seal false
 * it only signs.  Errors are caught, reported and kept in the chains'
 * states; false if there were any.
 */
extern bool sc_seal_round(List *mails, bool seal);

/*
 * Set by the network room; called by the worker, outside a transaction, in a
 * memory context that is reset after the round.  Errors are caught, reported
 * and kept in the chain's state.
 *
 * sc_signed_hook: a chain of this node was sealed and signed as far as it can be.
 *
 * sc_before_copies_hook: the copies are about to have their turn.
 *
 * sc_copy_round_hook: works on a copy for a bounded time, and tells when to go on.
 */
typedef enum ScCopyNext
{
	SC_COPY_IDLE,				/* when something new has come */
	SC_COPY_LATER,				/* in a second, if nothing has come before */
	SC_COPY_MORE				/* at once, after the other chains had their turn */
} ScCopyNext;

typedef void (*sc_before_copies_hook_type) (void);
typedef void (*sc_signed_hook_type) (int32 chain_id);
typedef ScCopyNext (*sc_copy_round_hook_type) (int32 chain_id);
extern PGDLLIMPORT sc_signed_hook_type sc_signed_hook;
extern PGDLLIMPORT sc_before_copies_hook_type sc_before_copies_hook;
extern PGDLLIMPORT sc_copy_round_hook_type sc_copy_round_hook;

/*
 * Set by the network room: why nothing of this node's chain is to be sealed or
 * signed yet, palloc'd, or NULL.  In a transaction.
 */
typedef char *(*sc_chain_held_hook_type) (const ScChain *chain);
extern PGDLLIMPORT sc_chain_held_hook_type sc_chain_held_hook;

/* every copy has its turn; what the one that is most in a hurry says */
extern ScCopyNext sc_copy_round(void);

/* work that nobody waits for, after a round; errors are logged */
extern void sc_seal_tidy(void);

#endif							/* SC_SEAL_ROUND_H */
