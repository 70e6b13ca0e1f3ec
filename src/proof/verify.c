/*
 * verify.c
 *	  verify(): every row, block, tree node, hash link and signature, recomputed.
 *
 * Invariant: everything is read with one snapshot (verify_load.c), so work
 * that goes on meanwhile raises no false alarm; every fault becomes a row
 * and the run never stops at the first.  Nothing is written, not even a hint
 * bit, and no code of users runs.
 * Locks: AccessShareLock on the registry and the ledger tables, to the end of
 * the transaction.  Memory: 24 bytes a block range, one bit a leaf, 16 bytes
 * a tile, a cache of tiles in maintenance_work_mem.
 * Not in parallel mode: steps run in subtransactions.
 * What it cannot find is in docs/threat-model.md.
 */
#include "postgres.h"

#include "proof/verify.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/registry.h"
#include "ledger/settings.h"
#include "miscadmin.h"
#include "proof/guard.h"
#include "proof/progress.h"
#include "proof/proof_init.h"
#include "proof/verify_rotation.h"
#include "seal/seal.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

sc_verify_state_hook_type sc_verify_state_hook = NULL;

PG_FUNCTION_INFO_V1(sc_verify);

ScVerifyChain *
sc_verify_chain(const ScVerify *v, int32 chain_id)
{
	ListCell   *cell;

	foreach(cell, v->chains)
	{
		if (((ScVerifyChain *) lfirst(cell))->chain_id == chain_id)
			return lfirst(cell);
	}
	return NULL;
}

ScVerifyTable *
sc_verify_table(const ScVerify *v, int32 table_id)
{
	ListCell   *cell;

	foreach(cell, v->tables)
	{
		if (((ScVerifyTable *) lfirst(cell))->table_id == table_id)
			return lfirst(cell);
	}
	return NULL;
}

ScVerifyTable *
sc_verify_relation(const ScVerify *v, Oid relid)
{
	ListCell   *cell;

	foreach(cell, v->tables)
	{
		if (((ScVerifyTable *) lfirst(cell))->relid == relid && OidIsValid(relid))
			return lfirst(cell);
	}
	if (v->registry_damaged)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the registry is damaged, and what is left of it does not name the relation"),
				 errhint("SELECT * FROM seoulchain.verify() tells what was damaged.")));
	(void) sc_ledger_by_relation(relid, false);	/* its error */
	elog(ERROR, "relation %u is not in the snapshot", relid);
}

bool
sc_verify_wants(const ScVerify *v, const ScVerifyChain *chain)
{
	return chain != NULL && (v->only_chain == 0 || chain->chain_id == v->only_chain);
}

ScFault
sc_verify_fault(const ScVerifyChain *chain, const char *word)
{
	ScFault		fault = {0};

	fault.fault = word;
	fault.chain_id = chain ? chain->chain_id : 0;
	fault.chain = chain ? chain->name : NULL;
	fault.leaf = SC_NONE;
	fault.ledger_seq = SC_NONE;
	fault.height = SC_NONE;
	return fault;
}

/* has the table never had a row?  A dump without rows brings such tables; they join with their first row */
static bool
never_used(Oid relid)
{
	Relation	rel = try_table_open(relid, AccessShareLock);
	bool		unused;

	if (rel == NULL)
		return true;
	unused = RelationGetNumberOfBlocks(rel) == 0;
	table_close(rel, AccessShareLock);
	return unused;
}

/* tables that use the access method but that no chain knows */
static void
find_unknown_tables(ScVerify *v)
{
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(classes, InvalidOid, false, v->snapshot, 0, NULL);
	Oid			am = sc_ledger_am_oid();
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		bool		known = false;
		ListCell   *cell;
		ScFault		fault;

		if (form->relam != am || form->relkind != RELKIND_RELATION)
			continue;
		foreach(cell, v->tables)
			known |= ((ScVerifyTable *) lfirst(cell))->relid == form->oid;
		if (known || never_used(form->oid))
			continue;
		fault = sc_verify_fault(NULL, SC_FAULT_TABLE_UNKNOWN);
		fault.relation = form->oid;
		sc_faults_add(v->faults, &fault);
	}
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
}

/* the chain that the checkpoint is of, or NULL */
static ScVerifyChain *
checkpoint_chain(const ScVerify *v)
{
	ScVerifyChain *chain = NULL;
	ListCell   *cell;

	foreach(cell, v->chains)
	{
		if (strcmp(((ScVerifyChain *) lfirst(cell))->origin, v->checkpoint.origin) == 0)
			chain = lfirst(cell);
	}
	return chain;
}

/* the checkpoint's chain; its root is compared while the tree is recomputed */
static void
check_note_chain(ScVerify *v)
{
	const ScVerifyChain *chain = checkpoint_chain(v);

	if (chain == NULL)
	{
		ScFault		fault = sc_verify_fault(NULL, SC_FAULT_CHECKPOINT_NOT_EXTENDED);

		fault.chain = v->checkpoint.origin;
		fault.expected = &v->checkpoint.root;
		fault.expectedlen = SC_HASH_LEN;
		sc_faults_add(v->faults, &fault);
		return;
	}
	if (!sc_verify_wants(v, chain))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the checkpoint is not of the relation's chain"),
				 errdetail("It is of \"%s\".", v->checkpoint.origin),
				 errhint("Leave the relation out to verify every chain.")));
}

/* the checkpoint's signature, by the key that was in force at its size */
static void
check_note(ScVerify *v)
{
	ScVerifyChain *chain = checkpoint_chain(v);
	ScNoteKeys *keys = palloc(sizeof(ScNoteKeys));
	ScFault		fault;

	if (chain == NULL)
		return;
	sc_keys_at_size(v, chain, (int64) v->checkpoint.size, keys);
	if (!sc_note_ok(keys, &v->checkpoint_note))
		fault = sc_verify_fault(chain, SC_FAULT_CHECKPOINT_SIGNATURE);
	else if (v->judge_profile && keys->expected && !sc_profile_allows_note(sc_sign_profile(), keys->keys[0].type))
		fault = sc_verify_fault(chain, SC_FAULT_CHECKPOINT_NOT_APPROVED);
	else
		return;
	sc_faults_add(v->faults, &fault);
}

ScVerify *
sc_verify_begin(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain verify",
												  ALLOCSET_DEFAULT_SIZES);
	ScVerify   *v = MemoryContextAllocZero(context, sizeof(ScVerify));

	v->context = context;
	return v;
}

/* what higher rooms have derived from the rows, once these are known to be good */
static void
verify_states(ScVerify *v)
{
	ListCell   *cell;

	if (sc_verify_state_hook == NULL || v->registry_damaged || sc_faults_count(v->faults) > 0)
		return;
	foreach(cell, v->tables)
	{
		const ScVerifyTable *table = lfirst(cell);
		const ScVerifyChain *chain = sc_verify_chain(v, table->chain_id);

		if (chain != NULL && sc_verify_wants(v, chain) && table->rel != NULL &&
			(!OidIsValid(v->only_relation) || table->relid == v->only_relation))
			sc_verify_state_hook(v, chain, table);
	}
}

/* the phases, in the order that each needs */
static void
verify_run(ScVerify *v)
{
	MemoryContext caller = MemoryContextSwitchTo(v->context);

	v->faults = sc_faults_begin();
	sc_progress_begin();
	PG_TRY();
	{
		sc_verify_load_registry(v);
		if (OidIsValid(v->only_relation))
			v->only_chain = sc_verify_relation(v, v->only_relation)->chain_id;
		if (v->has_checkpoint)
			check_note_chain(v);
		if (!OidIsValid(v->only_relation) && v->only_chain == 0)
			find_unknown_tables(v);
		sc_verify_load_tiles(v);
		sc_verify_blocks(v);
		if (v->has_checkpoint)
			check_note(v);
		sc_verify_load_journal(v);
		sc_verify_sequences(v);
		sc_verify_events(v);
		sc_verify_rows(v);
		sc_verify_payloads(v);
		sc_verify_left(v);
		verify_states(v);
	}
	PG_FINALLY();
	{
		sc_progress_end();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
}

void
sc_verify_end(ScVerify *v)
{
	ListCell   *cell;

	foreach(cell, v->tables)
	{
		ScVerifyTable *table = lfirst(cell);

		if (table->rel)
			relation_close(table->rel, NoLock);
	}
	if (v->tree)
	{
		sc_page_free(&v->tree_copy);
		table_close(v->tree, NoLock);
	}
	for (int copied = 0; copied < SC_JOURNALS; copied++)
	{
		if (v->journals[copied] == NULL)
			continue;
		sc_page_free(&v->journal_pages[copied]);
		table_close(v->journals[copied], NoLock);
	}
	UnregisterSnapshot(v->snapshot);
	MemoryContextDelete(v->context);
}

/*
 * seoulchain.verify(relation regclass DEFAULT NULL, checkpoint text DEFAULT NULL) returns setof seoulchain.fault
 *
 * Every fault of every chain, or of one table and its chain's blocks and
 * tree; no row means intact.  A checkpoint that the caller kept is compared
 * with the present tree.  Privileges: seoulchain_auditor, superusers.
 */
Datum
sc_verify(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ScVerify   *v;

	InitMaterializedSRF(fcinfo, 0);
	v = sc_verify_begin();
	v->judge_profile = true;
	if (!PG_ARGISNULL(0))
		v->only_relation = PG_GETARG_OID(0);
	v->has_checkpoint = !PG_ARGISNULL(1);
	if (v->has_checkpoint)
		sc_checkpoint_read(&v->checkpoint, &v->checkpoint_note, PG_GETARG_TEXT_PP(1));
	verify_run(v);
	sc_faults_emit(v->faults, result->setResult, result->setDesc);
	sc_verify_end(v);
	PG_RETURN_NULL();
}

void
sc_verify_into(Oid relation, int32 chain_id, const ScDamageSink *damage, Tuplestorestate *store, TupleDesc tupdesc)
{
	ScVerify   *v = sc_verify_begin();

	v->only_relation = relation;
	v->only_chain = chain_id;
	v->damage = damage;
	verify_run(v);
	sc_faults_emit(v->faults, store, tupdesc);
	sc_verify_end(v);
}

/* sc_open_chain_check_hook: a chain is opened only when nothing is wrong with it */
static void
check_chain(const ScChain *chain)
{
	ScVerify   *v = sc_verify_begin();
	int64		count;

	v->only_chain = chain->chain_id;
	v->opening = true;
	verify_run(v);
	count = sc_faults_count(v->faults);
	sc_faults_end(v->faults);
	sc_verify_end(v);
	if (count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("chain \"%s\" cannot be opened: verification found faults", chain->name),
				 errdetail("Faults found: %lld.", (long long) count),
				 errhint("SELECT * FROM seoulchain.verify() names them.")));
}

void
sc_proof_init(void)
{
	sc_progress_init();
	sc_open_chain_check_hook = check_chain;
}
