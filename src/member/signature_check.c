/*
 * signature_check.c
 *	  The trigger that checks a row's signature before the row is stored.
 *
 * It takes the lock of those who sign, reads the signer's keys, and checks the
 * detached JWS over the payload made of the row.  What it found is kept for
 * the access method, which compares it with the row that is stored in the end
 * (signature_guard.c).
 *
 * Locks: those of sc_member_keys_at, until the transaction ends.
 * Context: BEFORE INSERT FOR EACH ROW; memory is the row's.
 * Effects: a fact (signature_fact.h).
 * Not checked: rows that a restore brings back.
 * Source: docs/format.md section 12, RFC 7515.
 */
#include "postgres.h"

#include "member/signature_case.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "ledger/settings.h"
#include "member/signature_fact.h"
#include "member/signature_keys.h"
#include "member/signed_payload.h"
#include "sign/profile.h"
#include "utils/builtins.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(sc_check_signature);

static ScBuf payload_buf = SC_BUF_INIT;

/* what was parsed last: the rows of a statement often have one header */
static ScJws parsed;
static char header[SC_JWS_HEADER_MAX * 4 / 3 + 4];

void
sc_case_payload(const ScSignatureCase *c, const bool *mask, ScBuf *payload)
{
	int			nestlevel = sc_row_settings_begin(c->signing->format);

	sc_row_payload(payload, c->signing->format, c->values, c->nulls, mask);
	sc_row_settings_end(nestlevel);
}

bool
sc_case_verifies(ScSignatureCase *c, const ScKeyAt *key, const ScBuf *payload)
{
	c->reason = sc_jws_verify(&c->jws, sc_key_verifier(key), SC_JWS_TYP_ROW, payload->data, payload->len);
	return c->reason == SC_JWS_OK;
}

/* a text column's bytes, or NULL */
static char *
text_value(const ScSignatureCase *c, AttrNumber attno, int *len)
{
	text	   *value;

	if (c->nulls[attno - 1])
		return NULL;
	value = DatumGetTextPP(c->values[attno - 1]);
	*len = VARSIZE_ANY_EXHDR(value);
	return VARDATA_ANY(value);
}

/* the good key that signed the row, or NULL */
static const ScKeyAt *
find_key(ScSignatureCase *c)
{
	ListCell   *cell;

	if (!sc_profile_allows(sc_sign_profile(), c->jws.kind))
		return NULL;
	foreach(cell, c->keys)
	{
		const ScKeyAt *key = lfirst(cell);

		if (key->state == SC_KEY_GOOD && key->kind == c->jws.kind && sc_key_at_is_meant(key, &c->jws) &&
			sc_case_verifies(c, key, c->payload))
			return key;
	}
	return NULL;
}

/* takes the signature apart */
static void
parse_signature(ScSignatureCase *c)
{
	ScJwsReason reason;

	c->jws = parsed;
	reason = sc_jws_parse_next(&c->jws, c->signature, c->signaturelen);
	if (reason != SC_JWS_OK)
		sc_refuse_malformed(c, reason);
	if (c->jws.header64len == parsed.header64len && memcmp(c->jws.header64, header, parsed.header64len) == 0)
		return;
	parsed = c->jws;
	memcpy(header, c->jws.header64, c->jws.header64len);
	parsed.header64 = header;
}

/* checks one row; raises an error that says why it is not good */
static void
check_row(ScSignatureCase *c)
{
	const ScSigning *signing = c->signing;
	const ScKeyAt *key;
	ScHash		digest;
	char	   *signer;
	int			signerlen;
	bool		known;

	signer = text_value(c, signing->signer, &signerlen);
	if (signer == NULL)
		sc_refuse_unsigned(c->rel, signing->rule->signer, true);
	c->signer = pnstrdup(signer, signerlen);
	c->signature = text_value(c, signing->signature, &c->signaturelen);
	if (c->signature == NULL)
		sc_refuse_unsigned(c->rel, signing->rule->signature, false);
	parse_signature(c);

	sc_case_payload(c, signing->mask, &payload_buf);
	c->payload = &payload_buf;
	known = sc_signer_keys_known(signing->chain_id, c->signer, signing->rule->table_id);
	c->keys = sc_signer_keys(signing->chain_id, c->signer, signing->rule->table_id, false);
	key = find_key(c);
	if (key == NULL && known)
	{
		c->keys = sc_signer_keys(signing->chain_id, c->signer, signing->rule->table_id, true);
		key = find_key(c);
	}
	if (key == NULL)
		sc_refuse_signature(c);
	sc_payload_digest(&digest, signer, signerlen, payload_buf.data, payload_buf.len);
	sc_fact_add(RelationGetRelid(c->rel), c->signature, c->signaturelen, &digest, key->from, key->until, key->key);
}

/* errors unless it is called as the trigger that require_signature() makes */
static void
check_call(FunctionCallInfo fcinfo)
{
	const TriggerData *data = (const TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) || !TRIGGER_FIRED_BY_INSERT(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function seoulchain.%s() is a trigger for BEFORE INSERT FOR EACH ROW", SC_SIGNATURE_FUNCTION),
				 errhint("SELECT seoulchain.require_signature(...); makes the trigger.")));
}

/*
 * seoulchain.check_signature() returns trigger
 *
 * Errors: INTEGRITY_CONSTRAINT_VIOLATION, NOT_NULL_VIOLATION with the reason
 * why the row was refused.
 */
Datum
sc_check_signature(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	ScSignatureCase c = {0};

	check_call(fcinfo);
	if (sc_restore)
		return PointerGetDatum(data->tg_trigtuple);
	c.rel = data->tg_relation;
	c.signing = sc_signing(c.rel);
	if (c.signing == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no signature rule", RelationGetRelationName(c.rel)),
				 errhint("SELECT seoulchain.require_signature(...); makes one, and this trigger.")));
	slot_getallattrs(data->tg_trigslot);
	c.values = data->tg_trigslot->tts_values;
	c.nulls = data->tg_trigslot->tts_isnull;
	check_row(&c);
	return PointerGetDatum(data->tg_trigtuple);
}
