/*
 * registry.c
 *	  Chains and ledger tables, as the registry tables know them.
 *
 * Invariant: readers see what is committed now and what their own transaction
 * wrote, whatever snapshot the caller's query has: the same view that the
 * catalogs give.
 * Locks: AccessShareLock on the registry table while it is read.
 * Effects: none; chain_register.c and join.c write.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "commands/defrem.h"
#include "ledger/copy.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "ledger/settings.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

sc_chain_create_hook_type sc_chain_create_hook = NULL;
sc_event_recorded_hook_type sc_event_recorded_hook = NULL;

Oid
sc_registry_relation(const char *name)
{
	Oid			schema = get_namespace_oid(SC_SCHEMA, true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

Oid
sc_ledger_am_oid(void)
{
	return get_table_am_oid("ledger", true);
}

Oid
sc_registry_owner(void)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum(SC_SCHEMA));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("extension seoulchain is not installed in this database"),
				 errhint("CREATE EXTENSION seoulchain;")));
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	return owner;
}

bool
sc_is_ledger_relation(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	Oid			am = InvalidOid;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	/* from 17 on a partitioned table has an access method too, for its partitions to inherit */
	if (form->relkind != RELKIND_PARTITIONED_TABLE)
		am = form->relam;
	ReleaseSysCache(tuple);
	return OidIsValid(am) && am == sc_ledger_am_oid();
}

Relation
sc_registry_open(const char *name, LOCKMODE lockmode)
{
	Oid			relid = sc_registry_relation(name);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s.%s\" does not exist", SC_SCHEMA, name),
				 errhint("CREATE EXTENSION seoulchain;")));
	return table_open(relid, lockmode);
}

/* a text attribute as a palloc'd string, NULL for SQL NULL */
static char *
text_attribute(HeapTuple tuple, int attno, TupleDesc tupdesc)
{
	bool		isnull;
	Datum		datum = heap_getattr(tuple, attno, tupdesc, &isnull);

	return isnull ? NULL : TextDatumGetCString(datum);
}

static ScChain *
chain_from_tuple(HeapTuple tuple, TupleDesc tupdesc)
{
	ScChain    *chain = palloc0(sizeof(ScChain));
	bool		isnull;

	chain->chain_id = DatumGetInt32(heap_getattr(tuple, SC_CHAIN_ATTR_ID, tupdesc, &isnull));
	chain->name = text_attribute(tuple, SC_CHAIN_ATTR_NAME, tupdesc);
	chain->origin = text_attribute(tuple, SC_CHAIN_ATTR_ORIGIN, tupdesc);
	chain->log_key = text_attribute(tuple, SC_CHAIN_ATTR_LOG_KEY, tupdesc);
	chain->sequence = DatumGetObjectId(heap_getattr(tuple, SC_CHAIN_ATTR_SEQUENCE, tupdesc, &isnull));
	chain->system_identifier = (uint64) DatumGetInt64(heap_getattr(tuple, SC_CHAIN_ATTR_SYSTEM, tupdesc, &isnull));
	chain->database = DatumGetObjectId(heap_getattr(tuple, SC_CHAIN_ATTR_DATABASE, tupdesc, &isnull));
	chain->copy = DatumGetBool(heap_getattr(tuple, SC_CHAIN_ATTR_COPY, tupdesc, &isnull));
	chain->shared = DatumGetBool(heap_getattr(tuple, SC_CHAIN_ATTR_SHARED, tupdesc, &isnull));
	return chain;
}

/* chains that satisfy the key, or all of them, by chain_id */
static List *
chain_scan(int nkeys, ScanKey keys)
{
	Relation	rel = sc_registry_open("chain", AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, nkeys, keys);
	List	   *chains = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		chains = lappend(chains, chain_from_tuple(tuple, RelationGetDescr(rel)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return chains;
}

static int
compare_chains(const ListCell *a, const ListCell *b)
{
	int32		x = ((ScChain *) lfirst(a))->chain_id;
	int32		y = ((ScChain *) lfirst(b))->chain_id;

	return (x > y) - (x < y);
}

List *
sc_chain_list(void)
{
	List	   *chains = chain_scan(0, NULL);

	list_sort(chains, compare_chains);
	return chains;
}

ScChain *
sc_chain_by_name(const char *name, bool missing_ok)
{
	ScanKeyData key;
	List	   *chains;

	ScanKeyInit(&key, SC_CHAIN_ATTR_NAME, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(name));
	key.sk_collation = C_COLLATION_OID;
	chains = chain_scan(1, &key);
	if (chains == NIL && !missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("chain \"%s\" does not exist", name),
				 errhint("SELECT DISTINCT chain FROM seoulchain.block shows the chains that have blocks.")));
	return chains == NIL ? NULL : linitial(chains);
}

ScChain *
sc_chain_by_id(int32 chain_id, bool missing_ok)
{
	ScanKeyData key;
	List	   *chains;

	ScanKeyInit(&key, SC_CHAIN_ATTR_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(chain_id));
	chains = chain_scan(1, &key);
	if (chains == NIL && !missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("chain number %d is not in the registry", chain_id),
				 errhint("SELECT * FROM seoulchain.verify(); tells what else was changed.")));
	return chains == NIL ? NULL : linitial(chains);
}

bool
sc_chain_is_open(const ScChain *chain)
{
	return chain->system_identifier == GetSystemIdentifier() && chain->database == MyDatabaseId;
}

bool
sc_chain_id_is_open(int32 chain_id)
{
	const ScChain *chain = sc_chain_by_id(chain_id, sc_restore);

	return chain != NULL && sc_chain_is_open(chain);
}

void
sc_chain_require_open(const ScChain *chain)
{
	if (sc_chain_is_open(chain))
	{
		if (chain->copy)
			sc_copy_refuse_chain(chain);
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("chain \"%s\" is closed", chain->name),
			 errdetail("It was written by another cluster or database; this is a copy of it."),
			 errhint("If this copy is to go on with the chain: SELECT seoulchain.open_chain('%s');", chain->name)));
}

static ScLedgerTable *
ledger_from_tuple(HeapTuple tuple, TupleDesc tupdesc)
{
	ScLedgerTable *table = palloc0(sizeof(ScLedgerTable));
	Datum		dropped;
	Datum		time;
	bool		isnull;

	table->table_id = DatumGetInt32(heap_getattr(tuple, SC_LEDGER_ATTR_ID, tupdesc, &isnull));
	table->chain_id = DatumGetInt32(heap_getattr(tuple, SC_LEDGER_ATTR_CHAIN_ID, tupdesc, &isnull));
	table->relation = DatumGetObjectId(heap_getattr(tuple, SC_LEDGER_ATTR_RELATION, tupdesc, &isnull));
	table->ledger_name = text_attribute(tuple, SC_LEDGER_ATTR_NAME, tupdesc);
	table->joined_seq = DatumGetInt64(heap_getattr(tuple, SC_LEDGER_ATTR_JOINED_SEQ, tupdesc, &isnull));
	dropped = heap_getattr(tuple, SC_LEDGER_ATTR_DROPPED_SEQ, tupdesc, &isnull);
	table->dropped_seq = isnull ? 0 : DatumGetInt64(dropped);
	time = heap_getattr(tuple, SC_LEDGER_ATTR_TIME_SEQ, tupdesc, &isnull);
	table->time_seq = isnull ? 0 : DatumGetInt64(time);
	return table;
}

/* registry entries that satisfy the key, through an index if one is named */
static List *
ledger_scan(const char *index_name, int nkeys, ScanKey keys)
{
	Relation	rel = sc_registry_open("ledger", AccessShareLock);
	Oid			index = index_name ? sc_registry_relation(index_name) : InvalidOid;
	SysScanDesc scan = systable_beginscan(rel, index, OidIsValid(index), NULL, nkeys, keys);
	List	   *tables = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		tables = lappend(tables, ledger_from_tuple(tuple, RelationGetDescr(rel)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return tables;
}

ScLedgerTable *
sc_ledger_by_relation(Oid relid, bool missing_ok)
{
	ScanKeyData key;
	List	   *tables = NIL;

	if (OidIsValid(relid) && OidIsValid(sc_registry_relation("ledger")))
	{
		ScanKeyInit(&key, SC_LEDGER_ATTR_RELATION, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
		tables = ledger_scan("ledger_relation", 1, &key);
	}
	if (tables != NIL)
		return linitial(tables);
	if (!missing_ok)
	{
		char	   *name = get_rel_name(relid);

		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 name ? errmsg("\"%s\" is not a ledger table", name)
				 : errmsg("relation with OID %u does not exist", relid),
				 errhint("Ledger tables are made by CREATE TABLE ... USING ledger.")));
	}
	return NULL;
}

ScLedgerTable *
sc_ledger_by_id(int32 table_id)
{
	ScanKeyData key;
	List	   *tables;

	ScanKeyInit(&key, SC_LEDGER_ATTR_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(table_id));
	tables = ledger_scan("ledger_pkey", 1, &key);
	return tables == NIL ? NULL : linitial(tables);
}

static int
compare_tables(const ListCell *a, const ListCell *b)
{
	int32		x = ((ScLedgerTable *) lfirst(a))->table_id;
	int32		y = ((ScLedgerTable *) lfirst(b))->table_id;

	return (x > y) - (x < y);
}

List *
sc_ledger_list(int32 chain_id)
{
	ScanKeyData key;
	List	   *tables;

	ScanKeyInit(&key, SC_LEDGER_ATTR_CHAIN_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(chain_id));
	tables = ledger_scan(NULL, chain_id >= 0 ? 1 : 0, &key);
	list_sort(tables, compare_tables);
	return tables;
}

char *
sc_event_leaf(int32 chain_id, int64 ledger_seq)
{
	Relation	rel = sc_registry_open("event", AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *leaf = NULL;
	bool		isnull;

	ScanKeyInit(&keys[0], SC_EVENT_ATTR_CHAIN_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(chain_id));
	ScanKeyInit(&keys[1], SC_EVENT_ATTR_SEQ, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(ledger_seq));
	scan = systable_beginscan(rel, sc_registry_relation("event_pkey"), true, NULL, 2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		leaf = TextDatumGetCString(heap_getattr(tuple, SC_EVENT_ATTR_LEAF, RelationGetDescr(rel), &isnull));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return leaf;
}
