/*
 * row_guard.c
 *	  Calls the guards of higher rooms around an insert.
 *
 * Invariant: for one row the order is locks of all guards, acceptance time,
 * checks of all, ledger_seq, leaf, heap insert, effects of all.  So replaying
 * leaves in the order of ledger_seq gives the verdicts that the origin gave.
 * Not called in a restore, in a rewrite, in pg_upgrade and on closed chains.
 * Locks, effects: those of the guards.
 */
#include "postgres.h"

#include "ledger/row_guard.h"

/* a bit of ScTarget.guards for each */
#define MAX_GUARDS 8

static const ScRowGuard *guards[MAX_GUARDS];
static int	nguards = 0;

void
sc_row_guard_register(const ScRowGuard *guard)
{
	Assert(guard->wanted != NULL);
	if (nguards == MAX_GUARDS)
		elog(ERROR, "more than %d row guards", MAX_GUARDS);
	guards[nguards++] = guard;
}

uint8
sc_row_guards_wanted(Relation rel, const ScTarget *target)
{
	uint8		wanted = 0;

	for (int i = 0; i < nguards; i++)
		if (guards[i]->wanted(rel, target))
			wanted |= 1 << i;
	return wanted;
}

TimestampTz
sc_row_guards_check(Relation rel, const ScTarget *target, TupleTableSlot *slot)
{
	TimestampTz time;

	for (int i = 0; i < nguards; i++)
		if ((target->guards & (1 << i)) != 0 && guards[i]->lock != NULL)
			guards[i]->lock(rel, target, slot);
	time = GetCurrentTimestamp();
	for (int i = 0; i < nguards; i++)
		if ((target->guards & (1 << i)) != 0 && guards[i]->check != NULL)
			guards[i]->check(rel, target, slot, time);
	return time;
}

void
sc_row_guards_effect(Relation rel, const ScTarget *target, TupleTableSlot *slot, int64 ledger_seq, TimestampTz time)
{
	for (int i = 0; i < nguards; i++)
		if ((target->guards & (1 << i)) != 0 && guards[i]->effect != NULL)
			guards[i]->effect(rel, target, slot, ledger_seq, time);
}
