/*
 * signature_rule.c
 *	  Which tables take signed rows only, and which columns are signed.
 *
 * Columns are kept by their ledger names, which stay when columns are renamed
 * and when a restore gives them other numbers.  A later rule of a table takes
 * the place of an earlier one for the rows behind it; both stay on record.
 *
 * Invariant: as in ledger/relation_cache.c; writers of rules invalidate the
 * ledger table.
 * Locks: AccessShareLock on the registry while it is read.
 * Effects: sc_signature_rule_add writes a row below SQL.
 * Source: docs/format.md sections 1.2 and 12.
 */
#include "postgres.h"

#include "member/signature_rule.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "core/json.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "ledger/relation_cache.h"
#include "member/signed_payload.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#define RULE_TABLE "signature_rule"

/* the names in a text[] */
static List *
names_of(Datum array)
{
	Datum	   *items;
	int			n;
	List	   *names = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &items, NULL, &n);
	for (int i = 0; i < n; i++)
		names = lappend(names, TextDatumGetCString(items[i]));
	return names;
}

ScSignatureRule *
sc_signature_rule_row(const Datum *values)
{
	ScSignatureRule *rule = palloc(sizeof(ScSignatureRule));

	rule->table_id = DatumGetInt32(values[SC_RULE_ATTR_TABLE_ID - 1]);
	rule->rule_seq = DatumGetInt64(values[SC_RULE_ATTR_SEQ - 1]);
	rule->signer = TextDatumGetCString(values[SC_RULE_ATTR_SIGNER - 1]);
	rule->signature = TextDatumGetCString(values[SC_RULE_ATTR_SIGNATURE - 1]);
	rule->columns = names_of(values[SC_RULE_ATTR_COLUMNS - 1]);
	return rule;
}

/* one row of the table; every column is NOT NULL */
static ScSignatureRule *
rule_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	Datum		values[SC_RULE_NATTS];
	bool		nulls[SC_RULE_NATTS];

	heap_deform_tuple(tuple, desc, values, nulls);
	return sc_signature_rule_row(values);
}

/* order by rule_seq */
static int
compare_rules(const ListCell *a, const ListCell *b)
{
	int64		x = ((const ScSignatureRule *) lfirst(a))->rule_seq;
	int64		y = ((const ScSignatureRule *) lfirst(b))->rule_seq;

	return (x > y) - (x < y);
}

List *
sc_signature_rules(int32 table_id, Snapshot snapshot)
{
	Relation	rel = sc_registry_open(RULE_TABLE, AccessShareLock);
	List	   *rules = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, SC_RULE_ATTR_TABLE_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(table_id));
	scan = systable_beginscan(rel, sc_registry_relation(RULE_TABLE "_pkey"), true, snapshot, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		rules = lappend(rules, rule_from_tuple(tuple, RelationGetDescr(rel)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	list_sort(rules, compare_rules);
	return rules;
}

/* "<key>":"<value>" */
static void
append_member(ScBuf *buf, const char *key, const char *value)
{
	sc_json_string(buf, key, strlen(key));
	sc_buf_char(buf, ':');
	sc_json_string(buf, value, strlen(value));
}

void
sc_signature_rule_event(ScBuf *buf, const ScSignatureRule *rule)
{
	ListCell   *cell;

	sc_buf_literal(buf, "{\"columns\":[");
	foreach(cell, rule->columns)
	{
		if (cell != list_head(rule->columns))
			sc_buf_char(buf, ',');
		sc_json_string(buf, lfirst(cell), strlen(lfirst(cell)));
	}
	sc_buf_literal(buf, "],");
	append_member(buf, "signature", rule->signature);
	sc_buf_char(buf, ',');
	append_member(buf, "signer", rule->signer);
	sc_buf_literal(buf, ",\"type\":\"signature\"}");
}

void
sc_signature_rule_add(const ScSignatureRule *rule)
{
	Relation	rel = sc_registry_open(RULE_TABLE, RowExclusiveLock);
	Datum	   *names = palloc(sizeof(Datum) * list_length(rule->columns));
	Datum		values[SC_RULE_NATTS];
	bool		nulls[SC_RULE_NATTS] = {false};
	ListCell   *cell;

	foreach(cell, rule->columns)
		names[foreach_current_index(cell)] = CStringGetTextDatum(lfirst(cell));
	values[SC_RULE_ATTR_TABLE_ID - 1] = Int32GetDatum(rule->table_id);
	values[SC_RULE_ATTR_SEQ - 1] = Int64GetDatum(rule->rule_seq);
	values[SC_RULE_ATTR_SIGNER - 1] = CStringGetTextDatum(rule->signer);
	values[SC_RULE_ATTR_SIGNATURE - 1] = CStringGetTextDatum(rule->signature);
	values[SC_RULE_ATTR_COLUMNS - 1] = PointerGetDatum(construct_array(names, list_length(rule->columns),
															   TEXTOID, -1, false, TYPALIGN_INT));
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/* the attribute of a column by its ledger name; *position is its place in the format */
static AttrNumber
find_column(Relation rel, const ScRowFormat *format, const char *name, int *position)
{
	for (int i = 0; i < sc_row_format_count(format); i++)
	{
		const char *ledger_name;
		AttrNumber	attno = sc_row_format_column(format, i, &ledger_name);

		if (strcmp(ledger_name, name) == 0)
		{
			*position = i;
			return attno;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("ledger table \"%s\" has lost column \"%s\"", RelationGetRelationName(rel), name),
			 errdetail("Its signature rule names the column."),
			 errhint("Restore the table; SELECT * FROM seoulchain.verify() shows what else is wrong.")));
}

ScSigning *
sc_signing_make(Relation rel, int32 chain_id, const ScSignatureRule *rule)
{
	ScSigning  *signing = palloc0(sizeof(ScSigning));
	int			position;
	ListCell   *cell;

	signing->rule = rule;
	signing->chain_id = chain_id;
	signing->function = LookupFuncName(list_make2(makeString(SC_SCHEMA), makeString(SC_SIGNATURE_FUNCTION)),
									   0, NULL, false);
	signing->format = sc_row_format_copy(rel, CurrentMemoryContext);
	signing->mask = palloc0(sizeof(bool) * Max(sc_row_format_count(signing->format), 1));
	signing->signer = find_column(rel, signing->format, rule->signer, &position);
	signing->signature = find_column(rel, signing->format, rule->signature, &position);
	foreach(cell, rule->columns)
	{
		(void) find_column(rel, signing->format, lfirst(cell), &position);
		signing->mask[position] = true;
	}
	return signing;
}

const ScSigning *
sc_signing_for(const List *signings, int64 ledger_seq)
{
	const ScSigning *found = NULL;
	ListCell   *cell;

	foreach(cell, signings)
	{
		const ScSigning *signing = lfirst(cell);

		if (signing->rule->rule_seq < ledger_seq)
			found = signing;
	}
	return found;
}

bool
sc_signing_digest(const ScSigning *signing, const Datum *values, const bool *nulls, ScBuf *buf, ScHash *digest)
{
	text	   *signer;

	if (nulls[signing->signer - 1])
		return false;
	sc_row_payload(buf, signing->format, values, nulls, signing->mask);
	signer = DatumGetTextPP(values[signing->signer - 1]);
	sc_payload_digest(digest, VARDATA_ANY(signer), VARSIZE_ANY_EXHDR(signer), buf->data, buf->len);
	return true;
}

/* what the table's latest rule means for its rows; NULL: it has none */
static void *
make_signing(Relation rel)
{
	ScLedgerTable *table = sc_ledger_by_relation(RelationGetRelid(rel), true);
	List	   *rules = table ? sc_signature_rules(table->table_id, NULL) : NIL;

	return rules != NIL ? sc_signing_make(rel, table->chain_id, llast(rules)) : NULL;
}

static ScRelationCache cache = {
	.name = "seoulchain signature rules",
	.make = make_signing,
	.depends = {"ledger", "ledger_column", RULE_TABLE}
};

const ScSigning *
sc_signing(Relation rel)
{
	return sc_relation_cache_get(&cache, rel);
}
