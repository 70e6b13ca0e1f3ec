/*
 * cosign_store.c
 *	  Rows of seoulchain.cosignature.
 *
 * Invariant: rows are inserted once and never changed.  Of their own node's
 * there is one for each size, up to what a crash makes the worker sign again.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "network/cosign.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

int64
sc_cosigned_size(const char *origin, const char *witness, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	int64		size = 0;

	ScanKeyInit(&key, SC_COSIGNATURE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(origin));
	sc_internal_scan_begin(&scan, "cosignature", "cosignature_size", snapshot, &key, 1);
	while (size == 0 && (tuple = sc_internal_scan_next(&scan, BackwardScanDirection)) != NULL)
	{
		char	   *name = TextDatumGetCString(sc_internal_attr(tuple, SC_COSIGNATURE_ATTR_WITNESS, scan.rel));

		if (strcmp(name, witness) == 0)
			size = DatumGetInt64(sc_internal_attr(tuple, SC_COSIGNATURE_ATTR_TREE_SIZE, scan.rel));
		pfree(name);
	}
	sc_internal_scan_end(&scan);
	return size;
}

void
sc_cosignature_insert(const char *origin, int64 tree_size, const char *witness, const char *line)
{
	Relation	rel = sc_internal_open("cosignature", RowExclusiveLock);
	Datum		values[SC_COSIGNATURE_NATTS];
	bool		nulls[SC_COSIGNATURE_NATTS] = {false};

	values[SC_COSIGNATURE_ATTR_ORIGIN - 1] = CStringGetTextDatum(origin);
	values[SC_COSIGNATURE_ATTR_TREE_SIZE - 1] = Int64GetDatum(tree_size);
	values[SC_COSIGNATURE_ATTR_WITNESS - 1] = CStringGetTextDatum(witness);
	values[SC_COSIGNATURE_ATTR_LINE - 1] = CStringGetTextDatum(line);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
}
