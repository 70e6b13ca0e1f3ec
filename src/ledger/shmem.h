/*
 * shmem.h
 *	  One place where the rooms ask for shared memory.
 */
#ifndef SC_LEDGER_SHMEM_H
#define SC_LEDGER_SHMEM_H

#include "postgres.h"

/* a user of shared memory; the struct must live for ever */
typedef struct ScShmemUser
{
	Size		(*size) (void); /* bytes, for ShmemInitStruct in startup */
	void		(*startup) (void);	/* lays out or attaches; AddinShmemInitLock is held */
	const char *tranche;		/* name of LWLocks wanted, or NULL */
	int			nlocks;
} ScShmemUser;

/* from _PG_init only */
extern void sc_shmem_register(const ScShmemUser *user);

/* installs the hooks; first thing in _PG_init */
extern void sc_shmem_init(void);

#endif							/* SC_LEDGER_SHMEM_H */
