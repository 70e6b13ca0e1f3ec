/*
 * timestamp_store.h
 *	  Rows of timestamp tokens and of requests that wait for one.
 */
#ifndef SC_SEAL_TIMESTAMP_STORE_H
#define SC_SEAL_TIMESTAMP_STORE_H

#include "postgres.h"

#include "core/hash.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "sign/timestamp.h"
#include "utils/snapshot.h"

/* seoulchain.checkpoint_timestamp */
#define SC_TIMESTAMP_ATTR_DIGEST 1
#define SC_TIMESTAMP_ATTR_CHAIN_ID 2
#define SC_TIMESTAMP_ATTR_TREE_SIZE 3
#define SC_TIMESTAMP_ATTR_TIME 4
#define SC_TIMESTAMP_ATTR_LATEST 5
#define SC_TIMESTAMP_ATTR_AUTHORITY 6
#define SC_TIMESTAMP_ATTR_TOKEN 7
#define SC_TIMESTAMP_NATTS 7

/* a token that was verified when it was added; verify() does it again */
typedef struct ScStoredTimestamp
{
	int32		chain_id;
	int64		tree_size;		/* of the checkpoint that it stamps */
	TimestampTz time;			/* when the authority saw it, by its clock */
	TimestampTz latest;			/* when it existed at the latest: that clock's accuracy is added */
	char	   *authority;		/* its name when the token was added */
	bytea	   *token;			/* DER */
} ScStoredTimestamp;

/*
 * The tokens of the smallest stamped checkpoint that holds the leaf, the
 * earliest (`latest`) first: List of ScStoredTimestamp *, NIL when no checkpoint
 * with the leaf is stamped.  So the leaf existed at the first one's `latest`.
 */
extern List *sc_timestamps_covering(int32 chain_id, int64 leaf_index, Snapshot snapshot);

/* the two times of a token that was verified; one that states no accuracy is taken for exact to the second */
extern void sc_timestamp_times(ScStoredTimestamp *out, const ScTimestamp *verified);

/* the token of that SHA-256; false when it is not stored */
extern bool sc_timestamp_find(const ScHash *digest, Snapshot snapshot, ScStoredTimestamp *out);

/* callers hold sc_timestamp_lock */
extern void sc_timestamp_insert(const ScHash *digest, const ScStoredTimestamp *stamp);

/* serializes writers of tokens and requests, to the end of the transaction */
extern void sc_timestamp_lock(void);

/* remembers a request; forgets those that are older than a day */
extern void sc_nonce_insert(int32 chain_id, int64 tree_size, const void *nonce, size_t len);

/* takes the request with that nonce out; false when there is none of the last day */
extern bool sc_nonce_take(const void *nonce, size_t len, Snapshot snapshot, int32 *chain_id, int64 *tree_size);

#endif							/* SC_SEAL_TIMESTAMP_STORE_H */
