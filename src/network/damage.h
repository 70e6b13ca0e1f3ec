/*
 * damage.h
 *	  What is wrong with the rows of one table, and where it is stored.
 */
#ifndef SC_NETWORK_DAMAGE_H
#define SC_NETWORK_DAMAGE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "storage/itemptr.h"

/* a tuple that is not what was sealed */
typedef struct ScBadTuple
{
	ItemPointerData tid;
	int64		ledger_seq;		/* SC_NONE: it has none that can be read */
	bool		alien;			/* it has no place in the table, whatever its row's fate: added, moved or a second one */
	bool		values;			/* some of its values cannot be read */
} ScBadTuple;

typedef struct ScDamage
{
	int			nseqs;			/* sealed rows to be brought back, ascending */
	int64	   *seqs;
	int			ntuples;
	ScBadTuple *tuples;
	int			npages;
	BlockNumber *pages;
	List	   *unsealed;		/* int64 *: wrong, and no block proves what they were */
	List	   *other;			/* char *: words of faults that no row can mend */
} ScDamage;

/* verifies the table and its chain, palloc's the answer; the caller holds a lock against writers */
extern ScDamage *sc_damage_find(Oid relid, int32 chain_id);

#endif							/* SC_NETWORK_DAMAGE_H */
