/*
 * signature_refuse.c
 *	  Why a signed row was refused, in words that say what to do next.
 *
 * Each refusal has its own short name behind "refused:", which programs may
 * compare.  Finding the reason may take a hundred verifications: it runs only
 * where the row is refused anyway.
 *
 * Context: the trigger and the access method's guard, in an insert.
 * Effects: none but the error.
 */
#include "postgres.h"

#include "member/signature_case.h"

#include "core/text.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "ledger/settings.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "sign/profile.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define HINT_SIGN "Sign the text that seoulchain.signing_payload() gives for the row."

/* the one form of these errors */
static void SC_NORETURN
refuse(Relation rel, int code, const char *name, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(code),
			 errmsg("row of ledger table \"%s\" refused: %s", RelationGetRelationName(rel), name),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

void
sc_refuse_unsigned(Relation rel, const char *column, bool is_signer)
{
	refuse(rel, ERRCODE_NOT_NULL_VIOLATION, is_signer ? "signer missing" : "signature missing",
		   psprintf("Column \"%s\" is NULL.", column),
		   is_signer ? "Say in it which member signs the row." : HINT_SIGN);
}

void
sc_refuse_malformed(const ScSignatureCase *c, ScJwsReason reason)
{
	const char *text = sc_jws_reason_text(reason);

	if (reason == SC_JWS_NO_MEMORY)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	refuse(c->rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, "malformed signature",
		   c->jws.refused ? psprintf("What is wrong: %s: \"%s\".", text, c->jws.refused) : psprintf("What is wrong: %s.", text),
		   "A signature is \"<protected header>..<signature>\": a JWS whose payload is left out (docs/signing.md).");
}

void
sc_refuse_used(Relation rel, const char *signer, int64 ledger_seq, int32 table_id)
{
	const char *table = NULL;
	ListCell   *cell;

	foreach(cell, sc_ledger_list(-1))
	{
		const ScLedgerTable *entry = lfirst(cell);

		if (entry->table_id == table_id)
			table = entry->ledger_name;
	}
	refuse(rel, ERRCODE_UNIQUE_VIOLATION, "payload already used",
		   psprintf("Member \"%s\" signed the same payload for the row with ledger_seq " INT64_FORMAT " of \"%s\".",
					signer, ledger_seq, table ? table : "?"),
		   "A payload counts once, however often it is signed: give one of the signed columns a nonce.");
}

void
sc_refuse_changed(Relation rel)
{
	refuse(rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, "row changed after its signature was checked",
		   "Its signer, signature or signed columns are not those that trigger \"" SC_SIGNATURE_TRIGGER "\" saw, or a trigger behind it changed members or keys.",
		   "Triggers that change them need names that sort before \"" SC_SIGNATURE_TRIGGER "\".");
}

void
sc_refuse_trigger(Relation rel, const char *what)
{
	const ScSigning *signing = sc_signing(rel);
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < sc_row_format_count(signing->format); i++)
	{
		const char *name;
		AttrNumber	attno = sc_row_format_column(signing->format, i, &name);

		if (signing->mask[i] && attno != signing->signer)
			appendStringInfo(&columns, ", %s", quote_literal_cstr(get_attname(RelationGetRelid(rel), attno, false)));
	}
	refuse(rel, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "signatures are not checked",
		   psprintf("The table takes signed rows only, and its trigger \"" SC_SIGNATURE_TRIGGER "\" %s.", what),
		   psprintf("SELECT seoulchain.require_signature(%s, %s, %s%s); puts it back.",
					sc_refuse_literal(RelationGetRelid(rel)),
					quote_literal_cstr(get_attname(RelationGetRelid(rel), signing->signer, false)),
					quote_literal_cstr(get_attname(RelationGetRelid(rel), signing->signature, false)),
					columns.data));
}

void
sc_refuse_late(Relation rel, const char *key, TimestampTz from, TimestampTz until, TimestampTz time)
{
	char	   *begin = pstrdup(timestamptz_to_str(from));
	char	   *end = pstrdup(timestamptz_to_str(until));

	refuse(rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, "key not valid any more",
		   psprintf("Key \"%s\" was good from %s until %s; the row would have been accepted at %s.",
					key, begin, end, timestamptz_to_str(time)),
		   "Sign the row with another key.");
}

/* "a", "b" */
static char *
key_names(List *keys)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, keys)
	{
		const ScKeyAt *key = lfirst(cell);

		appendStringInfo(&text, "%s\"%s\"", text.len ? ", " : "", key->key);
		if (key->delegated)
			appendStringInfo(&text, " of \"%s\"", key->member);
	}
	return text.data;
}

/* how the signature's header names a key, for a sentence */
static char *
header_key(const ScJws *jws)
{
	StringInfoData hex;

	if (jws->has_kid)
		return psprintf("kid \"%s\"", jws->kid);
	initStringInfo(&hex);
	for (int i = 0; i < SC_HASH_LEN; i++)
		appendStringInfo(&hex, "%02x", jws->x5t.bytes[i]);
	return psprintf("the certificate with SHA-256 %s", hex.data);
}

/* the 32 bytes that a kid stands for if it is a thumbprint, in hex or base64url */
static bool
thumbprint_of(const char *kid, ScHash *out)
{
	size_t		len = strlen(kid);
	size_t		outlen;

	if (len == 2 * SC_HASH_LEN)
		return sc_text_hex(out->bytes, SC_HASH_LEN, kid, len);
	return sc_text_base64url(out->bytes, SC_HASH_LEN, &outlen, kid, len) && outlen == SC_HASH_LEN;
}

/* errors when the header names a key of somebody who may not sign for the signer */
static void
check_others_key(const ScSignatureCase *c)
{
	ScHash		thumbprint;
	ScKeyAt    *key;

	if (!c->jws.has_kid || !thumbprint_of(c->jws.kid, &thumbprint))
		return;
	key = sc_member_key_by_thumbprint(c->signing->chain_id, &thumbprint, GetCurrentTimestamp(), NULL);
	if (key == NULL || strcmp(key->member, c->signer) == 0)
		return;
	refuse(c->rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, "not yours to sign",
		   psprintf("The signature names key \"%s\" of member \"%s\", who may not sign for \"%s\" in this table.",
					key->key, key->member, c->signer),
		   "The signer signs himself, or lets the other do it by a delegation.");
}

/* the signature names no key that the signer has */
static void SC_NORETURN
refuse_key(const ScSignatureCase *c)
{
	ScChain    *chain = sc_chain_by_id(c->signing->chain_id, false);

	if (!sc_member_known(c->signing->chain_id, c->signer, NULL))
		refuse(c->rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, "unknown signer",
			   psprintf("Chain \"%s\" has no member \"%s\".", chain->name, c->signer),
			   psprintf("Column \"%s\" names the member who signs; members are registered first.", c->signing->rule->signer));
	check_others_key(c);
	if (c->keys == NIL)
		refuse(c->rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, "unknown key",
			   psprintf("Member \"%s\" has no key.", c->signer),
			   "Register the member's public key first.");
	refuse(c->rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, "unknown key",
		   psprintf("The signature names %s; for member \"%s\" there are %s.",
					header_key(&c->jws), c->signer, key_names(c->keys)),
		   "Leave kid out of the header, or name a registered key.");
}

/* the name of a state in which a key is not good */
static const char *
state_name(ScKeyState state)
{
	switch (state)
	{
		case SC_KEY_NOT_YET:
			return "key not valid yet";
		case SC_KEY_SUSPENDED:
			return "key suspended";
		case SC_KEY_REVOKED:
			return "key revoked";
		case SC_KEY_REPLACED:
			return "key replaced";
		case SC_KEY_CERTIFICATE:
			return "certificate not valid";
		case SC_KEY_DELEGATION:
			return "delegation ended";
		default:
			return "key not valid";
	}
}

/* the key fits, but is not good now */
static void SC_NORETURN
refuse_state(const ScSignatureCase *c, const ScKeyAt *key)
{
	refuse(c->rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, state_name(key->state),
		   psprintf("Key \"%s\" of member \"%s\": %s.", key->key, key->member, sc_key_at_fault(key)),
		   "Sign the row with a key that is valid now.");
}

/* may the key be meant, and has it the kind that the header says? */
static bool
may_be(const ScSignatureCase *c, const ScKeyAt *key)
{
	return sc_key_at_is_meant(key, &c->jws) && key->kind == c->jws.kind;
}

/* errors when the algorithm is one that the profile does not let in */
static void
check_profile(const ScSignatureCase *c)
{
	if (sc_profile_allows(sc_sign_profile(), c->jws.kind))
		return;
	refuse(c->rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, "algorithm not approved",
		   psprintf("The signature is one of %s; seoulchain.sign_profile is \"%s\".",
					sc_profile_algorithm(c->jws.kind), sc_profile_name(sc_sign_profile())),
		   "Sign with ECDSA P-256 (ES256) or RSA-PSS (PS256).");
}

/* the names of the columns that a mask has and the row has values in */
static char *
column_names(const ScSignatureCase *c, const bool *mask)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < sc_row_format_count(c->signing->format); i++)
	{
		const char *name;

		if (!c->nulls[sc_row_format_column(c->signing->format, i, &name) - 1] && mask[i])
			appendStringInfo(&text, "%s\"%s\"", text.len ? ", " : "", name);
	}
	return text.len ? text.data : "no column";
}

/* errors when the key signed the row with these columns */
static void
try_mask(ScSignatureCase *c, const ScKeyAt *key, const bool *mask)
{
	ScBuf		payload = SC_BUF_INIT;
	bool		verifies;

	CHECK_FOR_INTERRUPTS();
	sc_case_payload(c, mask, &payload);
	verifies = sc_case_verifies(c, key, &payload);
	sc_buf_free(&payload);
	if (verifies)
		refuse(c->rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, "wrong columns",
			   psprintf("It is a signature of %s; the table wants %s.",
						column_names(c, mask), column_names(c, c->signing->mask)),
			   HINT_SIGN);
}

/* errors when the key signed other columns: all, one more, one less */
static void
try_columns(ScSignatureCase *c, const ScKeyAt *key)
{
	int			n = sc_row_format_count(c->signing->format);
	bool	   *mask = palloc(sizeof(bool) * n);
	const char *name;

	memset(mask, true, sizeof(bool) * n);
	for (int i = 0; i < n; i++)
		if (sc_row_format_column(c->signing->format, i, &name) == c->signing->signature)
			mask[i] = false;
	try_mask(c, key, mask);
	for (int i = 0; i < Min(n, 64); i++)
	{
		memcpy(mask, c->signing->mask, sizeof(bool) * n);
		mask[i] = !mask[i];
		if (sc_row_format_column(c->signing->format, i, &name) != c->signing->signature)
			try_mask(c, key, mask);
	}
}

/* errors when the key signed the payload and a newline behind it */
static void
try_newline(ScSignatureCase *c, const ScKeyAt *key)
{
	ScBuf		payload = SC_BUF_INIT;
	bool		verifies;

	sc_buf_append(&payload, c->payload->data, c->payload->len);
	sc_buf_char(&payload, '\n');
	verifies = !payload.failed && sc_case_verifies(c, key, &payload);
	sc_buf_free(&payload);
	if (verifies)
		refuse(c->rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, "bad signature",
			   "It is a signature of the payload with a newline behind it.",
			   "The payload has no newline at its end: printf '%s' writes none, echo and psql do.");
}

void
sc_refuse_signature(ScSignatureCase *c)
{
	ListCell   *cell;
	const ScKeyAt *meant = NULL;

	check_profile(c);
	foreach(cell, c->keys)
	{
		const ScKeyAt *key = lfirst(cell);

		if (!sc_key_at_is_meant(key, &c->jws))
			continue;
		if (meant == NULL || meant->kind != c->jws.kind)
			meant = key;
		if (may_be(c, key) && key->state != SC_KEY_GOOD && sc_case_verifies(c, key, c->payload))
			refuse_state(c, key);
	}
	if (meant == NULL)
		refuse_key(c);
	if (meant->kind != c->jws.kind)
		sc_refuse_malformed(c, SC_JWS_ALG_MISMATCH);
	if (!sc_case_verifies(c, meant, c->payload) && c->reason != SC_JWS_BAD_SIGNATURE)
		sc_refuse_malformed(c, c->reason);
	foreach(cell, c->keys)
	{
		ScKeyAt    *key = lfirst(cell);

		if (!may_be(c, key))
			continue;
		try_newline(c, key);
		try_columns(c, key);
	}
	refuse(c->rel, ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, "bad signature",
		   psprintf("It is not a signature of this row by %s.",
					list_length(c->keys) == 1 || c->jws.has_kid ? psprintf("key \"%s\" of member \"%s\"", meant->key, meant->member)
					: psprintf("any key that may sign for \"%s\"", c->signer)),
		   "Compare what was signed with the text that seoulchain.signing_payload() gives for the row, byte by byte.");
}
