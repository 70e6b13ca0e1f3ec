/*
 * copy_drop.c
 *	  A copy that is not followed any more is dropped as a whole.
 *
 * Tables of a copy cannot be dropped one by one: what is left could not be
 * checked, and the node, following the chain again, would not know which rows
 * it has.  So tables, events, blocks and all goes, and whoever follows the
 * chain again begins anew.
 *
 * Invariant: no row of any table of the extension bears the chain's number
 * afterwards, which another chain may get.  Cosignatures and disputes stay:
 * they name the origin.  Signing memory stays too: this node never cosigns
 * another history of the chain.
 * Locks: the chain's, AccessExclusiveLock on its tables, ShareRowExclusiveLock
 * on seoulchain.chain.
 * Effects: tables dropped, rows deleted.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "contract/store.h"
#include "fmgr.h"
#include "ledger/copy.h"
#include "ledger/registry_tables.h"
#include "miscadmin.h"
#include "network/alarm.h"
#include "network/copy.h"
#include "network/link.h"
#include "network/message.h"
#include "network/subscription.h"
#include "seal/block.h"
#include "seal/internal_scan.h"
#include "seal/node.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

PG_FUNCTION_INFO_V1(sc_drop_copy);

/* the numbers under which tables of the extension have the chain's rows, by name of the column */
typedef struct Numbers
{
	const char *column;
	List	   *values;			/* of int */
} Numbers;

#define NUMBERS 4

/* how long, and how often, a chain's node is waited for that was told to stop */
#define END_WAIT_MS 30000
#define END_LOOK_MS 50

/* collects them; a table with several such columns goes by the first */
static void
collect(Numbers numbers[NUMBERS], const ScChain *chain)
{
	ListCell   *cell;
	ListCell   *rule;

	numbers[0] = (Numbers) {"chain_id", list_make1_int(chain->chain_id)};
	numbers[1] = (Numbers) {"table_id", NIL};
	numbers[2] = (Numbers) {"contract_id", NIL};
	numbers[3] = (Numbers) {"rule_id", NIL};
	foreach(cell, sc_ledger_list(chain->chain_id))
		numbers[1].values = lappend_int(numbers[1].values, ((ScLedgerTable *) lfirst(cell))->table_id);
	foreach(cell, sc_contract_list(chain->chain_id))
	{
		int32		contract_id = ((ScContract *) lfirst(cell))->contract_id;

		numbers[2].values = lappend_int(numbers[2].values, contract_id);
		foreach(rule, sc_contract_rules(contract_id))
			numbers[3].values = lappend_int(numbers[3].values, ((ScContractRule *) lfirst(rule))->rule_id);
	}
}

/* deletes the rows of a table whose column has one of the values */
static void
delete_rows(Oid relid, const Numbers *numbers)
{
	AttrNumber	attno = get_attnum(relid, numbers->column);
	Relation	rel = table_open(relid, RowExclusiveLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	bool		isnull;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		value = heap_getattr(tuple, attno, RelationGetDescr(rel), &isnull);

		CHECK_FOR_INTERRUPTS();
		if (!isnull && list_member_int(numbers->values, DatumGetInt32(value)))
			CatalogTupleDelete(rel, &tuple->t_self);
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
}

/* the tables of the extension */
static List *
extension_tables(void)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	List	   *relids = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(get_namespace_oid(SC_SCHEMA, false)));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relkind == RELKIND_RELATION)
			relids = lappend_oid(relids, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relids;
}

/* deletes what the extension's tables have of the chain */
static void
forget_rows(const ScChain *chain)
{
	Numbers		numbers[NUMBERS];
	ListCell   *cell;

	collect(numbers, chain);
	foreach(cell, extension_tables())
	{
		for (int i = 0; i < NUMBERS; i++)
		{
			if (get_attnum(lfirst_oid(cell), numbers[i].column) == InvalidAttrNumber)
				continue;
			delete_rows(lfirst_oid(cell), &numbers[i]);
			break;
		}
	}
	CommandCounterIncrement();
}

/* drops the copy's tables; what depends on them, such as views, is in the way */
static void
drop_tables(const ScChain *chain)
{
	ObjectAddresses *addresses = new_object_addresses();
	ListCell   *cell;

	foreach(cell, sc_ledger_list(chain->chain_id))
	{
		const ScLedgerTable *table = lfirst(cell);
		ObjectAddress address;

		if (!OidIsValid(table->relation) || get_rel_name(table->relation) == NULL)
			continue;
		ObjectAddressSet(address, RelationRelationId, table->relation);
		add_exact_object_address(&address, addresses);
	}
	performMultipleDeletions(addresses, DROP_RESTRICT, 0);
	free_object_addresses(addresses);
	CommandCounterIncrement();
}

/* the same with the guards told that it is meant */
static void
drop_tables_meant(const ScChain *chain)
{
	PG_TRY();
	{
		sc_copy_changing = true;
		drop_tables(chain);
	}
	PG_FINALLY();
	{
		sc_copy_changing = false;
	}
	PG_END_TRY();
}

/* has the chain's node said that no row of it is sent any more? */
static bool
has_ended(const char *origin)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	ScanKeyData keys[3];
	bool		ended;

	ScanKeyInit(&keys[0], SC_MESSAGE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(origin));
	ScanKeyInit(&keys[1], SC_MESSAGE_ATTR_KIND, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(SC_MESSAGE_PUBLISHED));
	sc_key_int8(&keys[2], SC_MESSAGE_ATTR_NUMBER, BTEqualStrategyNumber, SC_PUBLISHED_ENDED);
	sc_internal_scan_begin(&scan, "message", "message_origin", snapshot, keys, 3);
	ended = sc_internal_scan_next(&scan, ForwardScanDirection) != NULL;
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return ended;
}

/* may replication still bring rows of the chain?  A row whose table is gone would stop it for good. */
static bool
rows_may_come(const char *origin)
{
	const char *me = sc_node_name(NULL);
	char	   *node = pnstrdup(origin, strrchr(origin, '/') - origin);
	ScChain    *chain = sc_copy_by_origin(origin);

	return me != NULL && chain != NULL && sc_ledger_list(chain->chain_id) != NIL && !sc_copy_is_followed(origin) &&
		OidIsValid(sc_subscription_oid(sc_link_name(node, me))) && !has_ended(origin);
}

/* waits until no row of the chain can come; an error after half a minute */
static void
wait_for_end(const char *origin)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), END_WAIT_MS);

	while (strrchr(origin, '/') != NULL && rows_may_come(origin))
	{
		if (GetCurrentTimestamp() > end)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("rows of chain \"%s\" may still come", origin),
					 errdetail("Its node has been told that nothing more of it is wanted, and has not answered."),
					 errhint("Try again when it is reachable; if it is gone for good, seoulchain.remove_peer(...) comes first.  unfollow() has to be committed.")));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, END_LOOK_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		AcceptInvalidationMessages();
	}
}

/*
 * seoulchain.drop_copy(origin text) -> void
 *
 * Drops the tables, events and blocks of a copy that is not followed any
 * more, when its node has said that it sends no more rows of it: that is
 * waited for, half a minute at most.  Privileges: seoulchain_operator.
 * Errors: UNDEFINED_OBJECT when there is no such copy; OBJECT_IN_USE while it
 * is followed, and when its node does not answer;
 * DEPENDENT_OBJECTS_STILL_EXIST when views or the like use its tables.
 */
Datum
sc_drop_copy(PG_FUNCTION_ARGS)
{
	char	   *origin = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Relation	rel;
	ScChain    *chain;

	wait_for_end(origin);
	rel = sc_registry_open("chain", ShareRowExclusiveLock);
	chain = sc_copy_by_origin(origin);
	if (chain == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no copy of chain \"%s\"", origin),
				 errhint("SELECT name FROM seoulchain.chain WHERE copy; shows those that there are.")));
	if (sc_copy_is_followed(origin))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("chain \"%s\" is followed", origin),
				 errhint("SELECT seoulchain.unfollow(%s); comes first.", quote_literal_cstr(origin))));
	sc_chain_lock(chain->chain_id);
	drop_tables_meant(chain);
	forget_rows(chain);
	sc_alarm_forget(origin);
	/* sessions and workers keep what they know of chains until this table changes */
	CacheInvalidateRelcache(rel);
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}
