/*
 * hash.c
 *	  SHA-256 of leaves, nodes, blocks and plain bytes, as fast as libcrypto can.
 *
 * Everything here is a pure function of its arguments: no context outlives a
 * call, nothing is allocated, nothing can fail.
 *
 * The low-level calls are used on purpose although OpenSSL 3 calls them
 * deprecated: the one-shot and EVP interfaces cost more than the hashing of a
 * node (docs/decisions/020-sha256-calls.md has the figures).  They know no provider
 * configuration, so this is not a validated module.
 *
 * Source: RFC 6962 section 2.1.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <string.h>

#include "core/hash.h"

#define LEAF_PREFIX 0x00
#define NODE_PREFIX 0x01
#define NODE_LEN (1 + 2 * SC_HASH_LEN)

void
sc_hash_bytes(ScHash *out, const void *data, size_t len)
{
	SHA256_CTX	ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, data, len);
	SHA256_Final(out->bytes, &ctx);
}

void
sc_hash_leaf(ScHash *out, const void *data, size_t len)
{
	static const uint8_t prefix = LEAF_PREFIX;
	SHA256_CTX	ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, &prefix, 1);
	SHA256_Update(&ctx, data, len);
	SHA256_Final(out->bytes, &ctx);
}

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((ScLeafPrefix *) 0)->state), "a context fits into ScLeafPrefix");

void
sc_hash_leaf_prefix(ScLeafPrefix *out, const void *data, size_t len)
{
	static const uint8_t prefix = LEAF_PREFIX;
	size_t		blocks = (1 + len) / SHA256_CBLOCK;
	SHA256_CTX	ctx;

	out->len = blocks > 0 ? blocks * SHA256_CBLOCK - 1 : 0;
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, &prefix, 1);
	SHA256_Update(&ctx, data, out->len);
	memcpy(out->state, &ctx, sizeof(ctx));
}

void
sc_hash_leaf_after(ScHash *out, const ScLeafPrefix *prefix, const void *data, size_t len)
{
	SHA256_CTX	ctx;

	memcpy(&ctx, prefix->state, sizeof(ctx));
	SHA256_Update(&ctx, (const uint8_t *) data + prefix->len, len - prefix->len);
	SHA256_Final(out->bytes, &ctx);
}

/* a word whose bytes in memory are value's, highest first */
static inline uint32_t
big_endian(uint32_t value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap32(value);
#else
	return value;
#endif
}

/*
 * A node's message is always 65 bytes, so its two padded blocks are laid out
 * here and the compression function is called directly: a tenth less time
 * than through Update and Final.
 */
void
sc_hash_node(ScHash *out, const ScHash *left, const ScHash *right)
{
	SHA256_CTX	ctx;
	uint8_t		blocks[2 * SHA256_CBLOCK] = {NODE_PREFIX};

	memcpy(blocks + 1, left->bytes, SC_HASH_LEN);
	memcpy(blocks + 1 + SC_HASH_LEN, right->bytes, SC_HASH_LEN);
	blocks[NODE_LEN] = 0x80;
	blocks[sizeof(blocks) - 2] = (uint8_t) (NODE_LEN * 8 >> 8);
	blocks[sizeof(blocks) - 1] = (uint8_t) (NODE_LEN * 8);
	SHA256_Init(&ctx);
	SHA256_Transform(&ctx, blocks);
	SHA256_Transform(&ctx, blocks + SHA256_CBLOCK);
	for (int i = 0; i < SC_HASH_LEN / 4; i++)
	{
		uint32_t	word = big_endian(ctx.h[i]);

		memcpy(out->bytes + 4 * i, &word, sizeof(word));
	}
}

void
sc_hash_empty(ScHash *out)
{
	sc_hash_bytes(out, "", 0);
}

void
sc_hash_block(ScHash *out, const void *leaf, size_t len, const ScHash *root)
{
	SHA256_CTX	ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, leaf, len);
	SHA256_Update(&ctx, root->bytes, SC_HASH_LEN);
	SHA256_Final(out->bytes, &ctx);
}
