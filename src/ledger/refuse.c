/*
 * refuse.c
 *	  The refusals of a ledger table, in one place so that their words agree.
 *
 * Invariant: every refusal has an errcode, says which command it was in its
 * detail, and what to do instead in its hint.
 * Context: any executor or DDL path with a transaction.
 * Effects: none but the error.
 */
#include "postgres.h"

#include "ledger/refuse.h"

#include "access/table.h"
#include "ledger/registry.h"
#include "ledger/settings.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

void
sc_refuse(const char *relname, const char *command, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("ledger table \"%s\" is append-only", relname),
			 errdetail("%s was refused.", command),
			 errhint("%s", hint)));
}

char *
sc_refuse_literal(Oid relid)
{
	return quote_literal_cstr(DatumGetCString(DirectFunctionCall1(regclassout, ObjectIdGetDatum(relid))));
}

void
sc_refuse_change(Relation rel, const char *command)
{
	sc_refuse(RelationGetRelationName(rel), command, "Insert a correcting row.");
}

/* is the relation without rows, dead ones included?  The caller may not have locked it yet */
static bool
is_empty(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		empty = RelationGetNumberOfBlocks(rel) == 0;

	table_close(rel, NoLock);
	return empty;
}

void
sc_refuse_truncate(Oid relid)
{
	/* pg_restore -j truncates each table that it has created before it loads the rows */
	if (sc_restore && sc_restore_allows(relid) && is_empty(relid))
		return;
	sc_refuse(get_rel_name(relid), "TRUNCATE", "Insert correcting rows.");
}

void
sc_refuse_new_storage(Relation rel)
{
	/*
	 * heap_create() asks for storage before there is a row in pg_class; every
	 * later request means that the present storage is to be thrown away.
	 */
	if (!IsBinaryUpgrade && SearchSysCacheExists1(RELOID, ObjectIdGetDatum(RelationGetRelid(rel))))
		sc_refuse_truncate(RelationGetRelid(rel));
}

bool
sc_restore_allows(Oid relid)
{
	ScLedgerTable *table = sc_ledger_by_relation(relid, true);

	return table == NULL || !sc_chain_id_is_open(table->chain_id);
}
