/*
 * guard_copy.c
 *	  COPY ... FROM without a column list leaves the ledger's own columns out.
 *
 * Invariant: a file written for the application's own columns loads, whether
 * the table is a ledger or not.
 * Locks: RowExclusiveLock on the target, as COPY FROM itself.
 * Effects: changes the guard's copy of the statement; an error for the new
 * storage of a table that is being rewritten, which has a name meanwhile.
 * Does not: refuse a column list that names them; the access method
 * refuses the values.
 */
#include "postgres.h"

#include "ledger/guard.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "ledger/ledger_seq.h"
#include "ledger/own_column.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "ledger/settings.h"
#include "nodes/value.h"
#include "utils/rel.h"

/* the columns that COPY FROM would fill, without the ledger's own */
static List *
column_list(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *names = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && !att->attgenerated && !sc_own_column(NameStr(att->attname)))
			names = lappend(names, makeString(pstrdup(NameStr(att->attname))));
	}
	return names;
}

void
sc_guard_copy(CopyStmt *stmt)
{
	Relation	rel;

	if (!stmt->is_from || stmt->relation == NULL)
		return;
	rel = table_openrv_extended(stmt->relation, RowExclusiveLock, true);
	if (rel == NULL)
		return;
	if (OidIsValid(rel->rd_rel->relrewrite) && sc_is_ledger_relation(RelationGetRelid(rel)))
		sc_refuse_change(rel, "COPY into the table while it is rewritten");
	if (stmt->attlist != NIL || sc_restore)
		 /* as it stands */ ;
	else if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? sc_ledger_seq_attno(rel) != InvalidAttrNumber
		: sc_is_ledger_relation(RelationGetRelid(rel)))
	{
		stmt->attlist = column_list(rel);
		sc_guard_pin(stmt->relation, RelationGetRelid(rel));
	}
	table_close(rel, NoLock);
}
