/*
 * join.c
 *	  A table joins a chain: it is registered and the chain is told.
 *
 * Invariant: a table joins in the transaction that creates it or, when a dump
 * without rows brought it, with its first row; always before a row takes a
 * number, so no row is older than its table's join event.
 * Locks: as registry_write.c; ShareRowExclusiveLock on seoulchain.chain when
 * the chain has to be made; ShareLock on enum types of its columns, so that no
 * value is renamed meanwhile.
 * Effects: registry rows, an event leaf, a relcache invalidation of the table.
 * Does not: add the column ledger_seq (guard_create.c).
 */
#include "postgres.h"

#include "ledger/join.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/extension.h"
#include "ledger/alone.h"
#include "ledger/enum_use.h"
#include "ledger/ledger_time.h"
#include "ledger/own_column.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "ledger/registry_write.h"
#include "ledger/row_types.h"
#include "ledger/settings.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* the error of a table that cannot be a ledger table */
static void
refuse_table(Relation rel, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("table \"%s\" cannot be a ledger table", RelationGetRelationName(rel)),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

/* errors unless the relation is of a kind that can be a ledger table */
static void
check_kind(Relation rel)
{
	Form_pg_class form = rel->rd_rel;

	if (form->relam != sc_ledger_am_oid())
		refuse_table(rel, "Its access method is not ledger.", "Create it USING ledger.");
	if (form->relkind == RELKIND_MATVIEW)
		refuse_table(rel, "It is a materialized view.", "Create it USING heap.");
	if (form->relkind != RELKIND_RELATION)
		refuse_table(rel, "It is not an ordinary table.", "Create an ordinary table USING ledger.");
	if (form->relpersistence == RELPERSISTENCE_TEMP)
		refuse_table(rel, "It is a temporary table.", "Create it USING heap.");
	if (form->relpersistence == RELPERSISTENCE_UNLOGGED)
		refuse_table(rel, "It is unlogged, so a crash would empty it.", "Create it without UNLOGGED, or USING heap.");
	if (OidIsValid(form->reloftype))
		refuse_table(rel, "It is a typed table.", "Create it with a list of columns, without OF.");
	if (!form->relispartition && has_superclass(RelationGetRelid(rel)))
		refuse_table(rel, "It inherits from another table.", "Use partitions, or LIKE.");
	if (creating_extension)
		refuse_table(rel, "An extension would own it: pg_dump would skip its rows and DROP EXTENSION would take it.",
					 "Create the table from a function of the extension that is called after CREATE EXTENSION.");
}

/*
 * Errors unless no row can be older than the join: the running transaction
 * created the relation, or it is empty, as pg_restore --schema-only leaves it.
 */
static void
check_new(Relation rel)
{
	if (rel->rd_createSubid != InvalidSubTransactionId || RelationGetNumberOfBlocks(rel) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" uses access method ledger but has joined no chain", RelationGetRelationName(rel)),
			 errdetail("Its rows were loaded with seoulchain.restore = on, or its row in seoulchain.ledger is gone."),
			 errhint("If it belongs to a dump, load the whole dump; else copy its rows into a new table USING ledger.")));
}

List *
sc_ledger_present_columns(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *columns = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		ScEventColumn *column;

		if (att->attisdropped || att->attgenerated || sc_own_column(NameStr(att->attname)))
			continue;
		column = palloc(sizeof(ScEventColumn));
		column->attnum = att->attnum;
		column->column_name = pstrdup(NameStr(att->attname));
		column->ledger_name = column->column_name;
		column->typeid = att->atttypid;
		column->typmod = att->atttypmod;
		columns = lappend(columns, column);
	}
	return columns;
}

void
sc_ledger_check_columns(const List *columns)
{
	ListCell   *cell;

	foreach(cell, columns)
	{
		const ScEventColumn *column = lfirst(cell);

		sc_type_check(column->typeid, column->typmod, column->column_name);
		sc_enum_lock(column->typeid);
	}
}

char *
sc_ledger_present_name(Relation rel)
{
	return psprintf("%s.%s", get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel));
}

/*
 * Chains and keys are the operator's: a table that anybody creates may begin
 * the chain that everybody joins unless told otherwise, and no other.
 */
static void
require_chain_right(const char *name)
{
	Oid			operator = get_role_oid("seoulchain_operator", true);

	if (strcmp(name, SC_DEFAULT_CHAIN) == 0 || superuser() ||
		(OidIsValid(operator) && has_privs_of_role(GetUserId(), operator)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("chain \"%s\" does not exist, and you may not create it", name),
			 errdetail("Chains are created by members of role seoulchain_operator."),
			 errhint("Let an operator call SELECT seoulchain.create_chain('%s'); or RESET seoulchain.default_chain;", name)));
}

/* the chain that new tables join; it is made when its first table comes */
static ScChain *
default_chain(void)
{
	ScChain    *chain = sc_chain_by_name(sc_default_chain, true);

	if (chain == NULL)
	{
		/* another session may be making it: look again under the lock */
		table_close(sc_registry_open("chain", ShareRowExclusiveLock), NoLock);
		chain = sc_chain_by_name(sc_default_chain, true);
	}
	if (chain == NULL)
		require_chain_right(sc_default_chain);
	if (chain == NULL)
		chain = sc_chain_create_hook(sc_default_chain);
	sc_chain_require_open(chain);
	return chain;
}

/* records the join event of a checked relation and writes its registry rows */
static void
register_table(Relation rel, List *columns)
{
	ScChain    *chain = default_chain();
	ScLedgerTable table = {0};
	ScTableName name = {get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel)};
	ScBuf		event = SC_BUF_INIT;
	ListCell   *cell;

	table.table_id = sc_registry_next_table_id();

	/* an empty table that was there before: another session's first insert may have been faster */
	if (sc_ledger_by_relation(RelationGetRelid(rel), true) != NULL)
		return;
	check_new(rel);
	table.chain_id = chain->chain_id;
	table.relation = RelationGetRelid(rel);
	table.ledger_name = sc_registry_free_name(chain->chain_id, sc_ledger_present_name(rel));

	sc_alone_table(chain);
	sc_event_join(&event, columns, table.ledger_name, &name);
	table.joined_seq = sc_event_record(chain, table.table_id, table.ledger_name, &event);
	sc_buf_free(&event);

	sc_registry_add_table(&table);
	foreach(cell, columns)
		sc_registry_add_column(table.table_id, lfirst(cell), table.joined_seq);
	/* a partition has the column from its parent */
	if (sc_time_column_there(rel))
		sc_time_announce(&table);
}

void
sc_ledger_join(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	List	   *columns;

	if (sc_ledger_by_relation(relid, true) == NULL)
	{
		sc_require_encoding();
		check_kind(rel);
		sc_own_columns_check(rel, sc_time_column_there(rel));
		columns = sc_ledger_present_columns(rel);
		sc_ledger_check_columns(columns);
		register_table(rel, columns);
		CacheInvalidateRelcacheByRelid(relid);
		CommandCounterIncrement();
	}
	table_close(rel, NoLock);
}
