/*
 * approve.c
 *	  A member approves that a version comes into force, or that it ends.
 *
 * Invariant: an approval that is recorded was signed by a key that was good
 * for the member at that moment, over the whole definition and the digests of
 * its rules' sources; nobody else's word is recorded.
 * Locks: sc_contract_lock(); the member's lock, shared, so that a key that is
 * being revoked is judged after its revocation.
 * Effects: an event leaf, a row in contract_approval.
 */
#include "postgres.h"

#include "compat.h"
#include "contract/event.h"
#include "contract/json_tree.h"
#include "contract/life.h"
#include "contract/memory.h"
#include "fmgr.h"
#include "ledger/settings.h"
#include "member/lookup.h"
#include "sign/jws.h"
#include "sign/profile.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_approval_payload);
PG_FUNCTION_INFO_V1(sc_approve_contract);

#define APPROVAL_TYP "seoulchain-contract+jws"

/* what a member signs: {"action":..,"chain":..,"contract":..,"definition":..,"rules":[..],"version":..} */
static char *
payload(const ScChain *chain, const ScContract *contract, const ScContractVersion *version, const char *action)
{
	const ScJson *event = sc_contract_event_find(chain, version->proposed_seq);
	const ScJson *rules = sc_json_member(event, "rules");
	ScBuf	   *rules_text = sc_context_buf();
	ScBuf	   *buf = sc_context_buf();

	if (rules == NULL)
		elog(ERROR, "event %lld does not propose a contract", (long long) version->proposed_seq);
	sc_tree_write(rules_text, rules);
	sc_buf_literal(buf, "{\"action\":");
	sc_json_string(buf, action, strlen(action));
	sc_buf_literal(buf, ",\"chain\":");
	sc_json_string(buf, chain->origin, strlen(chain->origin));
	sc_buf_literal(buf, ",\"contract\":");
	sc_json_string(buf, contract->name, strlen(contract->name));
	sc_buf_literal(buf, ",\"definition\":");
	sc_json_string(buf, version->definition, strlen(version->definition));
	sc_buf_literal(buf, ",\"rules\":");
	sc_buf_string(buf, sc_buf_copy(rules_text));
	sc_buf_literal(buf, ",\"version\":\"");
	sc_buf_int64(buf, version->version);
	sc_buf_literal(buf, "\"}");
	return sc_buf_copy(buf);
}

static void
require_action(const char *action)
{
	if (strcmp(action, "activate") != 0 && strcmp(action, "retire") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is nothing to approve", action),
				 errhint("activate or retire.")));
}

/*
 * seoulchain.approval_payload(contract text, version integer, action text DEFAULT 'activate',
 *							   chain text DEFAULT 'main') -> text
 *
 * The text whose detached JWS approve_contract() takes.  Privileges: PUBLIC.
 */
Datum
sc_approval_payload(PG_FUNCTION_ARGS)
{
	char	   *action = text_to_cstring(PG_GETARG_TEXT_PP(2));
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(3)), false);
	ScContract *contract = sc_contract_by_name(chain->chain_id, text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	ScContractVersion *version = sc_version_require(contract, sc_contract_versions(contract->contract_id),
													PG_GETARG_INT32(1));

	require_action(action);
	PG_RETURN_TEXT_P(cstring_to_text(payload(chain, contract, version, action)));
}

/* is there still something to approve? */
static void
require_open_question(const ScContract *contract, const ScContractVersion *version, const char *action)
{
	bool		activate = strcmp(action, "activate") == 0;

	if (activate && version->activated_seq != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("version %d of contract \"%s\" has been activated already", version->version, contract->name)));
	if (!activate && (version->activated_seq == 0 || version->ended_seq != 0))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 version->ended_seq != 0 ?
				 errmsg("version %d of contract \"%s\" has an end already", version->version, contract->name) :
				 errmsg("version %d of contract \"%s\" has never been activated", version->version, contract->name)));
}

static bool
names_member(const ScContractVersion *version, const char *member)
{
	ListCell   *cell;

	if (version == NULL)
		return false;
	foreach(cell, sc_definition_parse(version->definition)->members)
		if (strcmp(lfirst(cell), member) == 0)
			return true;
	return false;
}

/* does the member have a say, and has it not said it yet? */
static void
require_voice(const ScContract *contract, const List *versions, const ScContractVersion *version, const char *action,
			  const char *member)
{
	ListCell   *cell;

	if (!names_member(version, member) && !names_member(sc_version_last(versions), member))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("member \"%s\" is not asked to approve contract \"%s\", version %d",
						member, contract->name, version->version),
				 errhint("The members that \"approval\" names in this version, and in the one activated last, are asked.")));
	foreach(cell, sc_contract_approvals(contract->contract_id))
	{
		const ScContractApproval *approval = lfirst(cell);

		if (approval->version == version->version && strcmp(approval->action, action) == 0 &&
			strcmp(approval->member, member) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("member \"%s\" has approved that already", member),
					 errdetail("It is event %lld.", (long long) approval->approved_seq)));
	}
}

static void release_verifier(void *arg);

/* does the key bear the signature out? */
static ScJwsReason
check_key(const ScKeyAt *key, const ScJws *jws, const char *text)
{
	ScVerifier **verifier = palloc0(sizeof(ScVerifier *));

	sc_context_release(release_verifier, verifier);
	if (sc_verifier_open(verifier, key->spki, key->spkilen) != SC_OK)
		return SC_JWS_INTERNAL;
	return sc_jws_verify(jws, *verifier, APPROVAL_TYP, text, strlen(text));
}

static void
release_verifier(void *arg)
{
	ScVerifier **verifier = arg;

	if (*verifier != NULL)
		sc_verifier_close(*verifier);
}

static void refuse_signature(const char *member, const char *why, const char *hint) SC_NORETURN;

static void
refuse_signature(const char *member, const char *why, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the signature is not an approval by member \"%s\"", member),
			 errdetail("%s", why),
			 hint ? errhint("%s", hint) : 0));
}

/* the key that made the signature and was good; an error that says why there is none */
static const ScKeyAt *
require_signature(const ScChain *chain, const char *member, const char *signature, const char *text)
{
	ScJws	   *jws = palloc(sizeof(ScJws));
	ScJwsReason reason = sc_jws_parse(jws, signature, strlen(signature));
	const char *why = "The member has no key that its header means.";
	ListCell   *cell;

	if (reason != SC_JWS_OK)
		refuse_signature(member, psprintf("It is no detached JWS: %s.", sc_jws_reason_text(reason)), NULL);
	if (!sc_profile_allows(sc_sign_profile(), jws->kind))
		refuse_signature(member, psprintf("seoulchain.sign_profile does not allow %s.", sc_profile_algorithm(jws->kind)), NULL);
	sc_member_lock(chain->chain_id, member, false);
	foreach(cell, sc_member_keys_at(chain->chain_id, member, 0, GetCurrentTimestamp(), NULL))
	{
		const ScKeyAt *key = lfirst(cell);

		if (!sc_key_at_is_meant(key, jws))
			continue;
		reason = check_key(key, jws, text);
		if (reason == SC_JWS_OK && key->state == SC_KEY_GOOD)
			return key;
		why = reason == SC_JWS_OK ?
			psprintf("Key \"%s\" signed it, but was %s.", key->key, sc_key_at_fault(key)) :
			psprintf("Key \"%s\": %s.", key->key, sc_jws_reason_text(reason));
	}
	refuse_signature(member, why, "Sign seoulchain.approval_payload() byte for byte; the header's typ is " APPROVAL_TYP ".");
}

static int64
record(const ScChain *chain, const ScContract *contract, const ScContractApproval *approval, const char *key)
{
	ScJson	   *event = sc_contract_event("approve", contract->name, approval->version);

	sc_tree_add(event, "key", sc_tree_string(key));
	sc_tree_add(event, "member", sc_tree_string(approval->member));
	sc_tree_add(event, "signature", sc_tree_string(approval->signature));
	sc_tree_add(event, "what", sc_tree_string(approval->action));
	return sc_contract_event_record(chain, event);
}

/*
 * seoulchain.approve_contract(contract text, version integer, member text, signature text,
 *							   action text DEFAULT 'activate', chain text DEFAULT 'main') -> void
 *
 * Records a member's approval.  Privileges: seoulchain_operator (who only
 * carries the signature).  Errors: INVALID_PARAMETER_VALUE (bad signature,
 * not asked), DUPLICATE_OBJECT, OBJECT_NOT_IN_PREREQUISITE_STATE.
 */
Datum
sc_approve_contract(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(5)), false);
	ScContractApproval approval = {0};
	ScContractVersion *version;
	ScContract *contract;
	List	   *versions;
	const ScKeyAt *key;

	approval.version = PG_GETARG_INT32(1);
	approval.member = text_to_cstring(PG_GETARG_TEXT_PP(2));
	approval.signature = text_to_cstring(PG_GETARG_TEXT_PP(3));
	approval.action = text_to_cstring(PG_GETARG_TEXT_PP(4));
	require_action(approval.action);
	sc_chain_require_open(chain);
	sc_contract_lock();
	contract = sc_contract_by_name(chain->chain_id, text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	versions = sc_contract_versions(contract->contract_id);
	version = sc_version_require(contract, versions, approval.version);
	require_open_question(contract, version, approval.action);
	require_voice(contract, versions, version, approval.action, approval.member);

	key = require_signature(chain, approval.member, approval.signature,
							payload(chain, contract, version, approval.action));
	approval.approved_seq = record(chain, contract, &approval, key->key);
	sc_contract_add_approval(contract->contract_id, &approval);
	PG_RETURN_VOID();
}
