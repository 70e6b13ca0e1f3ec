/*
 * guard.c
 *	  The row guard of the members' tables: locks before, checks, and who has to be told.
 *
 * Invariant: no row is stored in these tables that check*.c would refuse,
 * whoever inserts it and by whatever path.
 * Locks: what ends a signature's ground (suspend, resume, revoke, replace, any
 * change of a delegation) takes the member's part exclusively, what adds a key
 * shares it; authorities and lists exclude everybody who uses certificates.
 * Effects: a relcache message when something changes of which sessions keep a digest.
 */
#include "postgres.h"

#include "ledger/row_guard.h"
#include "member/authority.h"
#include "member/check.h"
#include "member/entries.h"
#include "member/lock.h"
#include "member/lookup.h"
#include "member/member.h"
#include "member/signature_guard.h"
#include "member/tables.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

static bool
guard_wanted(Relation rel, const ScTarget *target)
{
	int32		chain_id;
	ScMemberTable table;

	return sc_member_table_of(RelationGetRelid(rel), &chain_id, &table);
}

/* the row in the slot, and which table it is for */
static ScMemberTable
open_row(Relation rel, const ScTarget *target, TupleTableSlot *slot, ScMemberTables *tables, ScMemberRow *row)
{
	ScMemberTable table = SC_MT_MEMBER;

	sc_member_tables_require(target->chain_id, tables);
	for (int i = 0; i < SC_MT_COUNT; i++)
		if (tables->t[i].relid == RelationGetRelid(rel))
			table = (ScMemberTable) i;
	slot_getallattrs(slot);
	sc_member_row(tables, table, slot->tts_values, slot->tts_isnull, row);
	return table;
}

/* locks the member that a column names; a row without one will be refused */
static void
lock_member(int32 chain_id, const ScMemberRow *row, int column, bool exclusive)
{
	char	   *member;

	if (row->nulls[column])
		return;
	member = TextDatumGetCString(row->values[column]);
	sc_member_lock(chain_id, member, exclusive);
	pfree(member);
}

static void
guard_lock(Relation rel, const ScTarget *target, TupleTableSlot *slot)
{
	ScMemberTables tables;
	ScMemberRow row;

	switch (open_row(rel, target, slot, &tables, &row))
	{
		case SC_MT_MEMBER:
			break;				/* the unique index lets only one in */
		case SC_MT_KEY:
			lock_member(target->chain_id, &row, SC_K_MEMBER, !row.nulls[SC_K_REPLACES]);
			if (!row.nulls[SC_K_CERTIFICATE])
				sc_authorities_lock(target->chain_id, false);
			break;
		case SC_MT_STATUS:
			lock_member(target->chain_id, &row, SC_S_MEMBER, true);
			break;
		case SC_MT_DELEGATION:
			lock_member(target->chain_id, &row, SC_D_MEMBER, true);
			lock_member(target->chain_id, &row, SC_D_DELEGATE, false);
			break;
		case SC_MT_AUTHORITY:
		case SC_MT_CRL:
			sc_authorities_lock(target->chain_id, true);
			break;
	}
}

/* the check of one table's row */
static void
check_row(ScMemberTable table, const ScCheck *check)
{
	switch (table)
	{
		case SC_MT_MEMBER:
			sc_check_member(check);
			break;
		case SC_MT_KEY:
			sc_check_key(check);
			break;
		case SC_MT_STATUS:
			sc_check_status(check);
			break;
		case SC_MT_DELEGATION:
			sc_check_delegation(check);
			break;
		case SC_MT_AUTHORITY:
			sc_check_authority(check);
			break;
		case SC_MT_CRL:
			sc_check_crl(check);
			break;
	}
}

static void
guard_check(Relation rel, const ScTarget *target, TupleTableSlot *slot, TimestampTz time)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "seoulchain member", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	ScMemberTables tables;
	ScMemberRow row;
	ScMemberTable table = open_row(rel, target, slot, &tables, &row);
	ScCheck		check = {.tables = &tables, .row = &row, .time = time};

	check.snapshot = sc_member_snapshot();
	check_row(table, &check);
	UnregisterSnapshot(check.snapshot);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

static void
guard_effect(Relation rel, const ScTarget *target, TupleTableSlot *slot, int64 ledger_seq, TimestampTz time)
{
	ScMemberTables tables;
	ScMemberRow row;
	ScMemberTable table = open_row(rel, target, slot, &tables, &row);

	if (table == SC_MT_AUTHORITY || table == SC_MT_CRL)
		sc_authorities_changed(&tables);
	else if (table == SC_MT_STATUS || table == SC_MT_DELEGATION)
		sc_entries_changed(&tables, table);
	sc_signature_forget();
}

void
sc_member_init(void)
{
	static const ScRowGuard guard = {guard_wanted, guard_lock, guard_check, guard_effect};

	sc_authority_init();
	sc_entries_init();
	sc_member_tables_init();
	sc_row_guard_register(&guard);
}
