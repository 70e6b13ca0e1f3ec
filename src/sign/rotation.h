/*
 * rotation.h
 *	  A change of key, by the word of both keys: the statement, and the event that carries it.
 *
 * The statement is a note of four lines,
 *
 *		seoulchain key change v1
 *		<origin of the chain>
 *		<old verifier key>
 *		<new verifier key>
 *
 * whose second line is no decimal, so that no checkpoint is ever taken for it
 * or it for one.  The event on the chain is
 * {"new":..,"old":..,"proof":{"new":..,"old":..},"type":"key"}; the proofs are
 * the two signature lines without their newlines.
 */
#ifndef SC_SIGN_ROTATION_H
#define SC_SIGN_ROTATION_H

#include "core/json.h"
#include "core/note.h"

#define SC_ROTATION_EVENT "key"
#define SC_ROTATION_LINE_MAX 1024	/* bytes of a signature line here */

typedef struct ScRotation
{
	ScVerifierKey old;
	ScVerifierKey new;
	char		old_line[SC_ROTATION_LINE_MAX];
	char		new_line[SC_ROTATION_LINE_MAX];
} ScRotation;

/* whether a key's name is the chain's own; else it is its node's: the origin without its last part */
extern bool sc_rotation_is_log(const char *key_name, const char *origin);

/* appends what both keys sign */
extern void sc_rotation_text(ScBuf *buf, const char *origin, const char *old_key, const char *new_key);

/* appends the event's object */
extern void sc_rotation_event(ScBuf *buf, const char *old_key, const char *new_key,
							  const char *old_line, const char *new_line);

/* takes an event's object apart; SC_MALFORMED unless it is a change of key in every member */
extern SC_WARN_UNUSED ScStatus sc_rotation_parse(ScRotation *out, const ScJson *event);

/*
 * Whether both keys said so, for this chain: SC_MALFORMED when the two are not
 * two keys of one name that may sign for it, SC_BAD_SIGNATURE when either
 * line is wrong or by somebody else.
 */
extern SC_WARN_UNUSED ScStatus sc_rotation_verify(const ScRotation *rotation, const char *origin);

/* whether two verifier keys are one key, whatever their names */
extern bool sc_rotation_same_key(const ScVerifierKey *a, const ScVerifierKey *b);

#endif							/* SC_SIGN_ROTATION_H */
