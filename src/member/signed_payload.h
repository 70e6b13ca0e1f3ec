/*
 * signed_payload.h
 *	  Payloads that members have signed and that count as used.
 */
#ifndef SC_MEMBER_SIGNED_PAYLOAD_H
#define SC_MEMBER_SIGNED_PAYLOAD_H

#include "postgres.h"

#include "core/hash.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#define SC_SIGNED_PAYLOAD "signed_payload"

enum
{
	SC_PAYLOAD_ATTR_CHAIN_ID = 1,
	SC_PAYLOAD_ATTR_DIGEST,
	SC_PAYLOAD_ATTR_TABLE_ID,
	SC_PAYLOAD_ATTR_SEQ
};

#define SC_PAYLOAD_NATTS 4

/*
 * By what a payload counts as used: SHA256(SHA256(payload) || signer).  The
 * table keeps its first 128 bits: half the index, and all that a collision
 * gives to the signer who finds one is a refused row of his own.
 */
extern void sc_payload_digest(ScHash *out, const char *signer, size_t signerlen, const void *payload, size_t len);

/*
 * Notes that the row uses the payload.  Waits for a transaction that has noted
 * the same and is still running; returns 0, or the ledger_seq of the row that
 * has used it already, and its table.
 */
extern int64 sc_payload_use(int32 chain_id, int32 table_id, const ScHash *digest, int64 ledger_seq, int32 *other_table);

/* who has used it, with this snapshot: ledger_seq and table, or 0 */
extern int64 sc_payload_user(int32 chain_id, const ScHash *digest, Snapshot snapshot, int32 *table_id);

#endif							/* SC_MEMBER_SIGNED_PAYLOAD_H */
