/*
 * receipt.h
 *	  Making the file that proves a row.
 */
#ifndef SC_PROOF_RECEIPT_H
#define SC_PROOF_RECEIPT_H

#include "postgres.h"

#include "proof/locate.h"

/*
 * The receipt of a row in the signed checkpoint of tree_size leaves, 0 for
 * the newest (with final, the newest final one), with the cosignatures known
 * here.  Errors: not sealed, not signed or not final, no such checkpoint, and
 * DATA_CORRUPTED when the row is not what was sealed.
 */
extern text *sc_receipt_text(const ScRowPlace *place, int64 tree_size, bool final, Snapshot snapshot);

/* the receipt of an event under the checkpoint of its own block; NULL while that is not signed */
extern text *sc_event_receipt(const ScChain *chain, int64 ledger_seq, Snapshot snapshot);

/* the same under the signed checkpoint of that size, with the cosignatures known here; NULL when there is none that holds it */
extern text *sc_event_receipt_at(const ScChain *chain, int64 ledger_seq, int64 tree_size, Snapshot snapshot);

#endif							/* SC_PROOF_RECEIPT_H */
