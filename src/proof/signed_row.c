/*
 * signed_row.c
 *	  Who signed a stored row, and was the key valid then?
 *
 * Invariant: the answer is core's (core/verdict.h), from what stands in the
 * ledger under one snapshot: seoulchain-verify comes to the same from the
 * evidence of the row.
 * Locks: AccessShareLock on what is read.
 * Context: memory of members that were read is kept for the rows that follow,
 * up to PEOPLE_MAX of them.
 * Does not ask whether the row is what was sealed: verify() does.
 */
#include "postgres.h"

#include "proof/signed_row.h"

#include "lib/stringinfo.h"
#include "member/signed_payload.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

ScSignedTable *
sc_signed_table(Relation rel, const ScLedgerTable *table, Snapshot snapshot)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain signed rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ScSignedTable *t = palloc0(sizeof(ScSignedTable));
	ListCell   *cell;

	t->rel = rel;
	t->table = table;
	t->snapshot = snapshot;
	t->context = context;
	t->seen_from = -1;
	t->time = table->time_seq > 0 ? get_attnum(RelationGetRelid(rel), SC_LEDGER_TIME) : InvalidAttrNumber;
	t->has_members = sc_member_tables(table->chain_id, &t->members);
	foreach(cell, sc_signature_rules(table->table_id, snapshot))
		t->rules = lappend(t->rules, sc_signing_make(rel, table->chain_id, lfirst(cell)));
	MemoryContextSwitchTo(old);
	return t;
}

void
sc_signed_table_free(ScSignedTable *t)
{
	sc_buf_free(&t->payload);
	MemoryContextDelete(t->context);
}

/* an earlier row of the chain says the same of the same signer */
static void
judge_use(ScSignedRow *row, ScSignedTable *t)
{
	ScHash		digest;
	int32		table_id;
	int64		user;

	if (row->ruling.answer == SC_ANSWER_INVALID)
		return;
	sc_payload_digest(&digest, row->signer, strlen(row->signer), t->payload.data, t->payload.len);
	user = sc_payload_user(t->table->chain_id, &digest, t->snapshot, &table_id);
	if (user == 0 || user >= row->ledger_seq)
		return;
	row->ruling = sc_verdict_for(SC_REASON_USED);
	row->detail = psprintf("row with ledger_seq %lld", (long long) user);
}

void
sc_signed_row_judge(ScSignedRow *out, ScSignedTable *t, const Datum *values, const bool *nulls, int64 ledger_seq)
{
	memset(out, 0, sizeof(*out));
	out->ledger_seq = ledger_seq;
	out->compromised_since = DT_NOEND;
	out->seen_by = DT_NOEND;
	out->signing = sc_signing_for(t->rules, ledger_seq);
	if (out->signing == NULL)
	{
		out->ruling = sc_verdict_for(SC_REASON_BEFORE_RULE);
		return;
	}
	out->accepted_at = t->time == InvalidAttrNumber || nulls[t->time - 1] || ledger_seq <= t->table->time_seq ?
		DT_NOBEGIN : DatumGetTimestampTz(values[t->time - 1]);
	if (!sc_signed_row_find_key(out, t, values, nulls))
		return;
	sc_signed_row_rule(out, t);
	judge_use(out, t);
}
