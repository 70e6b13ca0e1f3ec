/*
 * compat.h
 *	  The differences between PostgreSQL majors, and the only file that knows them.
 */
#ifndef SC_COMPAT_H
#define SC_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "nodes/parsenodes.h"
#include "nodes/tidbitmap.h"

#if PG_VERSION_NUM < 150000
#error "Seoulchain needs PostgreSQL 15 or newer"
#endif

#if PG_VERSION_NUM >= 160000
#include "storage/relfilelocator.h"
#include "varatt.h"				/* VARDATA and the like, which postgres.h of 15 has */
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_proc.h"
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

/* an update that nobody can be in the way of */
#if PG_VERSION_NUM >= 160000
#define sc_simple_heap_update(rel, tid, tuple) \
	do { \
		TU_UpdateIndexes update_indexes_; \
		simple_heap_update((rel), (tid), (tuple), &update_indexes_); \
	} while (0)
#else
#define sc_simple_heap_update(rel, tid, tuple) simple_heap_update((rel), (tid), (tuple))
#endif

/* may the role call the function? */
#if PG_VERSION_NUM >= 160000
#define SC_MAY_EXECUTE(function, role) (object_aclcheck(ProcedureRelationId, (function), (role), ACL_EXECUTE) == ACLCHECK_OK)
#else
#define SC_MAY_EXECUTE(function, role) (pg_proc_aclcheck((function), (role), ACL_EXECUTE) == ACLCHECK_OK)
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

/* NOT NULL as the grammar makes it behind a column */
static inline Constraint *
sc_not_null_constraint(void)
{
	Constraint *constraint = makeNode(Constraint);

	constraint->contype = CONSTR_NOTNULL;
	constraint->location = -1;
#if PG_VERSION_NUM >= 180000
	constraint->is_enforced = true;
#endif
	constraint->initially_valid = true;
	return constraint;
}

/*
 * From 18 on NOT NULL is a constraint of its own: no column's change is
 * announced when one comes, by itself or for a primary key.
 */
#define SC_NOT_NULL_IS_CONSTRAINT (PG_VERSION_NUM >= 180000)

/* behind a declaration; the server's own macro moved to the front in 18, and both compilers know this one */
#define SC_NORETURN __attribute__((noreturn))

/* index scans, which take an argument more from 18 on */
#if PG_VERSION_NUM >= 180000
#define sc_index_beginscan(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, norderbys)
#define sc_index_beginscan_bitmap(index, snapshot, nkeys) index_beginscan_bitmap(index, snapshot, NULL, nkeys)
#else
#define sc_index_beginscan(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan(heap, index, snapshot, nkeys, norderbys)
#define sc_index_beginscan_bitmap(index, snapshot, nkeys) index_beginscan_bitmap(index, snapshot, nkeys)
#endif

/* one page of a bitmap at a time */
typedef struct ScBitmapPages
{
#if PG_VERSION_NUM >= 180000
	TBMIterator iterator;
	TBMIterateResult result;
#else
	TBMIterator *iterator;
#endif
} ScBitmapPages;

static inline void
sc_bitmap_begin(ScBitmapPages *pages, TIDBitmap *bitmap)
{
#if PG_VERSION_NUM >= 180000
	pages->iterator = tbm_begin_iterate(bitmap, NULL, InvalidDsaPointer);
#else
	pages->iterator = tbm_begin_iterate(bitmap);
#endif
}

/* the next page: its offsets (room for MaxHeapTuplesPerPage) and how many, -1 if lossy; false at the end */
static inline bool
sc_bitmap_next(ScBitmapPages *pages, BlockNumber *block, OffsetNumber *offsets, int *noffsets)
{
#if PG_VERSION_NUM >= 180000
	if (!tbm_iterate(&pages->iterator, &pages->result))
		return false;
	*block = pages->result.blockno;
	*noffsets = pages->result.lossy ? -1 :
		tbm_extract_page_tuple(&pages->result, offsets, MaxHeapTuplesPerPage);
#else
	TBMIterateResult *page = tbm_iterate(pages->iterator);

	if (page == NULL)
		return false;
	*block = page->blockno;
	*noffsets = page->ntuples;
	if (page->ntuples > 0)
		memcpy(offsets, page->offsets, page->ntuples * sizeof(OffsetNumber));
#endif
	return true;
}

static inline void
sc_bitmap_end(ScBitmapPages *pages)
{
#if PG_VERSION_NUM >= 180000
	tbm_end_iterate(&pages->iterator);
#else
	tbm_end_iterate(pages->iterator);
#endif
}

/* makes an index on the empty table of a copy, without asking for rights */
#if PG_VERSION_NUM >= 160000
#define sc_define_index(relid, stmt) \
	DefineIndex((relid), (stmt), InvalidOid, InvalidOid, InvalidOid, -1, false, false, false, false, true)
#else
#define sc_define_index(relid, stmt) \
	DefineIndex((relid), (stmt), InvalidOid, InvalidOid, InvalidOid, false, false, false, false, true)
#endif

/*
 * Subscriptions.  In 15 their owner must be a superuser when he becomes it,
 * and rows are applied as him; from 16 on he needs no password when a
 * superuser says so, and applying as the owner is a choice.
 */
#if PG_VERSION_NUM >= 160000
#define SC_SUBSCRIPTION_OWNER_SUPERUSER false
#define SC_SUBSCRIPTION_OPTIONS ", password_required = false, run_as_owner = true"
#else
#define SC_SUBSCRIPTION_OWNER_SUPERUSER true
#define SC_SUBSCRIPTION_OPTIONS ""
#endif

/* AddSubscriptionRelState, which can keep its lock from 17 on */
#if PG_VERSION_NUM >= 170000
#define sc_add_subscription_table(subid, relid, state) \
	AddSubscriptionRelState((subid), (relid), (state), InvalidXLogRecPtr, false)
#else
#define sc_add_subscription_table(subid, relid, state) \
	AddSubscriptionRelState((subid), (relid), (state), InvalidXLogRecPtr)
#endif

/* index entries of a new row, and all indexes of a table made anew */
#if PG_VERSION_NUM >= 160000
#define sc_insert_index_tuples(info, slot, estate) \
	ExecInsertIndexTuples((info), (slot), (estate), false, false, NULL, NIL, false)
#else
#define sc_insert_index_tuples(info, slot, estate) \
	ExecInsertIndexTuples((info), (slot), (estate), false, false, NULL, NIL)
#endif
#if PG_VERSION_NUM >= 170000
#define sc_reindex_relation(relid, flags, params) reindex_relation(NULL, (relid), (flags), (params))
#else
#define sc_reindex_relation(relid, flags, params) reindex_relation((relid), (flags), (params))
#endif

/* does this session hold exactly that lock?  17 can also ask for stronger ones */
#if PG_VERSION_NUM >= 170000
#define sc_lock_held_by_me(tag, mode) LockHeldByMe((tag), (mode), false)
#else
#define sc_lock_held_by_me(tag, mode) LockHeldByMe((tag), (mode))
#endif

#endif							/* SC_COMPAT_H */
