/*
 * reject.h
 *	  seoulchain.rejected: journal entries that could not be sealed, kept as evidence.
 */
#ifndef SC_SEAL_REJECT_H
#define SC_SEAL_REJECT_H

#include "postgres.h"

#include "seal/journal_read.h"

/* seoulchain.rejected */
#define SC_REJECTED_ATTR_CHAIN_ID 1
#define SC_REJECTED_ATTR_LEDGER_SEQ 2

/* a leaf whose ledger_seq is taken */
extern void sc_reject_leaf(int32 chain_id, const ScSealLeaf *leaf, const char *reason);
/* bytes that are no journal entry */
extern void sc_reject_entries(int32 chain_id, bytea *entries, const char *reason);

#endif							/* SC_SEAL_REJECT_H */
