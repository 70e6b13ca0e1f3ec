/*
 * verify_payload.c
 *	  Signed rows against seoulchain.signed_payload, which says what counts as used.
 *
 * The table follows from the rows, so nothing is lost with it; but a payload
 * that is not in it could be used twice, and one that is there without a row
 * could not be used at all.  rebuild_signed_payloads() mends both.
 *
 * Invariant: of each table with a signature rule every row under one has
 * exactly one entry, its own, and there are no others.
 * Memory: a few rules a table.
 */
#include "postgres.h"

#include "proof/verify.h"

#include "access/table.h"
#include "member/signature_rule.h"
#include "member/signed_payload.h"
#include "proof/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"

struct ScPayloadPass
{
	ScVerify   *v;
	ScVerifyTable *table;
	List	   *rules;			/* ScSigning *, by rule_seq */
	ScBuf		buf;
};

/* a fault of an entry, or of a row that has none */
static void
payload_fault(ScVerify *v, const ScVerifyTable *table, const char *word, int64 ledger_seq, int64 leaf, int64 height)
{
	ScFault		fault = sc_verify_fault(sc_verify_chain(v, table->chain_id), word);

	fault.relation = table->relid;
	fault.ledger_seq = ledger_seq;
	fault.leaf = leaf;
	fault.height = height;
	sc_faults_add(v->faults, &fault);
}

ScPayloadPass *
sc_verify_payload_begin(ScVerify *v, ScVerifyTable *table)
{
	MemoryContext caller = MemoryContextSwitchTo(v->context);
	List	   *rules = sc_signature_rules(table->table_id, v->snapshot);
	ScPayloadPass *pass = NULL;
	ListCell   *cell;

	table->nsigned = 0;
	if (rules != NIL)
	{
		pass = palloc0(sizeof(ScPayloadPass));
		pass->v = v;
		pass->table = table;
		foreach(cell, rules)
			pass->rules = lappend(pass->rules, sc_signing_make(table->rel, table->chain_id, lfirst(cell)));
		table->signed_from = ((const ScSignatureRule *) linitial(rules))->rule_seq;
	}
	MemoryContextSwitchTo(caller);
	return pass;
}

void
sc_verify_payload_row(ScPayloadPass *pass, const Datum *values, const bool *nulls, int64 ledger_seq, int64 leaf, int64 height)
{
	const ScSigning *signing = sc_signing_for(pass->rules, ledger_seq);
	ScHash		digest;
	int32		table_id = 0;
	int64		user;

	if (signing == NULL || !sc_signing_digest(signing, values, nulls, &pass->buf, &digest))
		return;
	user = sc_payload_user(pass->table->chain_id, &digest, pass->v->snapshot, &table_id);
	if (user == ledger_seq && table_id == pass->table->table_id)
		pass->table->nsigned++;
	else
		payload_fault(pass->v, pass->table, user == 0 ? SC_FAULT_PAYLOAD_MISSING : SC_FAULT_PAYLOAD_ALTERED,
					  ledger_seq, leaf, height);
}

void
sc_verify_payload_end(ScPayloadPass *pass)
{
	sc_buf_free(&pass->buf);
}

/* one row of seoulchain.signed_payload: could it be a row's own? */
static void
entry_row(void *arg, ScScan *scan)
{
	ScVerify   *v = arg;
	int64		ledger_seq = DatumGetInt64(scan->values[SC_PAYLOAD_ATTR_SEQ - 1]);
	ScVerifyTable *table = sc_verify_table(v, DatumGetInt32(scan->values[SC_PAYLOAD_ATTR_TABLE_ID - 1]));
	ScVerifyChain *chain = sc_verify_chain(v, DatumGetInt32(scan->values[SC_PAYLOAD_ATTR_CHAIN_ID - 1]));
	ScHash		hash;
	int64		bit;

	if (scan->state == SC_TUPLE_OWN)
		return;
	if (table == NULL || chain == NULL || table->chain_id != chain->chain_id)
	{
		ScFault		fault = sc_verify_fault(chain, SC_FAULT_PAYLOAD_ADDED);

		fault.ledger_seq = ledger_seq;
		sc_faults_add(v->faults, &fault);
		return;
	}
	/* those of tables that were dropped stay: their payloads have been used */
	if (table->rel == NULL || table->unjudged || !sc_verify_wants(v, chain) ||
		(OidIsValid(v->only_relation) && table->relid != v->only_relation))
		return;
	if (ledger_seq <= table->signed_from || table->signed_from == 0 ||
		(sc_ranges_find(chain, ledger_seq) == NULL &&
		 sc_pending_find(v, chain->chain_id, ledger_seq, &hash, &bit) == NULL))
		payload_fault(v, table, SC_FAULT_PAYLOAD_ADDED, ledger_seq, SC_NONE, SC_NONE);
	else
		table->nentries++;
}

void
sc_verify_payloads(ScVerify *v)
{
	Relation	entries = sc_verify_open(SC_SIGNED_PAYLOAD);
	ListCell   *cell;

	sc_verify_scan(v, entries, entry_row, v);
	table_close(entries, NoLock);
	foreach(cell, v->tables)
	{
		const ScVerifyTable *table = lfirst(cell);

		if (table->nentries > table->nsigned)
			payload_fault(v, table, SC_FAULT_PAYLOAD_ADDED, SC_NONE, SC_NONE, SC_NONE);
	}
}
