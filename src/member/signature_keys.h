/*
 * signature_keys.h
 *	  Keys made ready: those of a signer, and the verifiers of keys.
 */
#ifndef SC_MEMBER_SIGNATURE_KEYS_H
#define SC_MEMBER_SIGNATURE_KEYS_H

#include "postgres.h"

#include "member/lookup.h"
#include "nodes/pg_list.h"

/*
 * The keys that may have signed for the member in rows of the table, under the
 * lock of those who sign.  What this command has read already may be handed
 * out again, unless `again`; it stays valid until the next call.
 */
extern List *sc_signer_keys(int32 chain_id, const char *member, int32 table_id, bool again);

/* was the answer for this member read by an earlier call? */
extern bool sc_signer_keys_known(int32 chain_id, const char *member, int32 table_id);

/* a verifier of the key; kept for the next row, so not to be closed */
extern ScVerifier *sc_key_verifier(const ScKeyAt *key);

/* forgets every answer: the own transaction has changed members or keys */
extern void sc_signer_keys_forget(void);

/* forgets with transactions; from _PG_init */
extern void sc_signer_keys_init(void);

#endif							/* SC_MEMBER_SIGNATURE_KEYS_H */
