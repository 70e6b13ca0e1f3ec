/*
 * check_status.c
 *	  Whether a member or key may be suspended, resumed, revoked.
 *
 * Invariant: for a member as a whole, and for each of its keys by itself,
 * entries go suspend, resume, suspend, ...; revoke comes once, nothing after
 * it.  A replaced key, and the key of a revoked member, may still be revoked:
 * a compromise that is found late has to be put on record.
 * Effects: none.
 */
#include "postgres.h"

#include "ledger/registry.h"
#include "member/check.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* the error of an entry that does not follow from those before; what: "it was revoked" */
static void
refuse(const char *target, const char *action, const char *why, const ScStanding *standing, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s %s: %s", action, target, why),
			 standing->reason ? errdetail("At %s: %s", timestamptz_to_str(standing->since), standing->reason) : 0,
			 errhint("%s", hint)));
}

/* does the entry follow from how things stand? */
static void
check_order(const char *target, const char *name, ScStatusAction action, const ScStanding *standing)
{
	if (standing->revoked)
		refuse(target, name, "it was revoked", standing, "A revocation is final.");
	if (standing->replaced && action != SC_ACTION_REVOKE)
		refuse(target, name, "it was replaced", standing, "A replaced key can only be revoked.");
	if (action == SC_ACTION_SUSPEND && standing->suspended)
		refuse(target, name, "it is suspended already", standing, "Resume it, or revoke it.");
	if (action == SC_ACTION_RESUME && !standing->suspended)
		refuse(target, name, "it is not suspended", &(ScStanding) {0}, "Only what was suspended itself can be resumed.");
}

/* a time since when the key may have been somebody else's */
static void
check_compromised(const ScCheck *check, ScStatusAction action, const char *target)
{
	TimestampTz since;

	if (check->row->nulls[SC_S_COMPROMISED_SINCE])
		return;
	since = DatumGetTimestampTz(check->row->values[SC_S_COMPROMISED_SINCE]);
	if (action != SC_ACTION_REVOKE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("compromised_since is for revocations"),
				 errhint("Revoke %s if it may have been misused.", target)));
	if (since > check->time)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be compromised since a time that has not come", target),
				 errdetail("compromised_since is %s, the time is %s.", pstrdup(timestamptz_to_str(since)),
						   pstrdup(timestamptz_to_str(check->time))),
				 errhint("Give the time from which on its signatures are in doubt.")));
}

void
sc_check_status(const ScCheck *check)
{
	char	   *member = sc_check_name(check, SC_MT_STATUS, SC_S_MEMBER);
	char	   *key = check->row->nulls[SC_S_KEY] ? NULL : sc_check_name(check, SC_MT_STATUS, SC_S_KEY);
	char	   *name = sc_check_text(check, SC_S_ACTION);
	char	   *reason = sc_check_text(check, SC_S_REASON);
	char	   *target = key ? psprintf("key \"%s\" of member \"%s\"", key, member) : psprintf("member \"%s\"", member);
	ScStatusAction action;
	ScMemberLife *life;
	ScStanding	standing;

	if (name == NULL || !sc_status_action_parse(name, &action))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not something that can be done to %s", name ? name : "", target),
				 errhint("Actions are suspend, resume and revoke.")));
	if (reason == NULL || strspn(reason, " \t\r\n") == strlen(reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot %s %s without a reason", name, target),
				 errhint("Say why: whoever is refused will read it.")));
	sc_check_member_known(check, member);
	life = sc_member_life(check->tables, member, check->snapshot);
	sc_check_clock(check, sc_life_last(life), member);
	if (key && sc_life_key(life, key) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("member \"%s\" has no key \"%s\"", member, key),
				 errhint("SELECT * FROM seoulchain.member_keys shows the keys of members.")));
	standing = sc_life_standing(life, NULL);
	if (key && standing.revoked && action != SC_ACTION_REVOKE)
		refuse(target, name, "its member was revoked", &standing, "A revocation is final.");
	standing = sc_life_standing(life, key);
	check_order(target, name, action, &standing);
	check_compromised(check, action, target);
}
