/*
 * store.c
 *	  The registry tables of contracts: reading and writing their rows.
 *
 * Invariant: numbers of contracts and rules are never given twice; a version
 * is activated once and ended once.
 * Locks: ShareRowExclusiveLock on seoulchain.contract for every writer, so
 * numbers and states that were read stay true until the transaction ends.
 * Effects: rows written below SQL (privileges, triggers and rules do not come
 * in), visible to the next command.  Records no events.
 */
#include "postgres.h"

#include "contract/store.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "compat.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* makes a struct of a row */
typedef void *(*RowReader) (const Datum *values, const bool *nulls);

void
sc_contract_lock(void)
{
	table_close(sc_registry_open("contract", ShareRowExclusiveLock), NoLock);
}

/* the rows whose int4 attribute has the value, through the index, in its order; all rows for attno 0 */
static List *
read_rows(const char *table, const char *index, AttrNumber attno, int32 value, RowReader reader)
{
	Relation	rel = sc_registry_open(table, AccessShareLock);
	Relation	index_rel = index_open(sc_registry_relation(index), AccessShareLock);
	int			natts = RelationGetNumberOfAttributes(rel);
	Datum	   *values = palloc(natts * sizeof(Datum));
	bool	   *nulls = palloc(natts * sizeof(bool));
	List	   *rows = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (attno != 0)
		ScanKeyInit(&key, attno, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(value));
	scan = systable_beginscan_ordered(rel, index_rel, NULL, attno != 0 ? 1 : 0, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		rows = lappend(rows, reader(values, nulls));
	}
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	table_close(rel, AccessShareLock);
	return rows;
}

void *
sc_contract_from_row(const Datum *values, const bool *nulls)
{
	ScContract *contract = palloc(sizeof(ScContract));

	contract->contract_id = DatumGetInt32(values[SC_CONTRACT_ATTR_ID - 1]);
	contract->chain_id = DatumGetInt32(values[SC_CONTRACT_ATTR_CHAIN_ID - 1]);
	contract->name = TextDatumGetCString(values[SC_CONTRACT_ATTR_NAME - 1]);
	return contract;
}

static int64
int64_or_0(const Datum *values, const bool *nulls, AttrNumber attno)
{
	return nulls[attno - 1] ? 0 : DatumGetInt64(values[attno - 1]);
}

static TimestampTz
time_or_noend(const Datum *values, const bool *nulls, AttrNumber attno)
{
	return nulls[attno - 1] ? DT_NOEND : DatumGetTimestampTz(values[attno - 1]);
}

void *
sc_version_from_row(const Datum *values, const bool *nulls)
{
	ScContractVersion *version = palloc(sizeof(ScContractVersion));

	version->contract_id = DatumGetInt32(values[SC_VERSION_ATTR_CONTRACT_ID - 1]);
	version->version = DatumGetInt32(values[SC_VERSION_ATTR_VERSION - 1]);
	version->definition = TextDatumGetCString(values[SC_VERSION_ATTR_DEFINITION - 1]);
	version->proposed_seq = DatumGetInt64(values[SC_VERSION_ATTR_PROPOSED_SEQ - 1]);
	version->activated_seq = int64_or_0(values, nulls, SC_VERSION_ATTR_ACTIVATED_SEQ);
	version->from = time_or_noend(values, nulls, SC_VERSION_ATTR_FROM);
	version->ended_seq = int64_or_0(values, nulls, SC_VERSION_ATTR_ENDED_SEQ);
	version->until = time_or_noend(values, nulls, SC_VERSION_ATTR_UNTIL);
	return version;
}

void *
sc_approval_from_row(const Datum *values, const bool *nulls)
{
	ScContractApproval *approval = palloc(sizeof(ScContractApproval));

	approval->version = DatumGetInt32(values[SC_APPROVAL_ATTR_VERSION - 1]);
	approval->action = TextDatumGetCString(values[SC_APPROVAL_ATTR_ACTION - 1]);
	approval->member = TextDatumGetCString(values[SC_APPROVAL_ATTR_MEMBER - 1]);
	approval->signature = TextDatumGetCString(values[SC_APPROVAL_ATTR_SIGNATURE - 1]);
	approval->approved_seq = DatumGetInt64(values[SC_APPROVAL_ATTR_SEQ - 1]);
	return approval;
}

void *
sc_rule_from_row(const Datum *values, const bool *nulls)
{
	ScContractRule *rule = palloc0(sizeof(ScContractRule));
	bytea	   *digest = DatumGetByteaPP(values[SC_RULE_ATTR_DIGEST - 1]);

	rule->rule_id = DatumGetInt32(values[SC_RULE_ATTR_ID - 1]);
	rule->contract_id = DatumGetInt32(values[SC_RULE_ATTR_CONTRACT_ID - 1]);
	rule->version = DatumGetInt32(values[SC_RULE_ATTR_VERSION - 1]);
	rule->table_id = DatumGetInt32(values[SC_RULE_ATTR_TABLE_ID - 1]);
	rule->ordinal = DatumGetInt16(values[SC_RULE_ATTR_ORDINAL - 1]);
	rule->rule = TextDatumGetCString(values[SC_RULE_ATTR_RULE - 1]);
	rule->rule_version = TextDatumGetCString(values[SC_RULE_ATTR_RULE_VERSION - 1]);
	memcpy(rule->digest, VARDATA_ANY(digest), Min(VARSIZE_ANY_EXHDR(digest), sizeof(rule->digest)));
	rule->parameters = TextDatumGetCString(values[SC_RULE_ATTR_PARAMETERS - 1]);
	rule->from = DatumGetTimestampTz(values[SC_RULE_ATTR_FROM - 1]);
	rule->until = time_or_noend(values, nulls, SC_RULE_ATTR_UNTIL);
	return rule;
}

List *
sc_contract_list(int32 chain_id)
{
	List	   *all = read_rows("contract", "contract_pkey", 0, 0, sc_contract_from_row);
	List	   *wanted = NIL;
	ListCell   *cell;

	foreach(cell, all)
		if (chain_id < 0 || ((ScContract *) lfirst(cell))->chain_id == chain_id)
			wanted = lappend(wanted, lfirst(cell));
	return wanted;
}

ScContract *
sc_contract_by_name(int32 chain_id, const char *name, bool missing_ok)
{
	ListCell   *cell;

	foreach(cell, sc_contract_list(chain_id))
	{
		ScContract *contract = lfirst(cell);

		if (strcmp(contract->name, name) == 0)
			return contract;
	}
	if (!missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("chain \"%s\" has no contract \"%s\"", sc_chain_by_id(chain_id, false)->name, name),
				 errhint("SELECT chain, contract FROM seoulchain.contracts; shows those that there are.")));
	return NULL;
}

List *
sc_contract_versions(int32 contract_id)
{
	return read_rows("contract_version", "contract_version_pkey", SC_VERSION_ATTR_CONTRACT_ID, contract_id,
					 sc_version_from_row);
}

List *
sc_contract_approvals(int32 contract_id)
{
	return read_rows("contract_approval", "contract_approval_pkey", SC_APPROVAL_ATTR_CONTRACT_ID, contract_id,
					 sc_approval_from_row);
}

/* the index has these as its first column, whatever their place in the table */
List *
sc_contract_rules(int32 contract_id)
{
	return read_rows("contract_rule", "contract_rule_contract_id_version_table_id_ordinal_key",
					 SC_RULE_ATTR_CONTRACT_ID, contract_id, sc_rule_from_row);
}

/* the greatest number under the primary key of a table, and one */
static int32
next_number(const char *table, const char *index)
{
	Relation	rel = sc_registry_open(table, AccessShareLock);
	Relation	index_rel = index_open(sc_registry_relation(index), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index_rel, NULL, 0, NULL);
	HeapTuple	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	int32		next = 1;
	bool		isnull;

	if (HeapTupleIsValid(tuple))
		next = DatumGetInt32(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull)) + 1;
	systable_endscan_ordered(scan);
	index_close(index_rel, AccessShareLock);
	table_close(rel, AccessShareLock);
	return next;
}

static void
insert_row(const char *table, Datum *values, bool *nulls)
{
	Relation	rel = sc_registry_open(table, RowExclusiveLock);

	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

ScContract *
sc_contract_add(int32 chain_id, const char *name)
{
	ScContract *contract = palloc(sizeof(ScContract));
	Datum		values[SC_CONTRACT_NATTS];
	bool		nulls[SC_CONTRACT_NATTS] = {false};

	contract->contract_id = next_number("contract", "contract_pkey");
	contract->chain_id = chain_id;
	contract->name = pstrdup(name);
	values[SC_CONTRACT_ATTR_ID - 1] = Int32GetDatum(contract->contract_id);
	values[SC_CONTRACT_ATTR_CHAIN_ID - 1] = Int32GetDatum(chain_id);
	values[SC_CONTRACT_ATTR_NAME - 1] = CStringGetTextDatum(name);
	insert_row("contract", values, nulls);
	return contract;
}

void
sc_contract_add_version(const ScContractVersion *version)
{
	Datum		values[SC_VERSION_NATTS] = {0};
	bool		nulls[SC_VERSION_NATTS] = {false};

	values[SC_VERSION_ATTR_CONTRACT_ID - 1] = Int32GetDatum(version->contract_id);
	values[SC_VERSION_ATTR_VERSION - 1] = Int32GetDatum(version->version);
	values[SC_VERSION_ATTR_DEFINITION - 1] = CStringGetTextDatum(version->definition);
	values[SC_VERSION_ATTR_PROPOSED_SEQ - 1] = Int64GetDatum(version->proposed_seq);
	nulls[SC_VERSION_ATTR_ACTIVATED_SEQ - 1] = true;
	nulls[SC_VERSION_ATTR_FROM - 1] = true;
	nulls[SC_VERSION_ATTR_ENDED_SEQ - 1] = true;
	nulls[SC_VERSION_ATTR_UNTIL - 1] = true;
	insert_row("contract_version", values, nulls);
}

void
sc_contract_add_approval(int32 contract_id, const ScContractApproval *approval)
{
	Datum		values[SC_APPROVAL_NATTS];
	bool		nulls[SC_APPROVAL_NATTS] = {false};

	values[SC_APPROVAL_ATTR_CONTRACT_ID - 1] = Int32GetDatum(contract_id);
	values[SC_APPROVAL_ATTR_VERSION - 1] = Int32GetDatum(approval->version);
	values[SC_APPROVAL_ATTR_ACTION - 1] = CStringGetTextDatum(approval->action);
	values[SC_APPROVAL_ATTR_MEMBER - 1] = CStringGetTextDatum(approval->member);
	values[SC_APPROVAL_ATTR_SIGNATURE - 1] = CStringGetTextDatum(approval->signature);
	values[SC_APPROVAL_ATTR_SEQ - 1] = Int64GetDatum(approval->approved_seq);
	insert_row("contract_approval", values, nulls);
}

void
sc_contract_add_rule(ScContractRule *rule)
{
	Datum		values[SC_RULE_NATTS];
	bool		nulls[SC_RULE_NATTS] = {false};
	bytea	   *digest = palloc(VARHDRSZ + sizeof(rule->digest));

	rule->rule_id = next_number("contract_rule", "contract_rule_pkey");
	SET_VARSIZE(digest, VARHDRSZ + sizeof(rule->digest));
	memcpy(VARDATA(digest), rule->digest, sizeof(rule->digest));
	values[SC_RULE_ATTR_ID - 1] = Int32GetDatum(rule->rule_id);
	values[SC_RULE_ATTR_CONTRACT_ID - 1] = Int32GetDatum(rule->contract_id);
	values[SC_RULE_ATTR_VERSION - 1] = Int32GetDatum(rule->version);
	values[SC_RULE_ATTR_TABLE_ID - 1] = Int32GetDatum(rule->table_id);
	values[SC_RULE_ATTR_ORDINAL - 1] = Int16GetDatum(rule->ordinal);
	values[SC_RULE_ATTR_RULE - 1] = CStringGetTextDatum(rule->rule);
	values[SC_RULE_ATTR_RULE_VERSION - 1] = CStringGetTextDatum(rule->rule_version);
	values[SC_RULE_ATTR_DIGEST - 1] = PointerGetDatum(digest);
	values[SC_RULE_ATTR_PARAMETERS - 1] = CStringGetTextDatum(rule->parameters);
	values[SC_RULE_ATTR_FROM - 1] = TimestampTzGetDatum(rule->from);
	values[SC_RULE_ATTR_UNTIL - 1] = (Datum) 0;
	nulls[SC_RULE_ATTR_UNTIL - 1] = true;
	insert_row("contract_rule", values, nulls);
}

/* a change of one row: up to two attributes */
typedef struct Change
{
	AttrNumber	attno[2];
	Datum		value[2];
	int			n;
} Change;

/* changes every row whose first two int4 key attributes have the values */
static void
update_rows(const char *table, const char *index, const AttrNumber *attno, const int32 *key, const Change *change)
{
	Relation	rel = sc_registry_open(table, RowExclusiveLock);
	TupleDesc	desc = RelationGetDescr(rel);
	Datum	   *values = palloc0(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc0(desc->natts * sizeof(bool));
	bool	   *replace = palloc0(desc->natts * sizeof(bool));
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	for (int i = 0; i < change->n; i++)
	{
		values[change->attno[i] - 1] = change->value[i];
		replace[change->attno[i] - 1] = true;
	}
	for (int i = 0; i < 2; i++)
		ScanKeyInit(&keys[i], attno[i], BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(key[i]));
	scan = systable_beginscan(rel, sc_registry_relation(index), true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		CatalogTupleUpdate(rel, &tuple->t_self, heap_modify_tuple(tuple, desc, values, nulls, replace));
	systable_endscan(scan);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

static const AttrNumber version_key[2] = {SC_VERSION_ATTR_CONTRACT_ID, SC_VERSION_ATTR_VERSION};
static const AttrNumber rule_key[2] = {SC_RULE_ATTR_CONTRACT_ID, SC_RULE_ATTR_VERSION};

void
sc_contract_set_active(const ScContractVersion *version, int64 seq, TimestampTz from)
{
	int32		key[2] = {version->contract_id, version->version};
	Change		change = {
		{SC_VERSION_ATTR_ACTIVATED_SEQ, SC_VERSION_ATTR_FROM},
		{Int64GetDatum(seq), TimestampTzGetDatum(from)}, 2
	};

	update_rows("contract_version", "contract_version_pkey", version_key, key, &change);
}

void
sc_contract_set_ended(const ScContractVersion *version, int64 seq, TimestampTz until)
{
	int32		key[2] = {version->contract_id, version->version};
	Change		change = {
		{SC_VERSION_ATTR_ENDED_SEQ, SC_VERSION_ATTR_UNTIL},
		{Int64GetDatum(seq), TimestampTzGetDatum(until)}, 2
	};
	Change		rules = {{SC_RULE_ATTR_UNTIL}, {TimestampTzGetDatum(until)}, 1};

	update_rows("contract_version", "contract_version_pkey", version_key, key, &change);
	update_rows("contract_rule", "contract_rule_contract_id_version_table_id_ordinal_key", rule_key, key, &rules);
}
