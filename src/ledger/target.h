/*
 * target.h
 *	  What an insert needs to know of its ledger table: chain, numbers, leaf format.
 */
#ifndef SC_LEDGER_TARGET_H
#define SC_LEDGER_TARGET_H

#include "postgres.h"

#include "access/attnum.h"
#include "utils/relcache.h"

typedef struct ScTarget
{
	Oid			relid;			/* hash key */
	int32		chain_id;
	int32		table_id;
	Oid			sequence;
	AttrNumber	seq_attno;
	AttrNumber	time_attno;		/* of ledger_time; 0 when rows have no acceptance time */
	bool		open;			/* does the chain live here? */
	bool		copy;			/* another node's chain: replication alone writes it */
	bool		writer;			/* and this process is its replication */
	bool		shared;			/* own chain that other nodes follow */
	uint8		guards;			/* the row guards that want it (row_guard.h); 0 mostly */
} ScTarget;

/*
 * The table's entry, by value: an invalidation may drop the cached one at any
 * time.  false when the relation is not in the registry.
 */
extern bool sc_target_find(Relation rel, ScTarget *target);

extern void sc_target_init(void);

#endif							/* SC_LEDGER_TARGET_H */
