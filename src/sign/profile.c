/*
 * profile.c
 *	  The approved-algorithms profile: one table of what it allows.
 *
 * Korea's list of validated algorithms has ECDSA, RSA-PSS and SHA-2, not
 * Ed25519.  Approved algorithms are not yet a validated module: this says
 * which algorithms run, not whose code runs them.
 */
#include <string.h>

#include "core/note.h"
#include "sign/profile.h"

bool
sc_profile_parse(ScProfile *out, const char *name)
{
	if (strcmp(name, "any") == 0)
		*out = SC_PROFILE_ANY;
	else if (strcmp(name, "kcmvp") == 0)
		*out = SC_PROFILE_KCMVP;
	else
		return false;
	return true;
}

const char *
sc_profile_name(ScProfile profile)
{
	return profile == SC_PROFILE_KCMVP ? "kcmvp" : "any";
}

bool
sc_profile_allows(ScProfile profile, ScKeyKind kind)
{
	if (kind == SC_KIND_P256 || kind == SC_KIND_RSA)
		return true;
	return profile == SC_PROFILE_ANY && kind == SC_KIND_ED25519;
}

bool
sc_profile_allows_note(ScProfile profile, uint8_t type)
{
	if (type == SC_KEY_ECDSA)
		return true;
	return profile == SC_PROFILE_ANY && (type == SC_KEY_ED25519 || type == SC_KEY_COSIGNATURE);
}

uint8_t
sc_profile_note_type(ScProfile profile, uint8_t wanted)
{
	return sc_profile_allows_note(profile, wanted) ? wanted : SC_KEY_ECDSA;
}

const char *
sc_profile_algorithm(ScKeyKind kind)
{
	switch (kind)
	{
		case SC_KIND_ED25519:
			return "Ed25519";
		case SC_KIND_P256:
			return "ECDSA P-256";
		case SC_KIND_RSA:
			return "RSA-PSS";
	}
	return "unknown";
}

const char *
sc_profile_note_algorithm(uint8_t type)
{
	switch (type)
	{
		case SC_KEY_ED25519:
			return "Ed25519";
		case SC_KEY_ECDSA:
			return "ECDSA P-256";
		case SC_KEY_COSIGNATURE:
			return "Ed25519 cosignature/v1";
		default:
			return "unknown";
	}
}
