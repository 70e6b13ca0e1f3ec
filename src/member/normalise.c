/*
 * normalise.c
 *	  The trigger of the members' tables: what people give becomes what is kept.
 *
 * Keys come raw, as PEM, DER or certificates and are kept as DER
 * SubjectPublicKeyInfo, so that one key has one thumbprint; certificates and
 * lists are kept as DER.  What cannot be read is refused here, with the
 * reason; whether a readable row is right is judged by check.c, which does
 * not rely on this trigger.
 *
 * Context: BEFORE INSERT FOR EACH ROW.  Effects: none but the changed row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "core/buf.h"
#include "fmgr.h"
#include "ledger/settings.h"
#include "member/check.h"
#include "member/life.h"
#include "member/tables.h"
#include "utils/builtins.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(sc_normalise_member);

/* a row under way: values by the numbers of tables.h, and where to put them back */
typedef struct Draft
{
	const ScMemberTables *tables;
	ScMemberTable table;
	ScMemberRow row;
	Datum	   *values;
	bool	   *nulls;
} Draft;

/* puts a value in */
static void
put(Draft *draft, int column, Datum value)
{
	int			at = draft->tables->t[draft->table].att[column] - 1;

	draft->values[at] = draft->row.values[column] = value;
	draft->nulls[at] = draft->row.nulls[column] = false;
}

/* a text value, "" for NULL: for messages */
static char *
text_of(const Draft *draft, int column)
{
	return draft->row.nulls[column] ? pstrdup("") : TextDatumGetCString(draft->row.values[column]);
}

/* puts a text in, or refuses another one that was supplied */
static void
put_computed(Draft *draft, int column, const char *text)
{
	if (!draft->row.nulls[column] && strcmp(text_of(draft, column), text) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the %s supplied for key \"%s\" of member \"%s\" is not that of the key",
						sc_member_column_name(SC_MT_KEY, column), text_of(draft, SC_K_KEY), text_of(draft, SC_K_MEMBER)),
				 errdetail("Supplied is \"%s\", the key has \"%s\".", text_of(draft, column), text),
				 errhint("Leave the column out; it is computed.")));
	put(draft, column, CStringGetTextDatum(text));
}

/* puts bytes in that a converter of the sign room has made, and frees the buffer */
static void
put_der(Draft *draft, int column, ScBuf *der)
{
	bytea	   *value;

	if (der->failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	value = palloc(VARHDRSZ + der->len);
	SET_VARSIZE(value, VARHDRSZ + der->len);
	memcpy(VARDATA(value), der->data, der->len);
	sc_buf_free(der);
	put(draft, column, PointerGetDatum(value));
}

/* parses what was given as a key; an error when it is none */
static ScMemberKey *
parse_key(const Draft *draft, int column)
{
	ScMemberKey *key = palloc(sizeof(ScMemberKey));
	bytea	   *given = DatumGetByteaPP(draft->row.values[column]);
	ScPubkeyReason reason = sc_pubkey_parse(key, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));

	if (reason != SC_PUBKEY_OK)
		sc_check_refuse_key(text_of(draft, SC_K_MEMBER), text_of(draft, SC_K_KEY), reason);
	return key;
}

/* brings a certificate of the column into DER, into the column certificate */
static void
put_certificate(Draft *draft, int from, int to, const char *whose)
{
	bytea	   *given = DatumGetByteaPP(draft->row.values[from]);
	ScBuf		der = SC_BUF_INIT;
	ScCertInfo	info;
	ScCertReason reason = sc_cert_describe(&info, &der, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));

	if (reason != SC_CERT_OK)
	{
		sc_buf_free(&der);
		sc_check_refuse_certificate(whose, reason);
	}
	put_der(draft, to, &der);
}

static void
normalise_key(Draft *draft)
{
	ScMemberKey *key;
	ScBuf		buf = SC_BUF_INIT;
	char	   *whose = psprintf("of key \"%s\" of member \"%s\"", text_of(draft, SC_K_KEY), text_of(draft, SC_K_MEMBER));

	if (draft->row.nulls[SC_K_PUBLIC_KEY] && draft->row.nulls[SC_K_CERTIFICATE])
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("key \"%s\" of member \"%s\" is missing", text_of(draft, SC_K_KEY), text_of(draft, SC_K_MEMBER)),
				 errhint("Give a public key, or a certificate that has one.")));
	key = parse_key(draft, draft->row.nulls[SC_K_PUBLIC_KEY] ? SC_K_CERTIFICATE : SC_K_PUBLIC_KEY);
	if (draft->row.nulls[SC_K_CERTIFICATE] && key->from_certificate)
		put_certificate(draft, SC_K_PUBLIC_KEY, SC_K_CERTIFICATE, whose);
	else if (!draft->row.nulls[SC_K_CERTIFICATE])
		put_certificate(draft, SC_K_CERTIFICATE, SC_K_CERTIFICATE, whose);
	sc_buf_append(&buf, key->spki, key->spkilen);
	put_der(draft, SC_K_PUBLIC_KEY, &buf);
	memset(&buf, 0, sizeof(buf));
	sc_buf_hex(&buf, key->thumbprint.bytes, SC_HASH_LEN);
	put_computed(draft, SC_K_THUMBPRINT, pnstrdup(buf.data, buf.len));
	sc_buf_free(&buf);
	put_computed(draft, SC_K_ALGORITHM, sc_key_algorithm(key->kind));
}

static void
normalise_crl(Draft *draft)
{
	bytea	   *given;
	ScBuf		der = SC_BUF_INIT;
	ScCertInfo	info;
	ScCertReason reason;

	if (draft->row.nulls[SC_C_CRL])
		return;
	given = DatumGetByteaPP(draft->row.values[SC_C_CRL]);
	reason = sc_crl_describe(&info, &der, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));
	if (reason != SC_CERT_OK)
	{
		sc_buf_free(&der);
		sc_check_refuse_crl(text_of(draft, SC_C_AUTHORITY), reason);
	}
	put_der(draft, SC_C_CRL, &der);
}

static void
normalise(Draft *draft)
{
	switch (draft->table)
	{
		case SC_MT_KEY:
			normalise_key(draft);
			break;
		case SC_MT_AUTHORITY:
			if (!draft->row.nulls[SC_A_CERTIFICATE])
				put_certificate(draft, SC_A_CERTIFICATE, SC_A_CERTIFICATE,
								psprintf("of authority \"%s\"", text_of(draft, SC_A_AUTHORITY)));
			break;
		case SC_MT_CRL:
			normalise_crl(draft);
			break;
		case SC_MT_MEMBER:
		case SC_MT_STATUS:
		case SC_MT_DELEGATION:
			break;
	}
}

/*
 * seoulchain.normalise_member() -> trigger
 *
 * BEFORE INSERT FOR EACH ROW on the tables of install_members().  Errors:
 * TRIGGER_PROTOCOL_VIOLATED elsewhere, INVALID_PARAMETER_VALUE for what cannot
 * be read as a key, certificate or list.
 */
Datum
sc_normalise_member(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	ScMemberTables tables;
	Draft		draft;
	int32		chain_id = 0;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		!sc_member_table_of(RelationGetRelid(trigger->tg_relation), &chain_id, &draft.table))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("normalise_member() is the trigger of the tables that install_members() makes, and of no others"),
				 errhint("DROP TRIGGER ... ON %s;", trigger && CALLED_AS_TRIGGER(fcinfo) ?
						 quote_identifier(RelationGetRelationName(trigger->tg_relation)) : "...")));
	if (sc_restore)
		return PointerGetDatum(trigger->tg_trigtuple);

	sc_member_tables_require(chain_id, &tables);
	desc = RelationGetDescr(trigger->tg_relation);
	draft.tables = &tables;
	draft.values = palloc(desc->natts * sizeof(Datum));
	draft.nulls = palloc(desc->natts * sizeof(bool));
	heap_deform_tuple(trigger->tg_trigtuple, desc, draft.values, draft.nulls);
	sc_member_row(&tables, draft.table, draft.values, draft.nulls, &draft.row);
	normalise(&draft);
	return PointerGetDatum(heap_form_tuple(desc, draft.values, draft.nulls));
}
