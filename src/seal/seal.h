/*
 * seal.h
 *	  The seal room's entry point, settings and helpers shared by its files.
 */
#ifndef SC_SEAL_SEAL_H
#define SC_SEAL_SEAL_H

#include "postgres.h"

#include "ledger/registry.h"
#include "utils/snapshot.h"
#include "seal/shmem.h"

/* GUCs */
extern int	sc_seal_interval;	/* ms between timed rounds; 0 = only when seal() asks */
extern int	sc_seal_max_leaves; /* leaves in a block, its block leaf included */
extern char *sc_sign_key_directory;
extern char *sc_sign_pkcs11_module; /* library of the token that holds keys, or "" */

/* most ranges of ledger_seq in a block: its leaf must stay below SC_LEAF_MAX bytes */
#define SC_SEAL_MAX_RANGES 1024

/* called by _PG_init while libraries are preloaded */
extern void sc_seal_init(void);

/*
 * Set by the proof room: reports every fault of the chain's rows, blocks and
 * tree that open_chain must not let through, as an error.
 */
typedef void (*sc_open_chain_check_hook_type) (const ScChain *chain);
extern PGDLLIMPORT sc_open_chain_check_hook_type sc_open_chain_check_hook;

/* open_chain.c: the greatest ledger_seq that the chain has, or one more; brings its sequence beyond a number */
extern int64 sc_chain_greatest_seq(int32 chain_id, Snapshot snapshot);
extern void sc_chain_advance_sequence(const ScChain *chain, int64 used);

/* launcher.c, worker.c: entry points of the background processes */
extern PGDLLEXPORT void sc_launcher_main(Datum arg);
extern PGDLLEXPORT void sc_worker_main(Datum arg);
extern void sc_launcher_register(void);

/* worker.c: what background processes of a database have in common */
/* settings that must not depend on what the database or cluster is set to */
extern void sc_worker_fix_settings(const char *application_name);
extern bool sc_worker_extension_present(void);
/* signals and messages that came while a worker slept or waited; ends it when its database is to be left alone */
extern void sc_worker_interrupts(void);

/*
 * Set by the network room, called by the sealing worker before it sleeps,
 * outside a transaction: sees to it that the network worker is there if
 * there is work for it.  How many milliseconds until the next call, -1 = not
 * before the worker is woken.
 */
typedef long (*sc_tend_hook_type) (ScSealSlot *slot);
extern PGDLLIMPORT sc_tend_hook_type sc_tend_hook;

/* utility.c: commands that need the worker to leave, or to look again */
extern void sc_seal_utility_init(void);

#endif							/* SC_SEAL_SEAL_H */
