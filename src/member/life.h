/*
 * life.h
 *	  The life of one key: from the entries about it to what it was at a time.
 */
#ifndef SC_MEMBER_LIFE_H
#define SC_MEMBER_LIFE_H

#include "postgres.h"

#include "member/lookup.h"
#include "member/tables.h"

typedef enum ScStatusAction
{
	SC_ACTION_SUSPEND,
	SC_ACTION_RESUME,
	SC_ACTION_REVOKE,
	SC_ACTION_REPLACE			/* not a row of status: a key that replaces */
} ScStatusAction;

/* one entry about a member or a key */
typedef struct ScStatus1
{
	int64		seq;
	TimestampTz time;
	ScStatusAction action;
	char	   *key;			/* NULL: the member and every key */
	char	   *reason;			/* for REPLACE the new key's name */
	TimestampTz compromised_since;	/* DT_NOEND when not said */
} ScStatus1;

/* what the entries up to now say of the member, or of one key */
typedef struct ScStanding
{
	bool		revoked;
	bool		suspended;
	bool		replaced;
	TimestampTz since;			/* of what is true */
	char	   *reason;
} ScStanding;

typedef struct ScKeyRow
{
	int64		seq;
	TimestampTz time;
	char	   *member;
	char	   *key;
	ScKeyKind	kind;
	bytea	   *public_key;
	ScHash		thumbprint;
	bytea	   *certificate;	/* or NULL */
	char	   *replaces;		/* or NULL */
} ScKeyRow;

/* everything about one member: keys and entries, in the order of time */
typedef struct ScMemberLife
{
	char	   *member;
	List	   *keys;			/* ScKeyRow * */
	List	   *entries;		/* ScStatus1 *, replacements among them */
} ScMemberLife;

/* reads it; Snapshot as in lookup.h but without locks */
extern ScMemberLife *sc_member_life(const ScMemberTables *tables, const char *member, Snapshot snapshot);

/* the same for a member of whom no row of status speaks (entries.h) */
extern ScMemberLife *sc_member_life_plain(const ScMemberTables *tables, const char *member, Snapshot snapshot);

/* "EdDSA", "ES256", "PS256" and back; false when it is none */
extern const char *sc_key_algorithm(ScKeyKind kind);
extern bool sc_key_algorithm_parse(const char *text, ScKeyKind *kind);

/* "suspend", "resume", "revoke"; false when it is none */
extern bool sc_status_action_parse(const char *text, ScStatusAction *action);

/* the row of key, taken apart and copied */
extern ScKeyRow *sc_key_row(const ScMemberRow *row);

/* the member's key of that name, or NULL */
extern ScKeyRow *sc_life_key(const ScMemberLife *life, const char *key);

/* how the member (key NULL) or the key by itself stands after all entries */
extern ScStanding sc_life_standing(const ScMemberLife *life, const char *key);

/* time of the last entry of any kind, DT_NOBEGIN when there is none */
extern TimestampTz sc_life_last(const ScMemberLife *life);

/* the key as it was at that time; of certificates nothing is said */
extern ScKeyAt *sc_life_key_at(const ScMemberLife *life, const ScKeyRow *key, TimestampTz at);

#endif							/* SC_MEMBER_LIFE_H */
