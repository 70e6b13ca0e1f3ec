/*
 * repair.h
 *	  What repair and recovery changed, as rows of seoulchain.repair.
 */
#ifndef SC_NETWORK_REPAIR_H
#define SC_NETWORK_REPAIR_H

#include "postgres.h"

#include "core/hash.h"

/* table, peer and hash may be NULL; ledger_seq PG_INT64_MIN for none; tree_size counts with a hash only */
extern void sc_repair_record(const char *origin, const char *table, int64 ledger_seq, const char *action,
							 const char *peer, const ScHash *hash, int64 tree_size);

#endif							/* SC_NETWORK_REPAIR_H */
