/*
 * shmem_private.h
 *	  The shared struct itself, for shmem.c and mail.c only.
 */
#ifndef SC_SEAL_SHMEM_PRIVATE_H
#define SC_SEAL_SHMEM_PRIVATE_H

#include "seal/shmem.h"
#include "storage/lwlock.h"

typedef struct ScSealShared
{
	LWLock	   *lock;
	Latch	   *launcher_latch;
	ConditionVariable mail_freed;
	struct
	{
		Oid			dboid;
		pid_t		pid;		/* 0: free */
	}			holds[SC_SEAL_HOLDS];
	ScSealSlot	slots[SC_SEAL_DATABASES];
	ScMail		mails[SC_SEAL_MAILS];
	ScSealChainState chains[SC_SEAL_CHAINS];
} ScSealShared;

extern ScSealShared *sc_seal_shared;

#endif							/* SC_SEAL_SHMEM_PRIVATE_H */
