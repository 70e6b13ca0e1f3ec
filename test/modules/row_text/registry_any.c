/*
 * registry_any.c
 *	  A registry for tests: every table is a ledger table of one chain, every column has joined.
 *
 * Columns whose name begins with "later" joined at ledger_seq 2000, the others
 * at 0.  Generated columns and ledger_seq are in no leaf, as in the real one.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "ledger/registry.h"
#include "ledger/registry_column.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* the relation whose format is being built: table ids would be too short for an OID */
static Oid	current = InvalidOid;

Oid
sc_registry_relation(const char *name)
{
	return get_relname_relid(name, get_namespace_oid(SC_SCHEMA, false));
}

ScLedgerTable *
sc_ledger_by_relation(Oid relid, bool missing_ok)
{
	ScLedgerTable *ledger = palloc0(sizeof(ScLedgerTable));

	current = relid;
	ledger->table_id = 1;
	ledger->chain_id = 1;
	ledger->relation = relid;
	ledger->ledger_name = psprintf("%s.%s", get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	return ledger;
}

ScChain *
sc_chain_by_id(int32 chain_id, bool missing_ok)
{
	ScChain    *chain = palloc0(sizeof(ScChain));

	chain->chain_id = chain_id;
	chain->name = "main";
	chain->origin = "seoul.go.kr/inspector/main";
	return chain;
}

List *
sc_ledger_columns(int32 table_id)
{
	Relation	rel = table_open(current, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *columns = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		ScLedgerColumn *column;

		if (att->attisdropped || att->attgenerated || strcmp(NameStr(att->attname), SC_LEDGER_SEQ) == 0)
			continue;
		column = palloc(sizeof(ScLedgerColumn));
		column->attnum = att->attnum;
		column->column_name = column->ledger_name = pstrdup(NameStr(att->attname));
		column->joined_seq = strncmp(NameStr(att->attname), "later", 5) == 0 ? 2000 : 0;
		columns = lappend(columns, column);
	}
	table_close(rel, AccessShareLock);
	return columns;
}
