/*
 * lookup.h
 *	  Whose key is it, and was it good then?  What signature checks ask the registry of members.
 *
 * Everything is palloc'd in the current memory context.  A Snapshot of NULL
 * means "for accepting a row now": the newest committed state, read under
 * shared locks that keep it so until the transaction ends.  With a snapshot
 * nothing is locked.
 */
#ifndef SC_MEMBER_LOOKUP_H
#define SC_MEMBER_LOOKUP_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "sign/jws.h"
#include "sign/x509.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

/* what a key was at the time asked about */
typedef enum ScKeyState
{
	SC_KEY_GOOD,
	SC_KEY_NOT_YET,				/* registered later */
	SC_KEY_SUSPENDED,			/* it, or its member */
	SC_KEY_REVOKED,				/* it, or its member */
	SC_KEY_REPLACED,			/* by rotation */
	SC_KEY_CERTIFICATE,			/* its certificate was not good; cert_reason tells */
	SC_KEY_DELEGATION			/* a delegate's, and the delegation had not begun or was over */
} ScKeyState;

typedef struct ScKeyAt
{
	char	   *member;			/* whose key: for a delegate's key the delegate */
	char	   *key;			/* its name, a kid */
	int64		key_seq;		/* ledger_seq of its row */
	TimestampTz registered_at;
	ScKeyKind	kind;
	const uint8 *spki;			/* DER, as sc_verifier_open takes it */
	size_t		spkilen;
	ScHash		thumbprint;		/* SHA-256 of spki */
	bytea	   *certificate;	/* DER, or NULL */

	ScKeyState	state;			/* at the time asked about */

	/*
	 * When it is good: the whole stretch around that time in which it is, as
	 * far as is recorded.  Otherwise: from when to when it is not.
	 */
	TimestampTz from;			/* inclusive */
	TimestampTz until;			/* exclusive, DT_NOEND when open */

	/* the entry that ended the stretch in which it was good, or will end it; 0 when there is none */
	ScKeyState	end_state;
	int64		end_seq;
	TimestampTz end_at;
	char	   *end_reason;		/* why it was suspended or revoked; name of the new key */

	/* the earliest "compromised since" on record, whenever it was recorded: DT_NOEND when there is none */
	TimestampTz compromised_since;
	TimestampTz compromised_at; /* time of the entry that says so */
	int64		compromised_seq;	/* 0 when a revocation list says so */
	char	   *compromised_reason;

	ScCertReason cert_reason;
	int			cert_depth;

	bool		delegated;		/* somebody else's, who may sign in the member's name */
	int64		delegation_seq;
	TimestampTz delegated_from;
	TimestampTz delegated_until;
} ScKeyAt;

/* does the chain have a registry of members? */
extern bool sc_member_installed(int32 chain_id);

/*
 * The lock between those who sign and those who end what signatures rest on:
 * shared for the former, exclusive for the latter, one for each 64th of the
 * members of a chain, until the transaction ends.  May wait.
 */
extern void sc_member_lock(int32 chain_id, const char *member, bool exclusive);

/* is there such a member? */
extern bool sc_member_known(int32 chain_id, const char *member, Snapshot snapshot);

/*
 * Every key the member ever had, and for the table those of its delegates, as
 * they are (or were) at that time: List of ScKeyAt *, the member's own first.
 * Errors when the chain has no registry or an index of it was dropped.
 */
extern List *sc_member_keys_at(int32 chain_id, const char *member, int32 table_id, TimestampTz at, Snapshot snapshot);

/* whoever's key it is, or NULL */
extern ScKeyAt *sc_member_key_by_thumbprint(int32 chain_id, const ScHash *thumbprint, TimestampTz at, Snapshot snapshot);

/* whether the header of a signature means this key: sc_jws_names_key without computing what is not needed */
extern bool sc_key_at_is_meant(const ScKeyAt *key, const ScJws *jws);

/* what is wrong with a key that is not good: "revoked at 2026-01-01 00:00:00+00 (card lost)" */
extern char *sc_key_at_fault(const ScKeyAt *key);

#endif							/* SC_MEMBER_LOOKUP_H */
