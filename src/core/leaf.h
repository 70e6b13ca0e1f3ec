/*
 * leaf.h
 *	  What a leaf's bytes say: a row, an event or a block (docs/format.md section 1).
 */
#ifndef SC_CORE_LEAF_H
#define SC_CORE_LEAF_H

#include "core/json.h"

typedef enum ScLeafKind
{
	SC_LEAF_ROW,
	SC_LEAF_EVENT,
	SC_LEAF_BLOCK
} ScLeafKind;

typedef struct ScLeaf
{
	ScLeafKind	kind;
	ScJson	   *json;			/* owns everything below */
	const ScJson *chain;
	const ScJson *seq;			/* rows and events */
	const ScJson *table;		/* rows, and events about a table; else NULL */
	const ScJson *columns;		/* rows */
	const ScJson *private;		/* rows; may be NULL */
	const ScJson *digests;		/* rows; may be NULL */
	const ScJson *time;			/* rows; may be NULL */
	const ScJson *event;		/* events */
	const ScJson *block;		/* blocks */
} ScLeaf;

/* SC_MALFORMED when the bytes are not a leaf of version 1, SC_TOO_LARGE; sc_leaf_free after SC_OK */
extern SC_WARN_UNUSED ScStatus sc_leaf_parse(ScLeaf *out, const void *data, size_t len);
extern void sc_leaf_free(ScLeaf *leaf);

#endif							/* SC_CORE_LEAF_H */
