/*
 * copy.c
 *	  Who may write to copies, and the refusals of everybody else.
 *
 * Invariant: a row gets into a copy's table by the replication of the node
 * whose chain it is, or while a dump is restored; never by a session.
 * Context: the insert path and DDL hooks.
 * Effects: errors; the odd-row hook's.
 * Does not: judge rows.  A copy accepts what its origin sent; whether it is
 * what the origin signed is found when its block is integrated.
 * Source: DESIGN section 4, docs/network.md.
 */
#include "postgres.h"

#include "ledger/copy.h"

#include "ledger/refuse.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

sc_copy_writer_hook_type sc_copy_writer_hook = NULL;
sc_copy_odd_row_hook_type sc_copy_odd_row_hook = NULL;
bool		sc_copy_changing = false;

void
sc_copy_refuse_chain(const ScChain *chain)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("chain \"%s\" is a copy of another node's chain", chain->origin),
			 errdetail("It is written by replication alone."),
			 errhint("Do it on the node whose chain it is.")));
}

void
sc_copy_refuse(Oid relid, const char *command)
{
	const ScLedgerTable *table = sc_ledger_by_relation(relid, true);
	const ScChain *chain = table ? sc_chain_by_id(table->chain_id, true) : NULL;

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("ledger table \"%s\" is a copy", get_rel_name(relid)),
			 errdetail("%s was refused: the table belongs to chain \"%s\" of another node and is written by replication alone.",
					   command, chain ? chain->origin : "?"),
			 errhint("Do it on the node whose chain it is; here, plain indexes may be added and SELECT granted.")));
}

ScChain *
sc_copy_of_relation(Oid relid)
{
	const ScLedgerTable *table = sc_ledger_by_relation(relid, true);
	ScChain    *chain = table ? sc_chain_by_id(table->chain_id, true) : NULL;

	return chain != NULL && chain->copy && sc_chain_is_open(chain) ? chain : NULL;
}

bool
sc_copy_may_write(const ScChain *chain)
{
	return sc_copy_writer_hook != NULL && sc_copy_writer_hook(chain);
}

int64
sc_copy_seq(const ScTarget *target, TupleTableSlot *slot)
{
	bool		isnull;
	int64		seq = DatumGetInt64(slot_getattr(slot, target->seq_attno, &isnull));

	return isnull || seq < 0 || seq > SC_COPY_SEQ_MAX ? 0 : seq;
}

void
sc_copy_odd_row(const ScTarget *target, TupleTableSlot *slot, const char *why)
{
	bool		isnull;
	Datum		seq = slot_getattr(slot, target->seq_attno, &isnull);

	if (sc_copy_odd_row_hook != NULL)
		sc_copy_odd_row_hook(sc_chain_by_id(target->chain_id, false), sc_ledger_by_id(target->table_id),
							 isnull ? 0 : DatumGetInt64(seq), why);
}
