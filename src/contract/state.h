/*
 * state.h
 *	  What rules keep, in seoulchain.rule_state and seoulchain.rule_delta.
 *
 * A key is locked by locking its row, or by inserting one that keeps nothing
 * yet, until the transaction (or its savepoint) ends.  There is no limit on
 * how many a transaction may lock.
 */
#ifndef SC_CONTRACT_STATE_H
#define SC_CONTRACT_STATE_H

#include "postgres.h"

#include "access/htup.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

/* a table and its index; each is opened when it is first needed, because most rows need few of them */
typedef struct ScStateTable
{
	Relation	rel;
	Relation	index;
	struct IndexInfo *index_info;
} ScStateTable;

typedef struct ScState
{
	ScStateTable values;		/* rule_state */
	ScStateTable deltas;		/* rule_delta */
} ScState;

/* a key that the transaction holds */
typedef struct ScStateKey
{
	int32		rule_id;
	const char *key;
	bool		sums;			/* others may have added to it */
	ItemPointerData tid;		/* of its row in rule_state */
	bool		fresh;			/* written by the present command */
	const char *value;			/* NULL = nothing kept */
	bool		summed;			/* deltas are in value, and to be taken away with the next put */
	List	   *deltas;			/* their places: ItemPointer */
	bool		fresh_delta;
} ScStateKey;

extern void sc_state_open(ScState *state);

/* the locks stay, as those of any table that was written */
extern void sc_state_close(ScState *state);

/* waits for whoever holds the key, then reads its newest value; texts are palloc'd */
extern void sc_state_lock(ScState *state, ScStateKey *key);

/* is there a row for the key?  Without a lock: for those who are the only writer.  The value is palloc'd. */
extern bool sc_state_peek(ScState *state, int32 rule_id, const char *key, const char **value);

/* what is kept under a locked key, sums included */
extern const char *sc_state_get(ScState *state, ScStateKey *key);

/* value + amount, palloc'd; value NULL is 0 */
extern const char *sc_state_sum(const char *value, const char *amount);

/* keeps a value under a locked key */
extern void sc_state_put(ScState *state, ScStateKey *key, const char *value);

/* adds to a key that need not be locked; waits for nobody */
extern void sc_state_add(ScState *state, int32 rule_id, const char *key, const char *amount);

/* what a key that nobody has gets */
typedef struct ScStateRow
{
	int32		rule_id;
	const char *key;
	const char *value;
} ScStateRow;

/*
 * For rebuilding, with every writer of the rule's state shut out: keys that
 * nobody has, a page of them in one record of WAL, best in the order of the
 * index; a locked key away; all of a rule away.
 */
extern void sc_state_insert(ScState *state, const ScStateRow *rows, int nrows);
extern void sc_state_remove(ScState *state, ScStateKey *key);
extern void sc_state_forget(ScState *state, int32 rule_id);

#endif							/* SC_CONTRACT_STATE_H */
