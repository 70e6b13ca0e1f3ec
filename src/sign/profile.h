/*
 * profile.h
 *	  Which algorithms an operator lets be made and accepted: all of ours, or approved ones only.
 */
#ifndef SC_SIGN_PROFILE_H
#define SC_SIGN_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sign/pubkey.h"

typedef enum ScProfile
{
	SC_PROFILE_ANY = 0,
	SC_PROFILE_KCMVP = 1		/* ECDSA P-256 and RSA-PSS with SHA-2 only */
} ScProfile;

extern bool sc_profile_parse(ScProfile *out, const char *name);	/* "any", "kcmvp" */
extern const char *sc_profile_name(ScProfile profile);

/* a member's key, for rows */
extern bool sc_profile_allows(ScProfile profile, ScKeyKind kind);

/* a signature type of a note (SC_KEY_...), for checkpoints and cosignatures */
extern bool sc_profile_allows_note(ScProfile profile, uint8_t type);

/* the type that new log and witness keys have: wanted is SC_KEY_ED25519 or SC_KEY_COSIGNATURE */
extern uint8_t sc_profile_note_type(ScProfile profile, uint8_t wanted);

/* how an algorithm is named in messages: "ECDSA P-256", "Ed25519", ... */
extern const char *sc_profile_algorithm(ScKeyKind kind);
extern const char *sc_profile_note_algorithm(uint8_t type);

#endif							/* SC_SIGN_PROFILE_H */
