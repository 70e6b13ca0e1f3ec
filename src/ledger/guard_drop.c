/*
 * guard_drop.c
 *	  The extension stays as long as there are ledger tables.
 *
 * Invariant: no command takes the extension or the access method away
 * together with ledger tables: DROP TABLE first tells the chains, and the
 * chains are the extension's.
 * Context: a transaction.
 * Effects: errors.
 */
#include "postgres.h"

#include "ledger/guard.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "ledger/registry.h"
#include "nodes/value.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

sc_extension_drop_hook_type sc_extension_drop_hook = NULL;

/* the oldest table whose access method is ledger, or InvalidOid */
static Oid
find_ledger_relation(void)
{
	Oid			am = sc_ledger_am_oid();
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	Oid			found = InvalidOid;
	HeapTuple	tuple;

	while (OidIsValid(am) && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relam == am && form->relkind == RELKIND_RELATION && (!OidIsValid(found) || form->oid < found))
			found = form->oid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

void
sc_guard_extension_drop(bool tables_dropped)
{
	Oid			relid = find_ledger_relation();

	if (!OidIsValid(relid) && !tables_dropped)
	{
		if (sc_extension_drop_hook != NULL && OidIsValid(sc_registry_relation("peer")))
			sc_extension_drop_hook();
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot drop extension seoulchain while there are ledger tables"),
			 OidIsValid(relid)
			 ? errdetail("Table \"%s.%s\" is one.", get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid))
			 : errdetail("The same command would drop ledger tables."),
			 errhint("DROP TABLE the ledger tables first; their chains keep a record of it.")));
}

void
sc_guard_drop(const DropStmt *stmt)
{
	ListCell   *cell;

	if (stmt->removeType != OBJECT_EXTENSION)
		return;
	foreach(cell, stmt->objects)
	{
		if (strcmp(strVal(lfirst(cell)), "seoulchain") == 0)
			sc_guard_extension_drop(false);
	}
}
