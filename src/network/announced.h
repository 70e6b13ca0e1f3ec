/*
 * announced.h
 *	  A block as its origin announced it, taken apart and compared with the block before.
 */
#ifndef SC_NETWORK_ANNOUNCED_H
#define SC_NETWORK_ANNOUNCED_H

#include "postgres.h"

#include "access/htup.h"
#include "core/blockleaf.h"
#include "datatype/timestamp.h"
#include "ledger/registry.h"
#include "seal/tree_store.h"
#include "utils/relcache.h"

/* a message of kind `block`, palloc'd */
typedef struct ScAnnounced
{
	ItemPointerData tid;		/* of the message */
	char	   *note;			/* the signed checkpoint as it came; NULL when there is none */
	char	   *lines;			/* its signature lines */
	ScBlock		block;			/* what it says the block is; members NULL */
	ScHash		prev_root;
	ScSeqRange *ranges;
	int			nranges;
	int64		count;			/* leaves but the block leaf */
	const char *fault;			/* what is wrong with it, a word of dispute.h, or NULL */
	char	   *problem;		/* the same as a sentence */
} ScAnnounced;

/* the keys that sign a copy's blocks: as known, and as blocks announced since have changed them */
typedef struct ScOriginKeys
{
	List	   *epochs[2];		/* by ScKeyRole, of ScKeyEpoch */
} ScOriginKeys;

/* takes a message apart and checks everything that needs no rows, keys and block before included */
extern ScAnnounced *sc_announced_read(HeapTuple message, Relation rel, const ScChain *chain, const ScBlock *before,
									  ScOriginKeys *keys);

/* the keys as the snapshot shows them; NULL in *why, or why blocks cannot be checked yet */
extern void sc_origin_keys(ScOriginKeys *out, const ScChain *chain, Snapshot snapshot, char **why);

#endif							/* SC_NETWORK_ANNOUNCED_H */
