/*
 * check.c
 *	  What the checks of all members' tables share, and the check of a member.
 *
 * Invariant: they judge the row as it will be stored, and rely neither on the
 * trigger nor on constraints: both can be dropped.
 * Effects: none.
 */
#include "postgres.h"

#include "member/check.h"

#include "core/text.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define NAME_MAX_BYTES SC_JWS_TEXT_MAX

char *
sc_check_text(const ScCheck *check, int column)
{
	return check->row->nulls[column] ? NULL : TextDatumGetCString(check->row->values[column]);
}

/* why a text is no name, or NULL; two names that look the same would let one member pass for another */
static const char *
name_fault(const char *name)
{
	size_t		len = strlen(name);

	if (len == 0)
		return "is empty";
	if (len > NAME_MAX_BYTES)
		return "has more than 255 bytes";
	if (name[0] == ' ' || name[len - 1] == ' ')
		return "begins or ends with a space";
	for (size_t i = 0, n; i < len; i += Max(n, 1))
	{
		uint32_t	cp = 0;

		n = sc_text_utf8_char(&cp, name + i, len - i);
		if (sc_text_hidden(cp))
			return "has a control or invisible character";
	}
	return NULL;
}

char *
sc_check_name(const ScCheck *check, ScMemberTable table, int column)
{
	char	   *name = sc_check_text(check, column);
	const char *fault = name ? name_fault(name) : "is missing";

	if (fault)
		ereport(ERROR,
				(errcode(name ? ERRCODE_INVALID_NAME : ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("the column \"%s\" of \"%s\" %s", sc_member_column_name(table, column),
						sc_member_table_name(table), fault),
				 errhint("Names have 1 to 255 bytes, no control or invisible characters and no space around them.")));
	return name;
}

/* visitor: keeps when it was registered */
static bool
take_time(void *state, const ScMemberRow *row)
{
	*(TimestampTz *) state = row->time;
	return false;
}

/* when a member was registered; DT_NOBEGIN when it was not */
static TimestampTz
registered_at(const ScCheck *check, const char *member)
{
	TimestampTz time = DT_NOBEGIN;

	sc_member_scan(check->tables, SC_MT_MEMBER, SC_BY_MEMBER, member, check->snapshot, take_time, &time);
	return time;
}

void
sc_check_member_known(const ScCheck *check, const char *member)
{
	TimestampTz since = registered_at(check, member);

	if (TIMESTAMP_IS_NOBEGIN(since))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("member \"%s\" is not registered", member),
				 errhint("SELECT seoulchain.register_member(%s, kind) registers it.", quote_literal_cstr(member))));
	sc_check_clock(check, since, member);
}

ScMemberLife *
sc_check_member_alive(const ScCheck *check, const char *member)
{
	ScMemberLife *life;
	ScStanding	standing;

	sc_check_member_known(check, member);
	life = sc_member_life(check->tables, member, check->snapshot);
	sc_check_clock(check, sc_life_last(life), member);
	standing = sc_life_standing(life, NULL);
	if (standing.revoked)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("member \"%s\" was revoked", member),
				 errdetail("At %s: %s", timestamptz_to_str(standing.since), standing.reason),
				 errhint("A revocation is final; register a new member.")));
	return life;
}

void
sc_check_clock(const ScCheck *check, TimestampTz last, const char *whose)
{
	if (last <= check->time)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the clock has gone back behind what is on record about \"%s\"", whose),
			 errdetail("The last entry is of %s, the clock says %s.", pstrdup(timestamptz_to_str(last)),
					   pstrdup(timestamptz_to_str(check->time))),
			 errhint("Set the server's clock right, or wait until it has passed that time.")));
}

void
sc_check_member(const ScCheck *check)
{
	static const char *const kinds[] = {"citizen", "clerk", "agency", "device"};
	char	   *member = sc_check_name(check, SC_MT_MEMBER, SC_M_MEMBER);
	char	   *kind = sc_check_text(check, SC_M_KIND);
	TimestampTz since = registered_at(check, member);
	bool		known = false;

	for (size_t i = 0; i < lengthof(kinds); i++)
		known = known || (kind && strcmp(kind, kinds[i]) == 0);
	if (!known)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 kind ? errmsg("there are no members of kind \"%s\"", kind) : errmsg("member \"%s\" has no kind", member),
				 errhint("Kinds are citizen, clerk, agency and device.")));
	if (!TIMESTAMP_IS_NOBEGIN(since))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("member \"%s\" is registered already", member),
				 errdetail("Since %s.", timestamptz_to_str(since)),
				 errhint("A member is registered once; add keys with seoulchain.add_key().")));
}

void
sc_check_refuse_key(const char *member, const char *key, ScPubkeyReason reason)
{
	ereport(ERROR,
			(errcode(reason == SC_PUBKEY_NO_MEMORY ? ERRCODE_OUT_OF_MEMORY : ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("cannot register key \"%s\" of member \"%s\": %s", key, member, sc_pubkey_reason_text(reason)),
			 reason == SC_PUBKEY_PRIVATE ?
			 errhint("It has been shown to the database now: make a new key, and register its public half.") :
			 errhint("Give 32 raw bytes (Ed25519), or PEM or DER of a public key or an X.509 certificate: Ed25519, P-256, or RSA of 2048 to 8192 bits.")));
}

void
sc_check_refuse_certificate(const char *whose, ScCertReason reason)
{
	ereport(ERROR,
			(errcode(reason == SC_CERT_NO_MEMORY ? ERRCODE_OUT_OF_MEMORY : ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("cannot use the certificate %s: %s", whose, sc_cert_reason_text(reason)),
			 errhint("Give one X.509 certificate in PEM or DER.")));
}

void
sc_check_refuse_crl(const char *authority, ScCertReason reason)
{
	ereport(ERROR,
			(errcode(reason == SC_CERT_NO_MEMORY ? ERRCODE_OUT_OF_MEMORY : ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("cannot use the revocation list of authority \"%s\": %s", authority, sc_cert_reason_text(reason)),
			 errhint("Give one whole revocation list in PEM or DER, no delta and no indirect list.")));
}
