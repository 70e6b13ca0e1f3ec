/*
 * signature_verdict.c
 *	  signature_verdict and verify_signatures: every signature checked again, from the stored rows.
 *
 * Invariant: a row is passed over only if no rule binds it, or if its
 * signature verifies and its key was in force; whatever cannot be read is told.
 * Locks: AccessShareLock on the tables.
 * Context: one row is read by those who may SELECT it; all rows by auditors.
 * Memory: one row's at a time; what is found goes to a tuplestore.
 * Does not compare rows with their leaves, nor signed_payload: verify() does.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/row.h"
#include "miscadmin.h"
#include "proof/datum.h"
#include "proof/guard.h"
#include "proof/locate.h"
#include "proof/progress.h"
#include "proof/scan.h"
#include "proof/signed_row.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_signature_verdict);
PG_FUNCTION_INFO_V1(sc_verify_signatures);

#define VERDICT_NATTS 13

/* one table's pass */
typedef struct SignaturePass
{
	ScSignedTable *t;
	ScRowFormat *format;
	AttrNumber	seq_attno;
	int			nchecks;
	ScDatumCheck *checks;
	ReturnSetInfo *result;
	MemoryContext row_context;
} SignaturePass;

static void
put_text(Datum *value, bool *null, const char *text)
{
	*null = text == NULL;
	*value = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static void
put_seq(Datum *value, bool *null, int64 seq)
{
	*null = seq == 0;
	*value = Int64GetDatum(seq);
}

static void
put_time(Datum *value, bool *null, TimestampTz time, bool there)
{
	*null = !there;
	*value = TimestampTzGetDatum(time);
}

/* the columns that both functions give, in the order of sql/45_signature_verdict.sql */
static void
verdict_values(const ScSignedRow *row, Datum *values, bool *nulls)
{
	const char *text = sc_reason_text(row->ruling.reason);

	put_text(&values[0], &nulls[0], sc_answer_text(row->ruling.answer));
	put_text(&values[1], &nulls[1], sc_reason_code(row->ruling.reason));
	put_text(&values[2], &nulls[2], row->detail ? psprintf("%s: %s", text, row->detail) : text);
	put_text(&values[3], &nulls[3], row->signer);
	put_text(&values[4], &nulls[4], row->key ? row->owner->life->member : NULL);
	put_text(&values[5], &nulls[5], row->key ? row->key->key : NULL);
	put_seq(&values[6], &nulls[6], row->key ? row->key->seq : 0);
	put_time(&values[7], &nulls[7], row->key ? row->key->time : 0, row->key != NULL);
	put_time(&values[8], &nulls[8], row->accepted_at, row->signing && row->accepted_at != DT_NOBEGIN);
	put_time(&values[9], &nulls[9], row->ended_at, row->end_seq != 0);
	put_seq(&values[10], &nulls[10], row->end_seq);
	put_time(&values[11], &nulls[11], row->compromised_since, row->compromised_since != DT_NOEND);
	put_time(&values[12], &nulls[12], row->seen_by, row->seen_by != DT_NOEND);
}

/*
 * seoulchain.signature_verdict(relation regclass, ledger_seq bigint) returns record
 *
 * Who signed the row, and was the key valid then?  Privileges: whoever may
 * SELECT the row.  Errors: no such row.
 */
Datum
sc_signature_verdict(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = RegisterSnapshot(GetActiveSnapshot());
	ScRowPlace	place;
	ScSignedTable *t;
	ScSignedRow row;
	TupleDesc	tupdesc;
	Datum		values[VERDICT_NATTS];
	bool		nulls[VERDICT_NATTS];
	int			nestlevel;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	sc_row_locate(&place, PG_GETARG_OID(0), PG_GETARG_INT64(1), snapshot);
	slot_getallattrs(place.slot);
	t = sc_signed_table(place.rel, place.table, snapshot);
	nestlevel = sc_row_settings_begin(sc_row_format(place.rel));
	PG_TRY();
	{
		sc_signed_row_judge(&row, t, place.slot->tts_values, place.slot->tts_isnull, place.ledger_seq);
	}
	PG_CATCH();
	{
		sc_buf_free(&t->payload);
		PG_RE_THROW();
	}
	PG_END_TRY();
	sc_row_settings_end(nestlevel);
	verdict_values(&row, values, nulls);
	sc_signed_table_free(t);
	sc_row_done(&place);
	UnregisterSnapshot(snapshot);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/* tells of a row that is not plainly valid */
static void
emit(SignaturePass *pass, const ScSignedRow *row)
{
	Datum		values[VERDICT_NATTS + 2];
	bool		nulls[VERDICT_NATTS + 2] = {false};

	values[0] = ObjectIdGetDatum(RelationGetRelid(pass->t->rel));
	put_seq(&values[1], &nulls[1], row->ledger_seq);
	verdict_values(row, values + 2, nulls + 2);
	tuplestore_putvalues(pass->result->setResult, pass->result->setDesc, values, nulls);
}

/* a row, or a page (ledger_seq 0), that cannot be read */
static void
emit_unreadable(SignaturePass *pass, int64 ledger_seq, const char *message)
{
	ScSignedRow row = {0};

	row.ledger_seq = ledger_seq;
	row.ruling = sc_verdict_for(SC_REASON_NOT_SHOWN);
	row.detail = psprintf("what is stored cannot be read (%s); verify() tells more", message);
	row.compromised_since = DT_NOEND;
	row.seen_by = DT_NOEND;
	emit(pass, &row);
}

/* whether every value can be looked at */
static bool
values_ok(SignaturePass *pass, ScScan *scan)
{
	for (int i = 0; i < pass->nchecks; i++)
	{
		const ScDatumCheck *check = &pass->checks[i];

		if (!scan->nulls[check->index] && !sc_datum_ok(check->typid, &scan->values[check->index]))
			return false;
	}
	return true;
}

/* one row of the snapshot; a row without a number is verify()'s to name */
static void
judge_row(void *arg, ScScan *scan)
{
	SignaturePass *pass = arg;
	ScSignedRow row;
	int64		ledger_seq;

	CHECK_FOR_INTERRUPTS();
	if (scan->state == SC_TUPLE_OWN || scan->ghost || scan->nulls[pass->seq_attno - 1])
		return;
	ledger_seq = DatumGetInt64(scan->values[pass->seq_attno - 1]);
	if (ledger_seq <= ((const ScSigning *) linitial(pass->t->rules))->rule->rule_seq)
		return;
	if (!values_ok(pass, scan))
	{
		emit_unreadable(pass, ledger_seq, "damaged value");
		return;
	}
	sc_signed_row_judge(&row, pass->t, scan->values, scan->nulls, ledger_seq);
	if (row.ruling.answer != SC_ANSWER_VALID)
		emit(pass, &row);
}

static void
judge_damage(void *arg, ScScan *scan, ScScanFault kind, const char *message)
{
	SignaturePass *pass = arg;
	bool		known = kind != SC_SCAN_BAD_PAGE && scan->deformed && !scan->nulls[pass->seq_attno - 1];

	emit_unreadable(pass, known ? DatumGetInt64(scan->values[pass->seq_attno - 1]) : 0,
					kind == SC_SCAN_BAD_PAGE ? psprintf("block %u", scan->block) : message ? message : "damaged tuple");
}

static void
page_done(void *arg, ScScan *scan)
{
	sc_progress_done(scan->block + 1);
}

/* every row of one table that has a rule */
static void
verify_table(ReturnSetInfo *result, const ScLedgerTable *table, Snapshot snapshot)
{
	static const ScScanCallbacks callbacks = {judge_row, judge_damage, page_done};
	Relation	rel = try_relation_open(table->relation, AccessShareLock);
	SignaturePass pass = {.result = result};
	int			nestlevel;

	if (rel == NULL)
		return;
	pass.t = rel->rd_rel->relkind == RELKIND_RELATION ? sc_signed_table(rel, table, snapshot) : NULL;
	if (pass.t && pass.t->rules != NIL)
	{
		pass.format = sc_row_format_copy(rel, pass.t->context);
		pass.seq_attno = sc_row_format_seq_attno(pass.format);
		pass.nchecks = sc_datum_checks(&pass.checks, RelationGetDescr(rel));
		sc_progress_phase(SC_PHASE_ROWS, RelationGetRelid(rel), RelationGetNumberOfBlocks(rel));
		nestlevel = sc_row_settings_begin(pass.format);
		PG_TRY();
		{
			sc_scan_run(rel, snapshot, &callbacks, &pass);
		}
		PG_CATCH();
		{
			sc_buf_free(&pass.t->payload);
			PG_RE_THROW();
		}
		PG_END_TRY();
		sc_row_settings_end(nestlevel);
	}
	if (pass.t)
		sc_signed_table_free(pass.t);
	relation_close(rel, NoLock);
}

/*
 * seoulchain.verify_signatures(relation regclass DEFAULT NULL) returns setof record
 *
 * Every row under a signature rule whose signature is not plainly valid; no
 * row means that all are.  Privileges: seoulchain_auditor, superusers.
 */
Datum
sc_verify_signatures(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Snapshot	snapshot;
	List	   *tables;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	tables = PG_ARGISNULL(0) ? sc_ledger_list(-1) : list_make1(sc_ledger_by_relation(PG_GETARG_OID(0), false));
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	sc_progress_begin();
	PG_TRY();
	{
		foreach(cell, tables)
		{
			const ScLedgerTable *table = lfirst(cell);

			if (table->dropped_seq == 0)
				verify_table(result, table, snapshot);
		}
	}
	PG_FINALLY();
	{
		sc_progress_end();
	}
	PG_END_TRY();
	UnregisterSnapshot(snapshot);
	PG_RETURN_NULL();
}
