/*
 * row_guard.h
 *	  What higher rooms have to say about a row before it is recorded, and what follows from it.
 */
#ifndef SC_LEDGER_ROW_GUARD_H
#define SC_LEDGER_ROW_GUARD_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "ledger/target.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

/* a guard: any function but wanted may be NULL */
typedef struct ScRowGuard
{
	/*
	 * Does it judge the rows of this table?  Asked once, when the target is
	 * cached; CacheInvalidateRelcache of the table has it asked again.
	 */
	bool		(*wanted) (Relation rel, const ScTarget *target);

	/* takes what locks the check needs, until the end of the transaction; may wait */
	void		(*lock) (Relation rel, const ScTarget *target, TupleTableSlot *slot);

	/*
	 * Raises an error when the row must not be stored; time is its acceptance
	 * time, read after all locks.  To see what others committed before, the
	 * guard takes a snapshot of its own.
	 */
	void		(*check) (Relation rel, const ScTarget *target, TupleTableSlot *slot, TimestampTz time);

	/* after heap has the row for good */
	void		(*effect) (Relation rel, const ScTarget *target, TupleTableSlot *slot, int64 ledger_seq, TimestampTz time);
} ScRowGuard;

/* adds a guard, for ever; from _PG_init.  Guards are asked in the order in which they came. */
extern void sc_row_guard_register(const ScRowGuard *guard);

/* the guards that want the table, as ScTarget.guards keeps them */
extern uint8 sc_row_guards_wanted(Relation rel, const ScTarget *target);

/* lock, then time, then check, of all guards of the target; returns the time */
extern TimestampTz sc_row_guards_check(Relation rel, const ScTarget *target, TupleTableSlot *slot);

/* the effects, of all guards of the target */
extern void sc_row_guards_effect(Relation rel, const ScTarget *target, TupleTableSlot *slot,
								 int64 ledger_seq, TimestampTz time);

#endif							/* SC_LEDGER_ROW_GUARD_H */
