/*
 * block_store.h
 *	  Writing rows of blocks, members and signatures; columns of their tables.
 */
#ifndef SC_SEAL_BLOCK_STORE_H
#define SC_SEAL_BLOCK_STORE_H

#include "postgres.h"

#include "core/blockleaf.h"
#include "seal/tree_store.h"

/* seoulchain.chain_block */
#define SC_BLOCK_ATTR_CHAIN_ID 1
#define SC_BLOCK_ATTR_HEIGHT 2
#define SC_BLOCK_ATTR_PREV_HASH 3
#define SC_BLOCK_ATTR_BLOCK_HASH 4
#define SC_BLOCK_ATTR_FIRST_LEAF 5
#define SC_BLOCK_ATTR_TREE_SIZE 6
#define SC_BLOCK_ATTR_ROOT_HASH 7
#define SC_BLOCK_ATTR_MEMBERS 8
#define SC_BLOCK_ATTR_SEALED_AT 9
#define SC_BLOCK_NATTS 9

/* seoulchain.block_range */
#define SC_BLOCK_RANGE_ATTR_CHAIN_ID 1
#define SC_BLOCK_RANGE_ATTR_LOWER 2
#define SC_BLOCK_RANGE_ATTR_UPPER 3
#define SC_BLOCK_RANGE_ATTR_HEIGHT 4
#define SC_BLOCK_RANGE_ATTR_FIRST_LEAF 5
#define SC_BLOCK_RANGE_NATTS 5

/* seoulchain.signature */
#define SC_SIGNATURE_ATTR_CHAIN_ID 1
#define SC_SIGNATURE_ATTR_HEIGHT 2
#define SC_SIGNATURE_ATTR_TREE_SIZE 3
#define SC_SIGNATURE_ATTR_LINES 4
#define SC_SIGNATURE_NATTS 4

/* the block range with the greatest lower bound below `below`; false when there is none */
extern bool sc_member_before(int32 chain_id, int64 below, Snapshot snapshot, ScSeqRange *range, int64 *first_leaf);

/* is any number of the range sealed already? */
extern bool sc_member_overlaps(int32 chain_id, const ScSeqRange *range, Snapshot snapshot);

extern void sc_block_insert(const ScBlock *block);
extern void sc_members_insert(const ScBlock *block, const ScSeqRange *ranges, int nranges);
extern void sc_signature_insert(int32 chain_id, int64 height, int64 tree_size, const char *lines);

#endif							/* SC_SEAL_BLOCK_STORE_H */
