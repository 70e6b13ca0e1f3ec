/*
 * journal_table.c
 *	  Rows of the two journals.
 *
 * Invariant: a row and its index entries are written in one call; the index
 * is neither unique nor on an expression, so that it asks for no snapshot and
 * calls no function of anybody's, at commit either.
 * Locks: RowExclusiveLock on the indexes; the caller has it on the table.
 * Effects: rows of seoulchain.journal and seoulchain.journal_copy.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "ledger/journal.h"
#include "ledger/journal_table.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

const char *
sc_journal_name(bool copied)
{
	return copied ? "journal_copy" : "journal";
}

/* adds the row to an index on plain columns of the journal */
static void
insert_index_entry(Relation journal, Oid indexid, HeapTuple tuple)
{
	Relation	index = index_open(indexid, RowExclusiveLock);
	IndexInfo  *info = BuildIndexInfo(index);
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	for (int i = 0; i < info->ii_NumIndexAttrs; i++)
		values[i] = heap_getattr(tuple, info->ii_IndexAttrNumbers[i], RelationGetDescr(journal), &nulls[i]);
	if (info->ii_ReadyForInserts)
		(void) index_insert(index, values, nulls, &tuple->t_self, journal, UNIQUE_CHECK_NO, false, info);
	index_close(index, RowExclusiveLock);
	pfree(info);
}

void
sc_journal_insert(Relation journal, HeapTuple tuple, int options)
{
	List	   *indexes = RelationGetIndexList(journal);
	ListCell   *lc;

	heap_insert(journal, tuple, GetCurrentCommandId(true), options, NULL);
	foreach(lc, indexes)
		insert_index_entry(journal, lfirst_oid(lc), tuple);
	list_free(indexes);
}
