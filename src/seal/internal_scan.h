/*
 * internal_scan.h
 *	  Reading the extension's own tables through one of their indexes.
 *
 * Scans take AccessShareLock, read under the snapshot given, and are open
 * until sc_internal_scan_end.  Keys are the first columns of the index.
 */
#ifndef SC_SEAL_INTERNAL_SCAN_H
#define SC_SEAL_INTERNAL_SCAN_H

#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "core/hash.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

typedef struct ScInternalScan
{
	Relation	rel;
	Relation	index;
	SysScanDesc scan;
} ScInternalScan;

/* opens a table of schema seoulchain; errors (UNDEFINED_TABLE, hint) when it is not there */
extern Relation sc_internal_open(const char *name, LOCKMODE lockmode);

extern void sc_internal_scan_begin(ScInternalScan *scan, const char *table, const char *index,
								   Snapshot snapshot, ScanKeyData *keys, int nkeys);
/* the next tuple in index order (or backward), valid until the next call; NULL at the end */
extern HeapTuple sc_internal_scan_next(ScInternalScan *scan, ScanDirection direction);
extern void sc_internal_scan_end(ScInternalScan *scan);

/* keys: attribute, btree strategy, value */
extern void sc_key_int4(ScanKeyData *key, AttrNumber attno, int32 value);
extern void sc_key_int2(ScanKeyData *key, AttrNumber attno, int16 value);
extern void sc_key_hash(ScanKeyData *key, AttrNumber attno, const ScHash *value);
extern void sc_key_int8(ScanKeyData *key, AttrNumber attno, StrategyNumber strategy, int64 value);

/* columns of a tuple; NULL columns are DATA_CORRUPTED */
extern Datum sc_internal_attr(HeapTuple tuple, AttrNumber attno, Relation rel);
/* an int8 column that may be NULL, and what it is then */
extern int64 sc_internal_int8_or(HeapTuple tuple, AttrNumber attno, Relation rel, int64 none);
extern Datum sc_internal_bytea(const void *data, size_t len);
extern void sc_internal_hash(ScHash *out, HeapTuple tuple, AttrNumber attno, Relation rel);

#endif							/* SC_SEAL_INTERNAL_SCAN_H */
