/*
 * check_key.c
 *	  Whether a key may be registered.
 *
 * Invariant: a key (by its thumbprint) belongs to one member under one name
 * for ever; its stored form is the one form that sc_pubkey_parse makes; a
 * certificate was good when it was registered.
 * Effects: none.
 */
#include "postgres.h"

#include "core/text.h"
#include "ledger/settings.h"
#include "member/authority.h"
#include "member/check.h"
#include "sign/profile.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* the row taken apart, every column known to be in the kept form */
static ScKeyRow *
checked_row(const ScCheck *check, const char *member, const char *key)
{
	ScMemberKey material;
	ScKeyRow   *row;
	ScPubkeyReason reason;
	bytea	   *public_key;
	const int	required[] = {SC_K_ALGORITHM, SC_K_PUBLIC_KEY, SC_K_THUMBPRINT};

	for (size_t i = 0; i < lengthof(required); i++)
		if (check->row->nulls[required[i]])
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("the column \"%s\" of \"key\" is missing", sc_member_column_name(SC_MT_KEY, required[i])),
					 errhint("The table's trigger fills it in: ALTER TABLE ... ENABLE ALWAYS TRIGGER seoulchain_member;")));
	public_key = DatumGetByteaPP(check->row->values[SC_K_PUBLIC_KEY]);
	reason = sc_pubkey_parse(&material, VARDATA_ANY(public_key), VARSIZE_ANY_EXHDR(public_key));
	if (reason != SC_PUBKEY_OK)
		sc_check_refuse_key(member, key, reason);
	row = sc_key_row(check->row);
	if (material.spkilen != VARSIZE(row->public_key) - VARHDRSZ ||
		memcmp(material.spki, VARDATA(row->public_key), material.spkilen) != 0 || material.kind != row->kind ||
		memcmp(&material.thumbprint, &row->thumbprint, sizeof(ScHash)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key \"%s\" of member \"%s\" is not in the form in which keys are kept", key, member),
				 errdetail("public_key has to be DER SubjectPublicKeyInfo, algorithm and thumbprint those of the key."),
				 errhint("The table's trigger brings it into that form: ALTER TABLE ... ENABLE ALWAYS TRIGGER seoulchain_member;")));
	return row;
}

/* the hash that names the key in messages and in the index */
static char *
thumbprint_text(const ScCheck *check)
{
	return sc_check_text(check, SC_K_THUMBPRINT);
}

/* visitor: keeps whose it is */
static bool
take_owner(void *state, const ScMemberRow *row)
{
	*(ScKeyRow **) state = sc_key_row(row);
	return false;
}

/* nobody may have it already, the member itself included */
static void
check_unused(const ScCheck *check, const ScKeyRow *row)
{
	ScKeyRow   *other = NULL;

	sc_member_scan(check->tables, SC_MT_KEY, SC_BY_THUMBPRINT, thumbprint_text(check), check->snapshot, take_owner, &other);
	if (other)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("cannot register key \"%s\" of member \"%s\": it is registered already", row->key, row->member),
				 errdetail("It is key \"%s\" of member \"%s\", registered at %s.", other->key, other->member,
						   timestamptz_to_str(other->time)),
				 errhint("A key belongs to one member under one name for ever: make a new one.")));
}

/* the key that it replaces must be there, and not be over */
static void
check_replaces(const ScMemberLife *life, const ScKeyRow *row)
{
	ScStanding	standing;

	if (row->replaces == NULL)
		return;
	if (sc_life_key(life, row->replaces) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("member \"%s\" has no key \"%s\" to be replaced", row->member, row->replaces),
				 errhint("SELECT * FROM seoulchain.member_keys shows the keys of members.")));
	standing = sc_life_standing(life, row->replaces);
	if (standing.revoked || standing.replaced)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("key \"%s\" of member \"%s\" cannot be replaced: it was %s", row->replaces, row->member,
						standing.revoked ? "revoked" : "replaced"),
				 errdetail("At %s.", timestamptz_to_str(standing.since)),
				 errhint("Add the new key without replacing another.")));
}

/* a certificate must be the key's, and good now */
static void
check_certificate(const ScCheck *check, const ScKeyRow *row)
{
	ScCertJudgement judgement;
	char	   *whose = psprintf("of key \"%s\" of member \"%s\"", row->key, row->member);

	if (row->certificate == NULL)
		return;
	if (VARSIZE(row->certificate) - VARHDRSZ > SC_PUBKEY_INPUT_MAX)
		sc_check_refuse_key(row->member, row->key, SC_PUBKEY_TOO_LARGE);
	sc_certificate_judge(check->tables, row->certificate, check->time, &judgement);
	if (judgement.reason == SC_CERT_MALFORMED || judgement.reason == SC_CERT_NO_MEMORY)
		sc_check_refuse_certificate(whose, judgement.reason);
	if (judgement.reason != SC_CERT_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot use the certificate %s: %s", whose,
						judgement.reason == SC_CERT_KEY ? sc_pubkey_reason_text(judgement.key_reason) :
						sc_cert_reason_text(judgement.reason)),
				 errdetail("Its subject is \"%s\", its issuer \"%s\"; at fault is %s.", judgement.subject, judgement.issuer,
						   judgement.depth == 0 ? "the certificate itself" :
						   psprintf("number %d of the issuers above it", judgement.depth)),
				 judgement.reason == SC_CERT_UNKNOWN_AUTHORITY ?
				 errhint("SELECT seoulchain.trust_authority(name, certificate) registers an authority.") : 0));
	if (memcmp(&judgement.key.thumbprint, &row->thumbprint, sizeof(ScHash)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the certificate %s is of another key", whose),
				 errhint("Give the certificate alone; the key is taken from it.")));
}

void
sc_check_key(const ScCheck *check)
{
	char	   *member = sc_check_name(check, SC_MT_KEY, SC_K_MEMBER);
	char	   *key = sc_check_name(check, SC_MT_KEY, SC_K_KEY);
	ScMemberLife *life = sc_check_member_alive(check, member);
	ScKeyRow   *row = checked_row(check, member, key);

	if (!sc_profile_allows(sc_sign_profile(), row->kind))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot register key \"%s\" of member \"%s\": its algorithm, %s, is not approved", key, member,
						sc_profile_algorithm(row->kind)),
				 errdetail("seoulchain.sign_profile is \"%s\".", sc_profile_name(sc_sign_profile())),
				 errhint("Approved are ECDSA P-256 and RSA-PSS.")));
	check_unused(check, row);
	if (sc_life_key(life, key))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("member \"%s\" has a key \"%s\" already", member, key),
				 errhint("Names of keys are used once; choose another.")));
	check_replaces(life, row);
	check_certificate(check, row);
}
