/*
 * rewrite.c
 *	  VACUUM FULL and CLUSTER of a ledger table.
 *
 * Heap copies the rows, below the insert paths: they are not new rows.  Their
 * places change, and the seal room keeps hints of them.
 * Locks: AccessExclusiveLock on the table, the command's own.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "ledger/rewrite.h"
#include "miscadmin.h"

sc_table_rewritten_hook_type sc_table_rewritten_hook = NULL;

void
ledger_copy_for_cluster(Relation old_table, Relation new_table, Relation old_index, bool use_sort,
						TransactionId oldest_xmin, TransactionId *xid_cutoff, MultiXactId *multi_cutoff,
						double *num_tuples, double *tups_vacuumed, double *tups_recently_dead)
{
	ScTarget	target;

	GetHeapamTableAmRoutine()->relation_copy_for_cluster(old_table, new_table, old_index, use_sort,
														 oldest_xmin, xid_cutoff, multi_cutoff,
														 num_tuples, tups_vacuumed, tups_recently_dead);
	if (sc_table_rewritten_hook != NULL && !IsBinaryUpgrade && sc_target_find(old_table, &target))
		sc_table_rewritten_hook(new_table, &target);
}
