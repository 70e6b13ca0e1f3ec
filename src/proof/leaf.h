/*
 * leaf.h
 *	  The leaf of a row that has been found.
 */
#ifndef SC_PROOF_LEAF_H
#define SC_PROOF_LEAF_H

#include "proof/locate.h"

/* the canonical JSON of the row as it is stored now, palloc'd */
extern char *sc_row_leaf_text(const ScRowPlace *place, size_t *len);

/* OBJECT_NOT_IN_PREREQUISITE_STATE and a hint unless the row is sealed */
extern void sc_row_require_sealed(const ScRowPlace *place);

#endif							/* SC_PROOF_LEAF_H */
