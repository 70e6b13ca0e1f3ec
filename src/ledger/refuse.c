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

#include "ledger/registry.h"
#include "ledger/settings.h"
#include "miscadmin.h"
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

void
sc_refuse_change(Relation rel, const char *command)
{
	sc_refuse(RelationGetRelationName(rel), command, "Insert a correcting row.");
}

void
sc_refuse_new_storage(Relation rel)
{
	/*
	 * heap_create() asks for storage before there is a row in pg_class; every
	 * later request means that the present storage is to be thrown away.
	 */
	if (IsBinaryUpgrade || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(RelationGetRelid(rel))))
		return;
	sc_refuse_change(rel, "TRUNCATE");
}

void
sc_refuse_supplied_seq(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_GENERATED_ALWAYS),
			 errmsg("column \"%s\" of ledger table \"%s\" is filled by the ledger",
					SC_LEDGER_SEQ, RelationGetRelationName(rel)),
			 errdetail("A value was supplied for it."),
			 errhint("Leave the column out; to load a dump, run it with PGOPTIONS='-c seoulchain.restore=on'.")));
}

bool
sc_restore_allows(Oid relid)
{
	ScLedgerTable *table = sc_ledger_by_relation(relid, true);

	return table == NULL || !sc_chain_is_open(sc_chain_by_id(table->chain_id, false));
}

void
sc_restore_require(Relation rel)
{
	if (sc_restore_allows(RelationGetRelid(rel)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("ledger table \"%s\" belongs to an open chain", RelationGetRelationName(rel)),
			 errdetail("With seoulchain.restore = on, rows would be stored without being recorded."),
			 errhint("SET seoulchain.restore = off;")));
}
