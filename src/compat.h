/*
 * compat.h
 *	  The differences between PostgreSQL majors, and the only file that knows them.
 */
#ifndef SC_COMPAT_H
#define SC_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "Seoulchain needs PostgreSQL 15 or newer"
#endif

#if PG_VERSION_NUM >= 160000
#include "storage/relfilelocator.h"
#define ScFileLocator RelFileLocator
#define sc_am_set_new_storage relation_set_new_filelocator
#define SC_UPDATE_INDEXES_TYPE TU_UpdateIndexes
#else
#include "storage/relfilenode.h"
#define ScFileLocator RelFileNode
#define sc_am_set_new_storage relation_set_new_filenode
#define SC_UPDATE_INDEXES_TYPE bool
#endif

#endif							/* SC_COMPAT_H */
