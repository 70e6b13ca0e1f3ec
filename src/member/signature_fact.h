/*
 * signature_fact.h
 *	  Signatures that the running transaction has checked, until their rows are stored.
 */
#ifndef SC_MEMBER_SIGNATURE_FACT_H
#define SC_MEMBER_SIGNATURE_FACT_H

#include "postgres.h"

#include "core/hash.h"
#include "utils/timestamp.h"

typedef struct ScSignatureFact
{
	Oid			relid;
	ScHash		digest;			/* of signer and payload, see signed_payload.h */
	TimestampTz from;			/* while the key is good: inclusive, exclusive */
	TimestampTz until;
	char	   *key;			/* for messages */
	int			len;			/* of the signature's text, which stands behind */
	char		signature[FLEXIBLE_ARRAY_MEMBER];
} ScSignatureFact;

/* keeps a fact until its row is stored, or the (sub)transaction that holds the signer's lock ends */
extern void sc_fact_add(Oid relid, const char *signature, int len, const ScHash *digest,
						TimestampTz from, TimestampTz until, const char *key);

/* the latest one about this signature for this table, or NULL */
extern const ScSignatureFact *sc_fact_find(Oid relid, const char *signature, int len);

/* its row is stored */
extern void sc_fact_drop(const ScSignatureFact *fact);

/* forgets all: the own transaction has changed members or keys */
extern void sc_facts_forget(void);

/* forgets with transactions; from _PG_init */
extern void sc_fact_init(void);

#endif							/* SC_MEMBER_SIGNATURE_FACT_H */
