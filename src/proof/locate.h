/*
 * locate.h
 *	  Finding a ledger row by its ledger_seq, for a caller who may read it.
 */
#ifndef SC_PROOF_LOCATE_H
#define SC_PROOF_LOCATE_H

#include "postgres.h"

#include "core/hash.h"
#include "executor/tuptable.h"
#include "ledger/registry.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

typedef struct ScRowPlace
{
	Relation	rel;			/* open, AccessShareLock */
	ScLedgerTable *table;
	ScChain    *chain;
	int64		ledger_seq;
	int64		leaf_index;		/* -1 while not sealed */
	ScHash		leaf_hash;		/* from the tree; only when sealed */
	TupleTableSlot *slot;		/* the row */
} ScRowPlace;

/*
 * Opens the relation and finds the row.  Errors: WRONG_OBJECT_TYPE,
 * INSUFFICIENT_PRIVILEGE, NO_DATA_FOUND.  The caller ends with sc_row_done.
 */
extern void sc_row_locate(ScRowPlace *out, Oid relid, int64 ledger_seq, Snapshot snapshot);

/* the same if the row is sealed; else false, and nothing has been opened */
extern bool sc_row_locate_sealed(ScRowPlace *out, Oid relid, int64 ledger_seq, Snapshot snapshot);

/*
 * Fetches the row of place->ledger_seq into place->slot for a caller who may
 * read it: at the hint, by an index, or by reading the table.  False when there
 * is none.  Requires rel, slot, ledger_seq and leaf_index.
 */
extern bool sc_row_fetch(ScRowPlace *place, ItemPointer hint, Snapshot snapshot);

extern void sc_row_done(ScRowPlace *place);

/* the caller is a superuser or belongs to seoulchain_auditor */
extern bool sc_caller_is_auditor(void);

#endif							/* SC_PROOF_LOCATE_H */
