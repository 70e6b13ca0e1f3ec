/*
 * internal_scan.c
 *	  Reading the extension's own tables through one of their indexes.
 *
 * Invariant: the calling user's rights play no part and no user code runs;
 * SQL functions check who may ask for what.
 */
#include "postgres.h"

#include "compat.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/htup_details.h"
#include "ledger/registry.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/* OID of a relation of ours, or an error */
static Oid
internal_oid(const char *name)
{
	Oid			relid = sc_registry_relation(name);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s.%s\" does not exist", SC_SCHEMA, name),
				 errhint("Run CREATE EXTENSION seoulchain in this database.")));
	return relid;
}

Relation
sc_internal_open(const char *name, LOCKMODE lockmode)
{
	return table_open(internal_oid(name), lockmode);
}

void
sc_internal_scan_begin(ScInternalScan *scan, const char *table, const char *index,
					   Snapshot snapshot, ScanKeyData *keys, int nkeys)
{
	scan->rel = sc_internal_open(table, AccessShareLock);
	scan->index = index_open(internal_oid(index), AccessShareLock);
	scan->scan = systable_beginscan_ordered(scan->rel, scan->index, snapshot, nkeys, keys);
}

HeapTuple
sc_internal_scan_next(ScInternalScan *scan, ScanDirection direction)
{
	return systable_getnext_ordered(scan->scan, direction);
}

void
sc_internal_scan_end(ScInternalScan *scan)
{
	systable_endscan_ordered(scan->scan);
	index_close(scan->index, AccessShareLock);
	table_close(scan->rel, AccessShareLock);
}

void
sc_key_int4(ScanKeyData *key, AttrNumber attno, int32 value)
{
	ScanKeyInit(key, attno, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(value));
}

void
sc_key_int2(ScanKeyData *key, AttrNumber attno, int16 value)
{
	ScanKeyInit(key, attno, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(value));
}

void
sc_key_int8(ScanKeyData *key, AttrNumber attno, StrategyNumber strategy, int64 value)
{
	static const RegProcedure procs[] = {
		InvalidOid, F_INT8LT, F_INT8LE, F_INT8EQ, F_INT8GE, F_INT8GT
	};

	ScanKeyInit(key, attno, strategy, procs[strategy], Int64GetDatum(value));
}

int64
sc_internal_int8_or(HeapTuple tuple, AttrNumber attno, Relation rel, int64 none)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attno, RelationGetDescr(rel), &isnull);

	return isnull ? none : DatumGetInt64(value);
}

Datum
sc_internal_bytea(const void *data, size_t len)
{
	bytea	   *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), data, len);
	return PointerGetDatum(value);
}

void
sc_key_hash(ScanKeyData *key, AttrNumber attno, const ScHash *value)
{
	ScanKeyInit(key, attno, BTEqualStrategyNumber, F_BYTEAEQ, sc_internal_bytea(value->bytes, SC_HASH_LEN));
}

Datum
sc_internal_attr(HeapTuple tuple, AttrNumber attno, Relation rel)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attno, RelationGetDescr(rel), &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("column %d of a row of \"%s\" is null", attno, RelationGetRelationName(rel))));
	return value;
}

void
sc_internal_hash(ScHash *out, HeapTuple tuple, AttrNumber attno, Relation rel)
{
	bytea	   *value = DatumGetByteaPP(sc_internal_attr(tuple, attno, rel));

	if (VARSIZE_ANY_EXHDR(value) != SC_HASH_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a hash in \"%s\" has %d bytes", RelationGetRelationName(rel),
						(int) VARSIZE_ANY_EXHDR(value))));
	memcpy(out->bytes, VARDATA_ANY(value), SC_HASH_LEN);
}
