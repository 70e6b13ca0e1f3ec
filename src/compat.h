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
#include "varatt.h"				/* VARDATA and the like, which postgres.h of 15 has */
#define ScFileLocator RelFileLocator
#define sc_am_set_new_storage relation_set_new_filelocator
#define SC_UPDATE_INDEXES_TYPE TU_UpdateIndexes
#define sc_tuplesort_getdatum(state, forward, copy, val, isnull, abbrev) \
	tuplesort_getdatum(state, forward, copy, val, isnull, abbrev)
#define sc_database_ownercheck(dboid, roleid) object_ownercheck(DatabaseRelationId, (dboid), (roleid))
#else
#include "storage/relfilenode.h"
#define ScFileLocator RelFileNode
#define sc_am_set_new_storage relation_set_new_filenode
#define SC_UPDATE_INDEXES_TYPE bool
/* 15 always copies; ours are pass-by-value int8, so it makes no difference */
#define sc_tuplesort_getdatum(state, forward, copy, val, isnull, abbrev) \
	tuplesort_getdatum(state, forward, val, isnull, abbrev)
#define sc_database_ownercheck(dboid, roleid) pg_database_ownercheck((dboid), (roleid))
#endif

/* does the role own the relation? */
#if PG_VERSION_NUM >= 160000
#define SC_OWNS_RELATION(relid, role) object_ownercheck(RelationRelationId, (relid), (role))
#else
#define SC_OWNS_RELATION(relid, role) pg_class_ownercheck((relid), (role))
#endif

/* ALTER COLUMN ... SET EXPRESSION, an AlterTableType of 17 */
#if PG_VERSION_NUM >= 170000
#define SC_IS_SET_EXPRESSION(subtype) ((subtype) == AT_SetExpression)
#else
#define SC_IS_SET_EXPRESSION(subtype) false
#endif

#endif							/* SC_COMPAT_H */
