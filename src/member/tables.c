/*
 * tables.c
 *	  Where the registry of a chain's members is, and reading rows of it below SQL.
 *
 * Invariant: an entry of the cache is dropped when any of its tables, or
 * seoulchain.member_registry, is invalidated.
 * Locks: AccessShareLock on tables that are read, until the transaction ends
 * (a signer must not see a table dropped between check and insert).
 * Context: in a transaction.  Rows are read whatever rights the caller has on
 * the tables: the answer is a judgement, not the row.
 * Effects: none.
 */
#include "postgres.h"

#include "member/tables.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "executor/tuptable.h"
#include "ledger/registry.h"
#include "ledger/registry_column.h"
#include "ledger/registry_tables.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

static const char *const table_names[SC_MT_COUNT] = {"member", "key", "status", "delegation", "authority", "crl"};

static const char *const column_names[SC_MT_COUNT][SC_MT_COLUMNS_MAX] = {
	{"member", "kind", "name"},
	{"member", "key", "algorithm", "public_key", "thumbprint", "certificate", "replaces"},
	{"member", "key", "action", "reason", "compromised_since"},
	{"member", "delegate", "tables", "until", "action"},
	{"authority", "certificate", "action"},
	{"authority", "crl"}
};

static const int column_counts[SC_MT_COUNT] = {
	SC_M_COUNT, SC_K_COUNT, SC_S_COUNT, SC_D_COUNT, SC_A_COUNT, SC_C_COUNT
};

static HTAB *cache = NULL;
static Oid	registry_relid = InvalidOid;	/* as of the first entry */

const char *
sc_member_table_name(ScMemberTable table)
{
	return table_names[table];
}

const char *
sc_member_column_name(ScMemberTable table, int column)
{
	return column_names[table][column];
}

int
sc_member_column_count(ScMemberTable table)
{
	return column_counts[table];
}

/* relcache callback: relid InvalidOid means all */
static void
invalidate(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	ScMemberTables *entry;

	if (cache == NULL || hash_get_num_entries(cache) == 0)
		return;
	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		bool		drop = !OidIsValid(relid) || relid == registry_relid;

		for (int i = 0; i < SC_MT_COUNT && !drop; i++)
			drop = entry->t[i].relid == relid;
		if (drop)
			hash_search(cache, &entry->chain_id, HASH_REMOVE, NULL);
	}
}

void
sc_member_tables_init(void)
{
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
}

/* what an index has to be on: a column, perhaps one more, and whether it has to keep twins out */
typedef struct Wanted
{
	AttrNumber	first;
	AttrNumber	second;			/* 0: none, or any when not unique */
	bool		unique;
} Wanted;

/* is the index one that finds rows by this column, and does it keep out what it has to? */
static bool
index_serves(Relation index, const Wanted *wanted)
{
	Form_pg_index form = index->rd_index;
	int			nkeys = IndexRelationGetNumberOfKeyAttributes(index);

	if (!form->indisvalid || !form->indisready || !form->indislive || form->indcheckxmin ||
		index->rd_rel->relam != BTREE_AM_OID || form->indkey.values[0] != wanted->first ||
		index->rd_indcollation[0] != C_COLLATION_OID || index->rd_opcintype[0] != TEXTOID ||
		RelationGetIndexPredicate(index) != NIL || RelationGetIndexExpressions(index) != NIL)
		return false;
	if (!wanted->unique)
		return true;
	return form->indisunique && form->indimmediate && nkeys == (wanted->second ? 2 : 1) &&
		(wanted->second == 0 || form->indkey.values[1] == wanted->second);
}

/* an index that serves, or InvalidOid */
static Oid
find_index(Relation rel, const Wanted *wanted)
{
	List	   *indexes = RelationGetIndexList(rel);
	Oid			found = InvalidOid;
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (!OidIsValid(found) && index_serves(index, wanted))
			found = lfirst_oid(cell);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return found;
}

/* the indexes of one table */
static void
load_indexes(ScMemberTables *out, ScMemberTable table, Relation rel)
{
	const AttrNumber *att = out->t[table].att;
	bool		unique = !sc_chain_by_id(out->chain_id, false)->copy;	/* a copy refuses no twins */

	if (table == SC_MT_MEMBER)
		out->t[table].index[SC_BY_MEMBER] = find_index(rel, &(Wanted) {att[SC_M_MEMBER], 0, unique});
	else if (table == SC_MT_KEY)
	{
		out->t[table].index[SC_BY_MEMBER] = find_index(rel, &(Wanted) {att[SC_K_MEMBER], att[SC_K_KEY], unique});
		out->t[table].index[SC_BY_THUMBPRINT] = find_index(rel, &(Wanted) {att[SC_K_THUMBPRINT], 0, unique});
	}
	else if (table == SC_MT_STATUS || table == SC_MT_DELEGATION)
		out->t[table].index[SC_BY_MEMBER] = find_index(rel, &(Wanted) {att[SC_S_MEMBER], 0, false});
}

/* an error about a registry table that is not what it was made as */
static void
report_damage(int32 chain_id, ScMemberTable table, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the members of chain \"%s\" cannot be read", sc_chain_by_id(chain_id, false)->name),
			 errdetail("Table \"%s\" of the registry %s.", table_names[table], what),
			 errhint("Rows that need a signature are refused until it is there again, from a backup if need be.")));
}

/* fills in where the columns of one table are */
static void
load_columns(ScMemberTables *out, ScMemberTable table, int32 table_id)
{
	List	   *columns = sc_ledger_columns(table_id);
	ListCell   *cell;

	foreach(cell, columns)
	{
		const ScLedgerColumn *column = lfirst(cell);

		for (int i = 0; i < column_counts[table]; i++)
			if (strcmp(column->ledger_name, column_names[table][i]) == 0)
				out->t[table].att[i] = column->attnum;
	}
	for (int i = 0; i < column_counts[table]; i++)
		if (out->t[table].att[i] == InvalidAttrNumber)
			report_damage(out->chain_id, table, psprintf("has lost its column \"%s\"", column_names[table][i]));
	out->t[table].seq = get_attnum(out->t[table].relid, SC_LEDGER_SEQ);
	out->t[table].time = get_attnum(out->t[table].relid, SC_LEDGER_TIME);
	if (out->t[table].seq == InvalidAttrNumber || out->t[table].time == InvalidAttrNumber)
		report_damage(out->chain_id, table, "has lost its column \"ledger_seq\" or \"ledger_time\"");
}

/* fills in one table */
static void
load_table(ScMemberTables *out, ScMemberTable table, Oid relid)
{
	ScLedgerTable *entry = sc_ledger_by_relation(relid, true);
	Relation	rel = entry ? try_table_open(relid, AccessShareLock) : NULL;

	if (rel == NULL)
		report_damage(out->chain_id, table, "was dropped");
	out->t[table].relid = relid;
	load_columns(out, table, entry->table_id);
	load_indexes(out, table, rel);
	table_close(rel, AccessShareLock);
}

/* reads a row of seoulchain.member_registry: the chain's, or the one that has the relation */
static bool
read_registry(int32 *chain_id, Oid relid, Oid relations[SC_MT_COUNT])
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	if (!OidIsValid(sc_registry_relation(SC_MEMBER_REGISTRY)))
		return false;
	rel = sc_registry_open(SC_MEMBER_REGISTRY, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[1 + SC_MT_COUNT];
		bool		nulls[1 + SC_MT_COUNT];

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		found = !OidIsValid(relid) && DatumGetInt32(values[0]) == *chain_id;
		for (int i = 0; i < SC_MT_COUNT; i++)
		{
			relations[i] = DatumGetObjectId(values[1 + i]);
			found = found || (OidIsValid(relid) && relations[i] == relid);
		}
		if (found)
			*chain_id = DatumGetInt32(values[0]);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

bool
sc_member_table_of(Oid relid, int32 *chain_id, ScMemberTable *table)
{
	Oid			relations[SC_MT_COUNT];

	if (!read_registry(chain_id, relid, relations))
		return false;
	for (int i = 0; i < SC_MT_COUNT; i++)
		if (relations[i] == relid)
			*table = (ScMemberTable) i;
	return true;
}

/* keeps an entry */
static void
remember(const ScMemberTables *tables)
{
	ScMemberTables *entry;

	if (cache == NULL)
	{
		HASHCTL		ctl = {
			.keysize = sizeof(int32),
			.entrysize = sizeof(ScMemberTables),
			.hcxt = CacheMemoryContext
		};

		cache = hash_create("seoulchain member tables", 8, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(cache, &tables->chain_id, HASH_ENTER, NULL);
	*entry = *tables;
}

bool
sc_member_tables_cached(int32 chain_id, ScMemberTables *out)
{
	ScMemberTables *entry = cache ? hash_search(cache, &chain_id, HASH_FIND, NULL) : NULL;

	if (entry)
		*out = *entry;
	return entry != NULL;
}

bool
sc_member_tables(int32 chain_id, ScMemberTables *out)
{
	Oid			relations[SC_MT_COUNT];

	if (sc_member_tables_cached(chain_id, out))
		return true;
	registry_relid = sc_registry_relation(SC_MEMBER_REGISTRY);
	if (!read_registry(&chain_id, InvalidOid, relations))
		return false;
	memset(out, 0, sizeof(*out));
	out->chain_id = chain_id;

	/* locks first: behind them no message can come that would make this wrong */
	for (int i = 0; i < SC_MT_COUNT; i++)
		LockRelationOid(relations[i], AccessShareLock);
	for (int i = 0; i < SC_MT_COUNT; i++)
		load_table(out, (ScMemberTable) i, relations[i]);
	remember(out);
	return true;
}

void
sc_member_tables_require(int32 chain_id, ScMemberTables *out)
{
	ScChain    *chain;

	if (sc_member_tables(chain_id, out))
		return;
	chain = sc_chain_by_id(chain_id, false);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("chain \"%s\" has no members", chain->name),
			 errhint("Let an operator call SELECT seoulchain.install_members('%s');", chain->name)));
}

void
sc_member_row(const ScMemberTables *tables, ScMemberTable table, const Datum *values, const bool *nulls, ScMemberRow *out)
{
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < column_counts[table]; i++)
	{
		int			at = tables->t[table].att[i] - 1;

		out->values[i] = values[at];
		out->nulls[i] = nulls[at];
	}
}

/* a stored row, taken apart */
static void
stored_row(const ScMemberTables *tables, ScMemberTable table, TupleTableSlot *slot, ScMemberRow *out)
{
	int			seq = tables->t[table].seq - 1;
	int			time = tables->t[table].time - 1;

	slot_getallattrs(slot);
	sc_member_row(tables, table, slot->tts_values, slot->tts_isnull, out);
	if (slot->tts_isnull[seq] || slot->tts_isnull[time])
		report_damage(tables->chain_id, table, "has a row without number or time");
	out->seq = DatumGetInt64(slot->tts_values[seq]);
	out->time = DatumGetTimestampTz(slot->tts_values[time]);
}

/* hands the rows of the scan to the visitor */
static void
visit_index(const ScMemberTables *tables, ScMemberTable table, IndexScanDesc scan, TupleTableSlot *slot,
			ScMemberVisitor visit, void *state)
{
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		ScMemberRow row;

		stored_row(tables, table, slot, &row);
		if (!visit(state, &row))
			break;
	}
}

/* the error of a search whose index is gone: a signature is not worth a scan of all keys, and twins must be kept out */
static void
report_index(const ScMemberTables *tables, ScMemberTable table, ScMemberSearch search)
{
	Oid			relid = tables->t[table].relid;
	const AttrNumber *att = tables->t[table].att;
	const char *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	const char *columns = quote_identifier(get_attname(relid, att[search == SC_BY_THUMBPRINT ? SC_K_THUMBPRINT : SC_M_MEMBER], false));
	bool		unique = table == SC_MT_MEMBER || table == SC_MT_KEY;

	if (table == SC_MT_KEY && search == SC_BY_MEMBER)
		columns = psprintf("%s, %s", columns, quote_identifier(get_attname(relid, att[SC_K_KEY], false)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s has no %sindex on (%s)", name, unique ? "unique " : "", columns),
			 errdetail("Members and keys are looked up through it; it was dropped, or is not valid."),
			 errhint("CREATE %sINDEX ON %s (%s);", unique ? "UNIQUE " : "", name, columns)));
}

Snapshot
sc_member_snapshot(void)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	snapshot->curcid = GetCurrentCommandId(false) + 1;
	return snapshot;
}

void
sc_member_scan(const ScMemberTables *tables, ScMemberTable table, ScMemberSearch search, const char *text,
			   Snapshot snapshot, ScMemberVisitor visit, void *state)
{
	Oid			indexid = tables->t[table].index[search];
	Relation	rel;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ScanKeyData key;

	if (!OidIsValid(indexid))
		report_index(tables, table, search);
	rel = table_open(tables->t[table].relid, AccessShareLock);
	index = index_open(indexid, AccessShareLock);
	slot = table_slot_create(rel, NULL);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_TEXTEQ, PointerGetDatum(cstring_to_text(text)));
	key.sk_collation = C_COLLATION_OID;
	scan = sc_index_beginscan(rel, index, snapshot, 1, 0);
	index_rescan(scan, &key, 1, NULL, 0);
	visit_index(tables, table, scan, slot, visit, state);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
	table_close(rel, NoLock);
}

void
sc_member_scan_all(const ScMemberTables *tables, ScMemberTable table, Snapshot snapshot,
				   ScMemberVisitor visit, void *state)
{
	Relation	rel = table_open(tables->t[table].relid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	ScMemberRow row;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		stored_row(tables, table, slot, &row);
		if (!visit(state, &row))
			break;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
}

void
sc_member_registry_insert(int32 chain_id, const Oid relations[SC_MT_COUNT])
{
	Relation	rel = sc_registry_open(SC_MEMBER_REGISTRY, RowExclusiveLock);
	Datum		values[1 + SC_MT_COUNT];
	bool		nulls[1 + SC_MT_COUNT] = {false};

	values[0] = Int32GetDatum(chain_id);
	for (int i = 0; i < SC_MT_COUNT; i++)
		values[1 + i] = ObjectIdGetDatum(relations[i]);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);

	/* whose inserts find out that they are judged from now on */
	for (int i = 0; i < SC_MT_COUNT; i++)
		CacheInvalidateRelcacheByRelid(relations[i]);
	CommandCounterIncrement();
}
