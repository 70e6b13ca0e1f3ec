/*
 * signature_require.c
 *	  require_signature() and signing_payload(): making a rule, and the text to sign under it.
 *
 * Invariant: the chain learns of a rule before any row is under it, and no row
 * with a greater ledger_seq is without it: the table is locked against
 * inserters from before the event's number is taken.
 * Locks: AccessExclusiveLock when the table has no acceptance time yet, else
 * ShareRowExclusiveLock, until the transaction ends.
 * Effects: an event leaf, a row of seoulchain.signature_rule, the column
 * ledger_time, the trigger.
 */
#include "postgres.h"

#include "member/signature_rule.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "commands/trigger.h"
#include "compat.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/join.h"
#include "ledger/ledger_time.h"
#include "ledger/own_column.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "ledger/registry_column.h"
#include "member/lookup.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(sc_require_signature);
PG_FUNCTION_INFO_V1(sc_signing_payload);

/* errors when the table cannot have a rule of its own */
static void
check_table(Oid relid)
{
	if (!SC_OWNS_RELATION(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a partitioned table, which has no rows of its own", get_rel_name(relid)),
				 errhint("Call require_signature() for each of its partitions, and for new ones when they are made.")));
	if (!sc_is_ledger_relation(relid))
		(void) sc_ledger_by_relation(relid, false);
}

/* errors unless somebody could sign in this chain */
static void
check_chain(const ScChain *chain)
{
	sc_chain_require_open(chain);
	if (!sc_member_installed(chain->chain_id))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" has no members", chain->name),
				 errdetail("Whose signatures are good is written in ledger tables of the chain."),
				 errhint("SELECT seoulchain.install_members(%s);", quote_literal_cstr(chain->name))));
}

/* the registered column of that present name; an error that says why there is none */
static const ScLedgerColumn *
find_column(Oid relid, List *columns, const char *name)
{
	AttrNumber	attno = get_attnum(relid, name);
	ListCell   *cell;

	foreach(cell, columns)
	{
		const ScLedgerColumn *column = lfirst(cell);

		if (column->attnum == attno)
			return column;
	}
	if (attno == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist", name, get_rel_name(relid))));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
			 errmsg("column \"%s\" of table \"%s\" cannot be signed", name, get_rel_name(relid)),
			 errdetail("%s", sc_own_column(name) ? "The ledger fills it when the row has been signed."
					   : "It is generated, or a column of the system, and in no leaf."),
			 errhint("Name columns that the signer writes.")));
}

/* errors unless the column is text */
static void
check_text(Oid relid, const ScLedgerColumn *column, const char *purpose)
{
	Oid			type = getBaseType(get_atttype(relid, column->attnum));

	if (type != TEXTOID && type != VARCHAROID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s\" must be of type text", column->column_name, get_rel_name(relid)),
				 errdetail("It is to hold the %s.", purpose)));
}

static int
compare_attnums(const ListCell *a, const ListCell *b)
{
	return ((const ScLedgerColumn *) lfirst(a))->attnum - ((const ScLedgerColumn *) lfirst(b))->attnum;
}

/* the columns to be signed, those named and the signer's, or all but the signature's, in the table's order */
static List *
signed_columns(Oid relid, List *columns, const ScLedgerColumn *signer, const ScLedgerColumn *signature, ArrayType *named)
{
	List	   *chosen = NIL;
	List	   *names = NIL;
	ListCell   *cell;
	Datum	   *items;
	bool	   *nulls;
	int			n;

	deconstruct_array(named, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &items, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a column to be signed has no name")));
		chosen = list_append_unique_ptr(chosen,
										unconstify(ScLedgerColumn *, find_column(relid, columns, NameStr(*DatumGetName(items[i])))));
	}
	if (list_member_ptr(chosen, signature))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("the signature cannot sign itself"),
				 errdetail("Column \"%s\" is to hold the signature.", signature->column_name),
				 errhint("Leave it out of the columns to be signed.")));
	if (n == 0)
		chosen = list_delete_ptr(list_copy(columns), unconstify(ScLedgerColumn *, signature));
	/* a payload without its signer could be shown as another's, who shares a key with him */
	chosen = list_append_unique_ptr(chosen, unconstify(ScLedgerColumn *, signer));
	list_sort(chosen, compare_attnums);
	foreach(cell, chosen)
		names = lappend(names, ((const ScLedgerColumn *) lfirst(cell))->ledger_name);
	return names;
}

/* the rule that the arguments describe */
static ScSignatureRule *
describe_rule(const ScLedgerTable *table, const char *signer, const char *signature, ArrayType *named)
{
	ScSignatureRule *rule = palloc0(sizeof(ScSignatureRule));
	List	   *columns = sc_ledger_columns(table->table_id);
	const ScLedgerColumn *by = find_column(table->relation, columns, signer);
	const ScLedgerColumn *in = find_column(table->relation, columns, signature);

	check_text(table->relation, by, "name of the member who signs");
	check_text(table->relation, in, "signature");
	if (by == in)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("signer and signature need a column each"),
				 errdetail("Column \"%s\" was given for both.", signer)));
	rule->table_id = table->table_id;
	rule->signer = by->ledger_name;
	rule->signature = in->ledger_name;
	rule->columns = signed_columns(table->relation, columns, by, in, named);
	return rule;
}

/* do two rules say the same? */
static bool
same_rule(const ScSignatureRule *a, const ScSignatureRule *b)
{
	ListCell   *x;
	ListCell   *y;

	if (strcmp(a->signer, b->signer) != 0 || strcmp(a->signature, b->signature) != 0 ||
		list_length(a->columns) != list_length(b->columns))
		return false;
	forboth(x, a->columns, y, b->columns)
	{
		if (strcmp(lfirst(x), lfirst(y)) != 0)
			return false;
	}
	return true;
}

/* records the rule, unless it is the one in force */
static void
record_rule(const ScChain *chain, const ScLedgerTable *table, ScSignatureRule *rule)
{
	List	   *rules = sc_signature_rules(table->table_id, NULL);
	ScBuf		event = SC_BUF_INIT;

	if (rules != NIL && same_rule(llast(rules), rule))
		return;
	sc_signature_rule_event(&event, rule);
	rule->rule_seq = sc_event_record(chain, table->table_id, table->ledger_name, &event);
	sc_buf_free(&event);
	sc_signature_rule_add(rule);
}

/* makes the trigger; one of that name that is there, whatever it does, goes */
static void
make_trigger(Oid relid)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	Oid			old = get_trigger_oid(relid, SC_SIGNATURE_TRIGGER, true);

	if (OidIsValid(old))
	{
		ObjectAddress address;

		ObjectAddressSet(address, TriggerRelationId, old);
		performDeletion(&address, DROP_RESTRICT, 0);
		CommandCounterIncrement();
	}
	stmt->trigname = pstrdup(SC_SIGNATURE_TRIGGER);
	stmt->relation = makeRangeVar(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), -1);
	stmt->funcname = list_make2(makeString(pstrdup(SC_SCHEMA)), makeString(pstrdup(SC_SIGNATURE_FUNCTION)));
	stmt->row = true;
	stmt->timing = TRIGGER_TYPE_BEFORE;
	stmt->events = TRIGGER_TYPE_INSERT;
	(void) CreateTriggerFiringOn(stmt, NULL, relid, InvalidOid, InvalidOid, InvalidOid, InvalidOid, InvalidOid,
								 NULL, false, false, TRIGGER_FIRES_ALWAYS);
	CommandCounterIncrement();
}

/*
 * seoulchain.require_signature(relation regclass, signer name, signature name, VARIADIC columns name[]) returns void
 *
 * From now on rows of the ledger table are accepted only if the member named
 * in column `signer` signed them, in column `signature`.  Rows that are there
 * already stay as they are.  A second call with other columns takes the place
 * of the first for later rows; with the same ones it puts the trigger back.
 * For the table's owner.
 * Errors: WRONG_OBJECT_TYPE, UNDEFINED_COLUMN, INVALID_COLUMN_REFERENCE,
 * DATATYPE_MISMATCH, OBJECT_NOT_IN_PREREQUISITE_STATE (no members).
 */
Datum
sc_require_signature(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Relation	rel;
	ScLedgerTable *table;
	ScChain    *chain;
	ScSignatureRule *rule;

	/* nobody gets to lock, or queue for, a table that is not his */
	check_table(relid);
	table = sc_ledger_by_relation(relid, true);
	rel = table_open(relid, table && table->time_seq != 0 ? ShareRowExclusiveLock : AccessExclusiveLock);
	CheckTableNotInUse(rel, "require_signature()");
	table_close(rel, NoLock);
	sc_ledger_join(relid);
	table = sc_ledger_by_relation(relid, false);
	chain = sc_chain_by_id(table->chain_id, false);
	check_chain(chain);
	rule = describe_rule(table, NameStr(*PG_GETARG_NAME(1)), NameStr(*PG_GETARG_NAME(2)), PG_GETARG_ARRAYTYPE_P(3));

	sc_time_require(relid);
	record_rule(chain, table, rule);
	CacheInvalidateRelcacheByRelid(relid);
	CommandCounterIncrement();
	make_trigger(relid);
	PG_RETURN_VOID();
}

/* takes the row apart; an error when it is not one of the table's */
static void
take_row(Relation rel, HeapTupleHeader header, Datum *values, bool *nulls)
{
	HeapTupleData tuple = {0};

	if (HeapTupleHeaderGetTypeId(header) != rel->rd_rel->reltype)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the row is not of table \"%s\"", RelationGetRelationName(rel)),
				 errdetail("Its type is %s.", format_type_be(HeapTupleHeaderGetTypeId(header))),
				 errhint("jsonb_populate_record(NULL::%s, '{...}') makes a row of the table's type.",
						 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
													RelationGetRelationName(rel)))));
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	heap_deform_tuple(&tuple, RelationGetDescr(rel), values, nulls);
}

/*
 * seoulchain.signing_payload(relation regclass, "row" record) returns text
 *
 * The text to sign for the row: the signed columns as canonical JSON
 * (docs/format.md section 12), without a newline at its end.
 * Errors: OBJECT_NOT_IN_PREREQUISITE_STATE when the table has no signature
 * rule, DATATYPE_MISMATCH when the row is not of its type.
 */
Datum
sc_signing_payload(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	const ScSigning *signing = sc_signing(rel);
	int			natts = RelationGetDescr(rel)->natts;
	Datum	   *values = palloc(sizeof(Datum) * natts);
	bool	   *nulls = palloc(sizeof(bool) * natts);
	ScBuf		payload = SC_BUF_INIT;
	text	   *volatile result = NULL;
	int			nestlevel;

	if (signing == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no signature rule", RelationGetRelationName(rel)),
				 errhint("SELECT seoulchain.require_signature(...); makes one.")));
	take_row(rel, PG_GETARG_HEAPTUPLEHEADER(1), values, nulls);
	nestlevel = sc_row_settings_begin(signing->format);
	PG_TRY();
	{
		sc_row_payload(&payload, signing->format, values, nulls, signing->mask);
		result = cstring_to_text_with_len(payload.data, payload.len);
	}
	PG_FINALLY();
	{
		sc_buf_free(&payload);
	}
	PG_END_TRY();
	sc_row_settings_end(nestlevel);
	table_close(rel, AccessShareLock);
	PG_RETURN_TEXT_P(result);
}
