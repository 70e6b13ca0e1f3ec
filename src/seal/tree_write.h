/*
 * tree_write.h
 *	  Appending leaves to a chain's stored tree.
 */
#ifndef SC_SEAL_TREE_WRITE_H
#define SC_SEAL_TREE_WRITE_H

#include "postgres.h"

#include "core/tree.h"
#include "seal/places.h"
#include "utils/snapshot.h"

typedef struct ScTreeWriter ScTreeWriter;

/* continues the tree of `size` leaves, as the snapshot shows it */
extern ScTreeWriter *sc_tree_writer_begin(int32 chain_id, int64 size, Snapshot snapshot);
/* the root so far */
extern void sc_tree_writer_root(ScHash *out, ScTreeWriter *writer);
/* the leaves so far */
extern const ScFrontier *sc_tree_writer_frontier(const ScTreeWriter *writer);
/* one more leaf; stores every tile that is full */
extern void sc_tree_writer_append(ScTreeWriter *writer, const ScHash *leaf, int32 table_id, const ItemPointerData *tid);
/* stores the tiles that are not full and ends */
extern void sc_tree_writer_end(ScTreeWriter *writer);

#endif							/* SC_SEAL_TREE_WRITE_H */
