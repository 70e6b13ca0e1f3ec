/*
 * evidence.c
 *	  evidence(): the files that show an outsider who signed a row, and whether the key was valid then.
 *
 * Invariant: everything that the ledger recorded about the signer, the key and
 * its owner is among the files, also what speaks against them, up to the
 * newest signed checkpoint; all receipts are of that checkpoint.
 * Privileges: as for receipt(), for the row and for each row of the registry.
 * Context: the active snapshot.  Writes nothing.
 */
#include "postgres.h"

#include "proof/evidence.h"

#include "fmgr.h"
#include "funcapi.h"
#include "ledger/row.h"
#include "member/authority.h"
#include "proof/leaf.h"
#include "proof/locate.h"
#include "proof/signed_row.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_evidence);

/* what of the row and its signature the files are about */
typedef struct Subject
{
	ScEvidenceFiles files;
	const ScSignedTable *t;
	const ScSignedRow *row;
	int			nstatus;
	int			ncrls;
} Subject;

static Oid
registry(const Subject *s, ScMemberTable table)
{
	return s->t->members.t[table].relid;
}

/* errors unless there is a signature by a registered key */
static void
require_key(const ScRowPlace *place, const ScSignedRow *row)
{
	if (row->signing == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("row with ledger_seq %lld of \"%s\" did not have to be signed",
						(long long) place->ledger_seq, RelationGetRelationName(place->rel)),
				 errhint("seoulchain.receipt() proves the row itself.")));
	if (row->key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("no registered key signed row with ledger_seq %lld of \"%s\"",
						(long long) place->ledger_seq, RelationGetRelationName(place->rel)),
				 errdetail_internal("%s: %s.", sc_reason_text(row->ruling.reason), row->detail),
				 errhint("SELECT * FROM seoulchain.signature_verdict(...) tells more; seoulchain.receipt() proves the row itself.")));
}

/* the row, its rule, the registry's event */
static void
put_row(Subject *s, const ScRowPlace *place)
{
	const ScSignedRow *row = s->row;
	const ScLedgerTable *last = sc_ledger_by_relation(registry(s, SC_MT_CRL), false);
	int64		event = sc_evidence_find_event(&s->files, "members", last->joined_seq);

	if (event == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the event that names the registry of members of chain \"%s\" is missing", s->files.chain->name),
				 errhint("SELECT * FROM seoulchain.verify() tells what was changed.")));
	sc_evidence_row(&s->files, "row.receipt", RelationGetRelid(place->rel), place->ledger_seq);
	sc_evidence_long_text(&s->files, "row.jws", row->signature, row->signaturelen);
	sc_evidence_event(&s->files, "rule.receipt", row->signing->rule->rule_seq);
	sc_evidence_event(&s->files, "members.receipt", event);
}

/* signer, key, and the key's owner if that is another */
static void
put_key(Subject *s)
{
	const ScSignedRow *row = s->row;
	const ScKeyRow *key = row->key;

	sc_evidence_row(&s->files, "member.receipt", registry(s, SC_MT_MEMBER), row->principal->member_seq);
	if (row->owner != row->principal)
		sc_evidence_row(&s->files, "delegate.receipt", registry(s, SC_MT_MEMBER), row->owner->member_seq);
	sc_evidence_row(&s->files, "key.receipt", registry(s, SC_MT_KEY), key->seq);
	sc_evidence_long_bytea(&s->files, "key.spki", VARDATA_ANY(key->public_key), VARSIZE_ANY_EXHDR(key->public_key));
	if (key->certificate)
		sc_evidence_long_bytea(&s->files, "key.der", VARDATA_ANY(key->certificate), VARSIZE_ANY_EXHDR(key->certificate));
}

/* what was recorded about a member as a whole, and about the key (NULL: none) */
static void
put_entries(Subject *s, const ScMemberLife *life, const char *key)
{
	ListCell   *cell;

	foreach(cell, life->entries)
	{
		const ScStatus1 *entry = lfirst(cell);

		if (entry->key && (key == NULL || strcmp(entry->key, key) != 0))
			continue;
		if (entry->action == SC_ACTION_REPLACE)
			sc_evidence_row(&s->files, "successor.receipt", registry(s, SC_MT_KEY), entry->seq);
		else
			sc_evidence_row(&s->files, psprintf("status-%d.receipt", ++s->nstatus), registry(s, SC_MT_STATUS), entry->seq);
	}
}

/* every word about the delegation, for this table */
static void
put_delegations(Subject *s)
{
	const ScSignedRow *row = s->row;
	int			n = 0;
	ListCell   *cell;

	foreach(cell, row->principal->delegations)
	{
		const ScDelegationRow *delegation = lfirst(cell);

		if (strcmp(delegation->delegate, row->owner->life->member) == 0 &&
			sc_delegation_names(delegation, s->t->table->ledger_name))
			sc_evidence_row(&s->files, psprintf("delegation-%d.receipt", ++n), registry(s, SC_MT_DELEGATION), delegation->seq);
	}
}

/* the authorities that counted at the row's time */
static void
put_authorities(Subject *s, const List *authorities)
{
	int			n = 0;
	ListCell   *cell;

	foreach(cell, authorities)
	{
		const ScAuthorityRow *authority = lfirst(cell);

		sc_evidence_row(&s->files, psprintf("authority-%d.receipt", ++n), registry(s, SC_MT_AUTHORITY), authority->seq);
		if (authority->certificate)
			sc_evidence_long_bytea(&s->files, psprintf("authority-%d.der", n), VARDATA_ANY(authority->certificate),
								   VARSIZE_ANY_EXHDR(authority->certificate));
	}
}

/* the newest list of each authority and scope, of those in `crls` */
static void
put_crls(Subject *s, const List *crls, const List *authorities, int64 *done, int *ndone)
{
	List	   *current = sc_crl_rows_current(crls, authorities);
	ListCell   *cell;

	foreach(cell, current)
	{
		const ScCrlRow *crl = lfirst(cell);
		bool		again = false;

		for (int i = 0; i < *ndone; i++)
			again = again || done[i] == crl->seq;
		if (again)
			continue;
		done[(*ndone)++] = crl->seq;
		sc_evidence_row(&s->files, psprintf("crl-%d.receipt", ++s->ncrls), registry(s, SC_MT_CRL), crl->seq);
		sc_evidence_long_bytea(&s->files, psprintf("crl-%d.der", s->ncrls), VARDATA_ANY(crl->crl), VARSIZE_ANY_EXHDR(crl->crl));
	}
}

/* authorities and lists: those of the row's time, and what is said today */
static void
put_certificate(Subject *s)
{
	const ScMemberTables *tables = &s->t->members;
	Snapshot	snapshot = s->files.snapshot;
	List	   *authorities = sc_authority_rows(tables, s->row->accepted_at, snapshot);
	List	   *then = sc_crl_rows(tables, s->row->accepted_at, snapshot);
	List	   *today = sc_crl_rows(tables, DT_NOEND - 1, snapshot);
	int64	   *done = palloc(sizeof(int64) * Max(list_length(then) + list_length(today), 1));
	int			ndone = 0;

	put_authorities(s, authorities);
	put_crls(s, then, authorities, done, &ndone);
	put_crls(s, today, authorities, done, &ndone);
}

static void
put_all(Subject *s, const ScRowPlace *place)
{
	const ScSignedRow *row = s->row;

	put_row(s, place);
	put_key(s);
	put_entries(s, row->owner->life, row->key->key);
	if (row->owner != row->principal)
	{
		put_entries(s, row->principal->life, NULL);
		put_delegations(s);
	}
	if (row->key->certificate && !TIMESTAMP_NOT_FINITE(row->accepted_at))
		put_certificate(s);
	sc_evidence_times(&s->files, place->leaf_index);
}

/*
 * seoulchain.evidence(relation regclass, ledger_seq bigint) returns setof (file text, content bytea)
 *
 * The directory that seoulchain-verify judges.  Privileges: whoever may SELECT
 * the row and the rows of the registry about its signer.  Errors: row not
 * sealed or signed, no signature asked for, no registered key made it.
 */
Datum
sc_evidence(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = RegisterSnapshot(GetActiveSnapshot());
	Subject		s = {.nstatus = 0};
	ScRowPlace	place;
	ScSignedTable *t;
	ScSignedRow row;
	int			nestlevel;

	InitMaterializedSRF(fcinfo, 0);
	sc_row_locate(&place, PG_GETARG_OID(0), PG_GETARG_INT64(1), snapshot);
	sc_row_require_sealed(&place);
	slot_getallattrs(place.slot);
	t = sc_signed_table(place.rel, place.table, snapshot);
	nestlevel = sc_row_settings_begin(sc_row_format(place.rel));
	PG_TRY();
	{
		sc_signed_row_judge(&row, t, place.slot->tts_values, place.slot->tts_isnull, place.ledger_seq);
	}
	PG_FINALLY();
	{
		sc_buf_free(&t->payload);
	}
	PG_END_TRY();
	sc_row_settings_end(nestlevel);
	require_key(&place, &row);
	s.t = t;
	s.row = &row;
	sc_evidence_begin(&s.files, (ReturnSetInfo *) fcinfo->resultinfo, place.chain, snapshot, place.leaf_index, place.ledger_seq);
	put_all(&s, &place);
	sc_signed_table_free(t);
	sc_row_done(&place);
	UnregisterSnapshot(snapshot);
	PG_RETURN_NULL();
}
