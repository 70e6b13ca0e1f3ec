/*
 * index_probe.c
 *	  Looking rows up through an index by their own key values.
 *
 * What stands on leaf pages may still be out of reach: a wrong downlink, a
 * wrong order, a broken chain of siblings.  So each row is searched for as a
 * query would, with equality on every key column, until its TID comes.
 *
 * Invariant: at most PROBE_LIMIT entries are looked at for one row; where
 * more are equal, the row counts as found.
 * Context: as the table's owner (verify_index.c), since operators may be
 * users'; only for indexes whose pages are sound.
 */
#include "postgres.h"

#include "proof/index_entry.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "compat.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#define PROBE_LIMIT 1000

struct ScProbe
{
	IndexScanDesc scan;
	int			nkeys;
	ScanKeyData keys[INDEX_MAX_KEYS];
};

ScProbe *
sc_probe_begin(ScIndexCheck *check)
{
	Relation	index = check->index;
	bool		btree = index->rd_rel->relam == BTREE_AM_OID;
	StrategyNumber strategy = btree ? BTEqualStrategyNumber : HTEqualStrategyNumber;
	ScProbe    *probe;

	if (!btree && index->rd_rel->relam != HASH_AM_OID)
		return NULL;
	probe = palloc0(sizeof(ScProbe));
	probe->nkeys = IndexRelationGetNumberOfKeyAttributes(index);
	for (int i = 0; i < probe->nkeys; i++)
	{
		Oid			type = index->rd_opcintype[i];
		Oid			operator = get_opfamily_member(index->rd_opfamily[i], type, type, strategy);

		if (!OidIsValid(operator))
			return NULL;
		ScanKeyEntryInitialize(&probe->keys[i], 0, i + 1, strategy, type,
							   index->rd_indcollation[i], get_opcode(operator), (Datum) 0);
	}
	probe->scan = sc_index_beginscan(check->heap, index, check->snapshot, probe->nkeys, 0);
	return probe;
}

bool
sc_probe_finds(ScProbe *probe, const Datum *values, const bool *nulls, const ItemPointerData *tid)
{
	ItemPointer found;
	int			seen = 0;
	bool		met = false;

	for (int i = 0; i < probe->nkeys; i++)
	{
		probe->keys[i].sk_flags = nulls[i] ? SK_ISNULL | SK_SEARCHNULL : 0;
		probe->keys[i].sk_argument = values[i];
		/* hash indexes hold no nulls */
		if (nulls[i] && probe->scan->indexRelation->rd_rel->relam == HASH_AM_OID)
			return true;
	}
	index_rescan(probe->scan, probe->keys, probe->nkeys, NULL, 0);
	while (!met && (found = index_getnext_tid(probe->scan, ForwardScanDirection)) != NULL)
		met = ItemPointerEquals(found, (ItemPointer) tid) || ++seen >= PROBE_LIMIT;
	/* no pin may outlive the caller's subtransaction */
	index_rescan(probe->scan, probe->keys, probe->nkeys, NULL, 0);
	return met;
}

void
sc_probe_end(ScProbe *probe)
{
	index_endscan(probe->scan);
	pfree(probe);
}
