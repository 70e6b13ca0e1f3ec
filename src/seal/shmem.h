/*
 * shmem.h
 *	  Shared memory of the sealer: a slot per database, a mailbox, the state of each chain.
 *
 * Invariant: everything but the atomics is read and changed under one
 * LWLock, held for a few instructions and never across waiting.  A slot
 * belongs to a database until that database is dropped, so a backend may
 * keep the pointer to its own database's slot.
 */
#ifndef SC_SEAL_SHMEM_H
#define SC_SEAL_SHMEM_H

#include "postgres.h"

#include "compat.h"
#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"

#define SC_SEAL_DATABASES 128	/* databases looked after, those without the extension included */
#define SC_SEAL_HOLDS 64		/* DROP DATABASE and the like running at once */
#define SC_SEAL_MAILS 64		/* requests under way at once; more wait their turn */
#define SC_SEAL_CHAINS 512		/* chains whose state the status view can tell */
#define SC_SEAL_NAME_LEN 256
#define SC_SEAL_TEXT_LEN 512
#define SC_MAIL_REQUEST_LEN 1280	/* room for a URI, or two keys */
#define SC_MAIL_TEXT_LEN 2560	/* room for an event with two keys and two signatures */

/* a database's worker */
typedef enum ScWorkerState
{
	SC_WORKER_NONE,
	SC_WORKER_STARTING,			/* registered with the postmaster */
	SC_WORKER_PROBING,			/* connected, looking for the extension */
	SC_WORKER_RUNNING
} ScWorkerState;

typedef struct ScSealSlot
{
	Oid			dboid;			/* InvalidOid: free */
	ScWorkerState state;
	pid_t		worker_pid;
	Latch	   *worker_latch;
	bool		absent;			/* looked: the database has no extension */
	TimestampTz retry_at;		/* no start before: the last worker failed */
	pg_atomic_uint32 pending;	/* journal rows may have been committed */
	pg_atomic_uint32 asked;		/* somebody wants a round now and does not wait for its answer */
	pg_atomic_uint32 arrived;	/* something about a copy has come from another node */
	pg_atomic_uint32 network;	/* there may be work for the network worker */
	pid_t		network_pid;	/* the network worker, 0 when there is none */
	Latch	   *network_latch;
	ConditionVariable changed;	/* the state of a worker changed */
	pg_atomic_uint32 passed;	/* counts chains that the worker is through with, for better or worse */
	ConditionVariable progress; /* that counter went on */
} ScSealSlot;

/* requests to a worker */
typedef enum ScMailKind
{
	SC_MAIL_SEAL,				/* seal chain_id now; answers found, height */
	SC_MAIL_MAKE_KEY,			/* make or find the key `name` of key_role, request: its URI or ""; answers its verifier key in text */
	SC_MAIL_MAKE_NEXT_KEY,		/* the same for one that is to follow the present one */
	SC_MAIL_ROTATION,			/* origin `name`, key_role, request "<old key> <new key>"; answers the event that both sign */
	SC_MAIL_MEMORY,				/* what signing memory says of origin `name`; answers in text */
	SC_MAIL_WITNESS_MEMORY,		/* what was cosigned last of origin `name`, as witness_key.h says */
	SC_MAIL_WITNESS_SIGN,		/* cosign a checkpoint of origin `name`, likewise */
	SC_MAIL_WITNESS_RESUME		/* go on with origin `name`, likewise */
} ScMailKind;

typedef enum ScMailState
{
	SC_MAIL_FREE,
	SC_MAIL_WAITING,
	SC_MAIL_TAKEN,
	SC_MAIL_DONE,
	SC_MAIL_FAILED,
	SC_MAIL_ABANDONED			/* taken, but the requester has left */
} ScMailState;

typedef struct ScMail
{
	ScMailState state;
	ScMailKind	kind;
	Oid			dboid;
	int32		chain_id;
	int			key_role;
	char		name[SC_SEAL_NAME_LEN];
	char		request[SC_MAIL_REQUEST_LEN];
	/* the answer */
	bool		found;			/* the request found something new to seal */
	int64		height;			/* last block, -1 = none */
	int			sqlerrcode;
	char		text[SC_MAIL_TEXT_LEN];
	char		detail[SC_SEAL_TEXT_LEN];
	char		hint[SC_SEAL_TEXT_LEN];
	ConditionVariable answered;
} ScMail;

/* what the worker last met on a chain */
typedef enum ScSigningState
{
	SC_SIGNING_UNKNOWN,
	SC_SIGNING_ON,
	SC_SIGNING_NONE,			/* a chain without a node */
	SC_SIGNING_SUSPENDED
} ScSigningState;

typedef struct ScSealChainState
{
	Oid			dboid;			/* InvalidOid: free */
	int32		chain_id;
	uint32		passed;			/* counts rounds that are through with it, for better or worse */
	ScSigningState signing;
	char		suspended_why[SC_SEAL_TEXT_LEN];
	char		waiting_why[SC_SEAL_TEXT_LEN];	/* what a copy's next block waits for, "" = nothing */
	bool		ready;			/* its peers were asked what this node signed last, since the server's start */
	char		held_why[SC_SEAL_TEXT_LEN];	/* why it takes no rows and no blocks until then, or "" */
	int			attempts;		/* failed in a row */
	TimestampTz failing_since;	/* 0 while all is well */
	TimestampTz last_error_at;	/* 0 if never */
	char		last_error[SC_SEAL_TEXT_LEN];
} ScSealChainState;

extern void sc_seal_shmem_init(void);	/* hooks, from sc_seal_init */

/* slots */
extern ScSealSlot *sc_slot_find(Oid dboid, bool create);
extern ScSealSlot *sc_slot_mine(void);
extern void sc_slot_wake(ScSealSlot *slot);
extern void sc_slot_look_again(Oid dboid);
extern void sc_slot_forget(Oid dboid);
extern bool sc_slot_attach_worker(Oid dboid);
extern void sc_slot_set_running(void);
extern void sc_slot_detach_worker(bool absent);
extern int	sc_slots_starting(void);
extern bool sc_slot_claim_start(Oid dboid, bool *later);
extern void sc_slot_start_failed(Oid dboid);
extern void sc_slots_reset_starting(void);
extern int	sc_slots_list(Oid *dboids, int max);

/* the network worker, which the sealing worker starts; none of these can fail */
extern bool sc_slot_attach_network(Oid dboid);	/* the calling process becomes it; false if it must not */
extern void sc_slot_detach_network(bool again);	/* it leaves; another one is wanted? */
extern void sc_slot_ask_network(ScSealSlot *slot);	/* wakes it, or whoever starts it */

/* the launcher */
extern void sc_launcher_attach(void);
extern void sc_launcher_wake(void);

/* holds */
extern void sc_hold_begin(Oid dboid);
extern void sc_hold_end(void);
extern bool sc_hold_active(Oid dboid);

/* mailbox, requester's side: errors with the worker's words; returns a copy of the answer */
extern void sc_mail_call(ScMail *mail);
/*
 * Errors when no worker has been running for ten seconds; *missing_since is
 * the caller's, 0 at first and whenever one runs.
 */
extern void sc_worker_require(TimestampTz *missing_since);
extern void sc_worker_missing(void) SC_NORETURN;	/* the error itself */
/* worker's side */
extern ScMail *sc_mail_take(void);
extern bool sc_mail_waiting(void);
extern void sc_mail_answer(ScMail *mail, bool ok);
extern void sc_mail_return_all(void);

/* chain states */
extern void sc_chain_state_get(int32 chain_id, ScSealChainState *out);
extern void sc_chain_state_set_signing(int32 chain_id, ScSigningState signing, const char *why);
extern void sc_chain_state_set_waiting(int32 chain_id, const char *why);
extern void sc_chain_state_set_ready(int32 chain_id, bool ready, const char *held_why);
extern void sc_chain_state_failed(int32 chain_id, const char *error);
extern void sc_chain_state_ok(int32 chain_id);
extern void sc_chain_state_passed(int32 chain_id);	/* tells those who wait */

#endif							/* SC_SEAL_SHMEM_H */
