/*
 * row_store.h
 *	  Changing a ledger table below its access method, for repair and recovery alone.
 */
#ifndef SC_NETWORK_ROW_STORE_H
#define SC_NETWORK_ROW_STORE_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

typedef struct ScRowStore ScRowStore;

/*
 * Begins to store rows of a relation, which the caller has locked against
 * writers.  with_indexes: each row gets its index entries at once; else the
 * caller makes the indexes anew (sc_row_store_reindex).
 */
extern ScRowStore *sc_row_store_begin(Relation rel, bool with_indexes);
/* stores a row that has its ledger_seq; generated columns are computed; *tid is where it stands */
extern void sc_row_store_insert(ScRowStore *store, TupleTableSlot *slot, ItemPointer tid);
extern void sc_row_store_end(ScRowStore *store);

/* makes an empty file for a relation, and for its TOAST table, whose file is gone, at once as well */
extern void sc_row_store_need_file(Relation rel);
/* takes an intact tuple away, with the transaction */
extern void sc_row_store_delete(Relation rel, const ItemPointerData *tid);

/* takes a tuple away at once, whatever the transaction's end: its TOAST values stay */
extern void sc_row_store_kill(Relation rel, const ItemPointerData *tid);

/* puts an empty page in place of one that cannot be read, at once as well */
extern void sc_row_store_reset_page(Relation rel, BlockNumber block);

/* the blocks of a relation that cannot be read, palloc'd; *count says how many */
extern BlockNumber *sc_row_store_bad_pages(Relation rel, int *count);

/* makes the relation's indexes anew, those of its TOAST table too */
extern void sc_row_store_reindex(Oid relid);

#endif							/* SC_NETWORK_ROW_STORE_H */
