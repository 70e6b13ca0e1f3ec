/*
 * table_rules.c
 *	  The rules of activated contracts on a ledger table, cached per relation.
 *
 * Invariant: an entry is what contract_rule says; activation and retirement
 * lock the table against writers and invalidate its relcache entry, so that
 * no insert goes on with an old one.
 * Memory: an entry has its own context; one that was invalidated is freed at
 * the end of the transaction, because the row at hand may still use it.
 * Locks: none beyond the registry reads of a cache miss.
 */
#include "postgres.h"

#include "contract/table_rules.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "contract/memory.h"
#include "contract/rules.h"
#include "contract/store.h"
#include "core/hash.h"
#include "core/json.h"
#include "ledger/error.h"
#include "ledger/registry.h"
#include "ledger/registry_column.h"
#include "ledger/registry_tables.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct CacheEntry
{
	Oid			relid;
	ScTableRules *rules;
} CacheEntry;

static HTAB *cache = NULL;
static List *dead = NIL;		/* contexts to free at the end of the transaction */

/* relcache callback: relid InvalidOid means all */
static void
invalidate(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	if (cache == NULL)
		return;
	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (!OidIsValid(relid) || entry->relid == relid)
			entry->rules->valid = false;
}

static void
free_dead(XactEvent event, void *arg)
{
	ListCell   *cell;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	foreach(cell, dead)
		MemoryContextDelete(lfirst(cell));
	list_free(dead);
	dead = NIL;
}

void
sc_table_rules_init(void)
{
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
	RegisterXactCallback(free_dead, NULL);
}

static void
release_args(void *args)
{
	sc_rule_args_free(args);
}

static char *
contract_name(int32 contract_id)
{
	Relation	rel = sc_registry_open("contract", AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *name = NULL;
	bool		isnull;

	ScanKeyInit(&key, SC_CONTRACT_ATTR_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(contract_id));
	scan = systable_beginscan(rel, sc_registry_relation("contract_pkey"), true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		name = TextDatumGetCString(heap_getattr(tuple, SC_CONTRACT_ATTR_NAME, RelationGetDescr(rel), &isnull));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("contract %d is not in seoulchain.contract", contract_id)));
	return name;
}

/* is this node's rule the one that was activated? */
static void
check_same_rule(ScTableRule *rule, const char *name, const char *version, bytea *digest, bool other_sources_ok)
{
	ScHash		hash;
	char		hex[2 * SC_HASH_LEN + 1] = "";

	if (rule->rule == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("contract \"%s\": rule \"%s\" does not exist on this node", rule->contract, name),
				 errhint("SELECT * FROM seoulchain.rules; shows the rules of this node.  Libraries with more are named in seoulchain.rule_libraries.")));
	if (VARSIZE_ANY_EXHDR(digest) == SC_HASH_LEN)
	{
		memcpy(hash.bytes, VARDATA_ANY(digest), SC_HASH_LEN);
		for (int i = 0; i < SC_HASH_LEN; i++)
			snprintf(hex + 2 * i, 3, "%02x", hash.bytes[i]);
	}
	rule->other_sources = strcmp(rule->rule->source_digest, hex) != 0;
	if (strcmp(rule->rule->version, version) != 0 || (rule->other_sources && !other_sources_ok))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("contract \"%s\": rule \"%s\" of this node is not the one that was activated", rule->contract, name),
				 errdetail("Activated: version %s, sources %s.  Here: version %s, sources %s.",
						   version, hex, rule->rule->version, rule->rule->source_digest),
				 errhint("Install the release that was activated, or activate a new version of the contract.")));
}

/* what is wrong with a rule's parameters, as an error */
static void
report_problem(const ScTableRule *rule, ScRuleProblem *problem)
{
	char	   *message = pnstrdup(problem->message.data, problem->message.len);
	char	   *hint = problem->hint.len > 0 ? pnstrdup(problem->hint.data, problem->hint.len) : NULL;

	sc_rule_problem_free(problem);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("contract \"%s\", version %d: %s", rule->contract, rule->version, message),
			 hint ? errhint("%s", hint) : 0));
}

/* reads the parameters into rule->args, which live as long as the current memory context */
static void
read_parameters(ScTableRule *rule, const char *text)
{
	ScRuleProblem problem = SC_RULE_PROBLEM_INIT;
	ScJson	   *json;
	ScStatus	status = sc_json_parse(&json, text, strlen(text));

	sc_status_report(status, "parameters of a rule");
	status = sc_rule_args_parse(&rule->args, rule->rule, json, &problem);
	sc_json_free(json);
	if (status == SC_MALFORMED)
		report_problem(rule, &problem);
	sc_rule_problem_free(&problem);
	sc_status_report(status, "parameters of a rule");
	sc_context_release(release_args, rule->args);
}

/* place of a column in rules->attnums, which has room; adds it when it is new */
static int
see_column(ScTableRules *rules, AttrNumber attnum)
{
	for (int i = 0; i < rules->ncolumns; i++)
		if (rules->attnums[i] == attnum)
			return i;
	rules->attnums[rules->ncolumns] = attnum;
	return rules->ncolumns++;
}

static void
bind_columns(ScTableRules *rules, ScTableRule *rule, List *columns)
{
	rule->columns = palloc(Max(rule->args->nvalues, 1) * sizeof(int));
	for (int i = 0; i < rule->args->nvalues; i++)
	{
		AttrNumber	attnum = InvalidAttrNumber;
		ListCell   *cell;

		foreach(cell, columns)
		{
			const ScLedgerColumn *column = lfirst(cell);

			if (strcmp(column->ledger_name, rule->args->columns[i]) == 0)
				attnum = column->attnum;
		}
		if (attnum == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("contract \"%s\", version %d: the table has no column \"%s\"",
							rule->contract, rule->version, rule->args->columns[i])));
		rule->columns[i] = see_column(rules, attnum);
	}
}

/* fills in a rule from its row; false when it had ended by then (DT_NOBEGIN: rules of the past are wanted) */
static bool
read_rule(ScTableRules *rules, ScTableRule *rule, HeapTuple tuple, TupleDesc desc, List *columns, TimestampTz now)
{
	Datum		values[SC_RULE_NATTS];
	bool		nulls[SC_RULE_NATTS];
	char	   *name;

	heap_deform_tuple(tuple, desc, values, nulls);
	rule->until = nulls[SC_RULE_ATTR_UNTIL - 1] ? DT_NOEND : DatumGetTimestampTz(values[SC_RULE_ATTR_UNTIL - 1]);
	rule->rule_id = DatumGetInt32(values[SC_RULE_ATTR_ID - 1]);
	if (rule->until <= now)
	{
		rules->ended[rules->nended++] = rule->rule_id;
		return false;
	}
	rule->from = DatumGetTimestampTz(values[SC_RULE_ATTR_FROM - 1]);
	rule->contract = contract_name(DatumGetInt32(values[SC_RULE_ATTR_CONTRACT_ID - 1]));
	rule->version = DatumGetInt32(values[SC_RULE_ATTR_VERSION - 1]);
	rule->ordinal = DatumGetInt16(values[SC_RULE_ATTR_ORDINAL - 1]);
	name = TextDatumGetCString(values[SC_RULE_ATTR_RULE - 1]);
	rule->rule = sc_rule_find(name);
	check_same_rule(rule, name, TextDatumGetCString(values[SC_RULE_ATTR_RULE_VERSION - 1]),
					DatumGetByteaPP(values[SC_RULE_ATTR_DIGEST - 1]), TIMESTAMP_IS_NOBEGIN(now));
	read_parameters(rule, TextDatumGetCString(values[SC_RULE_ATTR_PARAMETERS - 1]));
	bind_columns(rules, rule, columns);
	return true;
}

static int
compare_rules(const void *a, const void *b)
{
	const ScTableRule *x = a;
	const ScTableRule *y = b;
	int			order = strcmp(x->contract, y->contract);

	if (order == 0)
		order = x->version - y->version;
	return order != 0 ? order : x->ordinal - y->ordinal;
}

/* begins a scan of the table's rows in contract_rule */
static SysScanDesc
begin_scan(Relation rel, ScanKeyData *key, int32 table_id)
{
	ScanKeyInit(key, SC_RULE_ATTR_TABLE_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(table_id));
	return systable_beginscan(rel, sc_registry_relation("contract_rule_table"), true, NULL, 1, key);
}

bool
sc_table_has_rules(int32 table_id)
{
	Relation	rel = sc_registry_open("contract_rule", AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan = begin_scan(rel, &key, table_id);
	bool		found = false;
	HeapTuple	tuple;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		until = heap_getattr(tuple, SC_RULE_ATTR_UNTIL, RelationGetDescr(rel), &isnull);

		found = isnull || DatumGetTimestampTz(until) > GetCurrentTimestamp();
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* copies of the table's rows, so that no scan is open while rules are looked for */
static List *
read_tuples(Relation rel, int32 table_id)
{
	ScanKeyData key;
	SysScanDesc scan = begin_scan(rel, &key, table_id);
	List	   *tuples = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		tuples = lappend(tuples, heap_copytuple(tuple));
	systable_endscan(scan);
	return tuples;
}

/* reads the rules that have not ended by then, in the current memory context, which is the entry's own */
static ScTableRules *
load(Oid relid, int32 table_id, TimestampTz now)
{
	Relation	rel = sc_registry_open("contract_rule", AccessShareLock);
	List	   *columns = sc_ledger_columns(table_id);
	List	   *tuples = read_tuples(rel, table_id);
	ScTableRules *rules = palloc0(sizeof(ScTableRules));
	ListCell   *cell;

	rules->relid = relid;
	rules->valid = true;
	rules->context = CurrentMemoryContext;
	rules->rules = palloc0(Max(list_length(tuples), 1) * sizeof(ScTableRule));
	rules->ended = palloc(Max(list_length(tuples), 1) * sizeof(int32));
	rules->attnums = palloc(Max(list_length(columns), 1) * sizeof(AttrNumber));
	foreach(cell, tuples)
		if (read_rule(rules, &rules->rules[rules->nrules], lfirst(cell), RelationGetDescr(rel), columns, now))
			rules->nrules++;
	qsort(rules->rules, rules->nrules, sizeof(ScTableRule), compare_rules);
	table_close(rel, AccessShareLock);
	return rules;
}

/* what is not valid any more goes when the transaction ends */
static void
bury(CacheEntry *entry)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	dead = lappend(dead, entry->rules->context);
	MemoryContextSwitchTo(old);
	hash_search(cache, &entry->relid, HASH_REMOVE, NULL);
}

static void
make_cache(void)
{
	HASHCTL		ctl = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(CacheEntry),
		.hcxt = CacheMemoryContext
	};

	cache = hash_create("seoulchain rules of tables", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

const ScTableRules *
sc_table_rules(Relation rel, int32 table_id)
{
	Oid			relid = RelationGetRelid(rel);
	CacheEntry *entry;
	ScTableRules *rules;
	MemoryContext context;
	MemoryContext old;

	if (cache == NULL)
		make_cache();
	entry = hash_search(cache, &relid, HASH_FIND, NULL);
	if (entry != NULL && entry->rules->valid)
		return entry->rules;
	if (entry != NULL)
		bury(entry);

	/* a child of the caller's context until it is whole: an error leaves nothing */
	context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain rules of a table", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	rules = load(relid, table_id, GetCurrentTimestamp());
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, CacheMemoryContext);
	entry = hash_search(cache, &relid, HASH_ENTER, NULL);
	entry->rules = rules;
	return rules;
}

const ScTableRules *
sc_table_rules_ever(int32 table_id)
{
	return load(InvalidOid, table_id, DT_NOBEGIN);
}
