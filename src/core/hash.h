/*
 * hash.h
 *	  SHA-256 and the two domain-separated hashes of RFC 6962 section 2.1.
 */
#ifndef SC_CORE_HASH_H
#define SC_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define SC_HASH_LEN 32

typedef struct ScHash
{
	uint8_t		bytes[SC_HASH_LEN];
} ScHash;

/* SHA256(data) */
extern void sc_hash_bytes(ScHash *out, const void *data, size_t len);

/* leaf(d) = SHA256(0x00 || d) */
extern void sc_hash_leaf(ScHash *out, const void *data, size_t len);

/*
 * The state of leaf() after a beginning that many leaves share: hashing what
 * all rows of a table have in common once saves a fifth of each row's hash.
 */
typedef struct ScLeafPrefix
{
	size_t		len;			/* bytes of the leaf that are in the state */
	uint64_t	state[16];		/* the library's context after whole blocks */
} ScLeafPrefix;

/* keeps as much of data as fills whole blocks of the hash function; len 0 is fine */
extern void sc_hash_leaf_prefix(ScLeafPrefix *out, const void *data, size_t len);

/* leaf(d) for a d that begins with the prefix; requires prefix->len <= len */
extern void sc_hash_leaf_after(ScHash *out, const ScLeafPrefix *prefix, const void *data, size_t len);

/* node(l, r) = SHA256(0x01 || l || r); out may alias either */
extern void sc_hash_node(ScHash *out, const ScHash *left, const ScHash *right);

/* the root of the empty tree, SHA256("") */
extern void sc_hash_empty(ScHash *out);

/* block_hash = SHA256(block leaf's bytes || root that includes it); docs/format.md */
extern void sc_hash_block(ScHash *out, const void *leaf, size_t len, const ScHash *root);

#endif							/* SC_CORE_HASH_H */
