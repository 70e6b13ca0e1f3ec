/*
 * rewrite.h
 *	  VACUUM FULL and CLUSTER of a ledger table.
 */
#ifndef SC_LEDGER_REWRITE_H
#define SC_LEDGER_REWRITE_H

#include "postgres.h"

#include "access/tableam.h"
#include "ledger/target.h"

/* table access method callback; see TableAmRoutine */
extern void ledger_copy_for_cluster(Relation old_table, Relation new_table, Relation old_index, bool use_sort,
									TransactionId oldest_xmin, TransactionId *xid_cutoff, MultiXactId *multi_cutoff,
									double *num_tuples, double *tups_vacuumed, double *tups_recently_dead);

/* told when a ledger table's rows have got new places in new_table; set by the seal room */
typedef void (*sc_table_rewritten_hook_type) (Relation new_table, const ScTarget *target);
extern PGDLLIMPORT sc_table_rewritten_hook_type sc_table_rewritten_hook;

#endif							/* SC_LEDGER_REWRITE_H */
