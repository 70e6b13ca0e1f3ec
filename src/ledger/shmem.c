/*
 * shmem.c
 *	  One place where the rooms ask for shared memory.
 *
 * Invariant: users register in _PG_init of a preloaded library, before the
 * postmaster sizes shared memory.
 * Locks: AddinShmemInitLock around the users' startup functions.
 */
#include "postgres.h"

#include "ledger/shmem.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#define MAX_USERS 8

static const ScShmemUser *users[MAX_USERS];
static int	nusers = 0;
static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;

/* sums up what the users want */
static void
shmem_request(void)
{
	if (previous_request)
		previous_request();
	for (int i = 0; i < nusers; i++)
	{
		RequestAddinShmemSpace(users[i]->size());
		if (users[i]->tranche)
			RequestNamedLWLockTranche(users[i]->tranche, users[i]->nlocks);
	}
}

/* lets every user lay out its part, or find it (EXEC_BACKEND) */
static void
shmem_startup(void)
{
	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < nusers; i++)
		users[i]->startup();
	LWLockRelease(AddinShmemInitLock);
}

void
sc_shmem_register(const ScShmemUser *user)
{
	if (nusers >= MAX_USERS)
		elog(ERROR, "too many users of shared memory");
	users[nusers++] = user;
}

void
sc_shmem_init(void)
{
	previous_request = shmem_request_hook;
	shmem_request_hook = shmem_request;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = shmem_startup;
}
