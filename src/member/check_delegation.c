/*
 * check_delegation.c
 *	  Whether a member may let another sign in its name, and end that.
 *
 * Effects: none.
 */
#include "postgres.h"

#include "ledger/registry.h"
#include "member/check.h"
#include "member/delegation.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* the table of that ledger name on the chain, or NULL */
static const ScLedgerTable *
table_named(const List *tables, const char *name)
{
	ListCell   *cell;

	foreach(cell, tables)
		if (strcmp(((ScLedgerTable *) lfirst(cell))->ledger_name, name) == 0)
			return lfirst(cell);
	return NULL;
}

/* is the relation one of the registry's own? */
static bool
is_registry(const ScMemberTables *tables, Oid relid)
{
	for (int i = 0; i < SC_MT_COUNT; i++)
		if (tables->t[i].relid == relid)
			return true;
	return false;
}

/* one element of `tables` */
static void
check_table(const ScCheck *check, const List *known, const char *name)
{
	const ScLedgerTable *table = name ? table_named(known, name) : NULL;

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the chain has no ledger table \"%s\"", name ? name : ""),
				 errhint("Give ledger names, schema.table as they joined: SELECT ledger_name FROM seoulchain.ledger;")));
	if (table->dropped_seq != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("ledger table \"%s\" was dropped", name),
				 errhint("Delegate for tables that are there.")));
	if (is_registry(check->tables, table->relation))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nobody signs rows of \"%s\": it belongs to the members' registry", name),
				 errhint("Delegate for tables whose rows are signed.")));
}

/* all elements of `tables`: some, known, none twice */
static List *
checked_tables(const ScCheck *check)
{
	ArrayType  *array = check->row->nulls[SC_D_TABLES] ? NULL : DatumGetArrayTypeP(check->row->values[SC_D_TABLES]);
	List	   *names = array ? sc_text_array(PointerGetDatum(array)) : NIL;
	List	   *known = sc_ledger_list(check->tables->chain_id);

	if (names == NIL || ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a delegation names the tables that it is for"),
				 errhint("Give a list of ledger names: ARRAY['schema.table'].")));
	for (int i = 0; i < list_length(names); i++)
	{
		check_table(check, known, list_nth(names, i));
		for (int j = 0; j < i; j++)
			if (strcmp(list_nth(names, i), list_nth(names, j)) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("the delegation names \"%s\" twice", (char *) list_nth(names, i)),
						 errhint("Name each table once.")));
	}
	return names;
}

/* the date of a grant */
static void
check_until(const ScCheck *check)
{
	TimestampTz until;

	if (check->row->nulls[SC_D_UNTIL])
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("a delegation needs a date until which it is good"),
				 errhint("Give \"until\", a time that is still to come.")));
	until = DatumGetTimestampTz(check->row->values[SC_D_UNTIL]);
	if (TIMESTAMP_NOT_FINITE(until) || until <= check->time)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a delegation cannot be good until %s", timestamptz_to_str(until)),
				 errhint("Give a time that is still to come, and not infinity.")));
}

/* an end ends what is in force, and has no date of its own */
static void
check_end(const ScCheck *check, const char *member, const char *delegate, const List *names)
{
	List	   *rows = sc_delegation_rows(check->tables, member, check->snapshot);
	ListCell   *name;

	if (!check->row->nulls[SC_D_UNTIL])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the end of a delegation counts at once"),
				 errhint("Leave \"until\" out; to shorten a delegation, grant it again until an earlier date.")));
	foreach(name, names)
	{
		bool		in_force = false;
		ListCell   *cell;

		foreach(cell, sc_delegations_at(rows, lfirst(name), check->time))
		{
			const ScDelegationAt *at = lfirst(cell);

			in_force = in_force || (at->good && strcmp(at->delegate, delegate) == 0);
		}
		if (!in_force)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("member \"%s\" has not delegated \"%s\" to \"%s\"", member, (char *) lfirst(name), delegate),
					 errhint("SELECT * FROM seoulchain.delegations shows what is in force.")));
	}
}

void
sc_check_delegation(const ScCheck *check)
{
	char	   *member = sc_check_name(check, SC_MT_DELEGATION, SC_D_MEMBER);
	char	   *delegate = sc_check_name(check, SC_MT_DELEGATION, SC_D_DELEGATE);
	char	   *action = sc_check_text(check, SC_D_ACTION);
	bool		grant = action && strcmp(action, "grant") == 0;
	List	   *names;
	List	   *before;

	if (!grant && (action == NULL || strcmp(action, "end") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is nothing that can be done with a delegation", action ? action : ""),
				 errhint("Actions are grant and end.")));
	if (strcmp(member, delegate) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("member \"%s\" signs in its own name without a delegation", member),
				 errhint("Name another member as delegate.")));
	if (grant)
	{
		(void) sc_check_member_alive(check, member);
		(void) sc_check_member_alive(check, delegate);
	}
	else
	{
		sc_check_member_known(check, member);
		sc_check_member_known(check, delegate);
	}
	before = sc_delegation_rows(check->tables, member, check->snapshot);
	if (before != NIL)
		sc_check_clock(check, ((ScDelegationRow *) llast(before))->time, member);
	names = checked_tables(check);
	if (grant)
		check_until(check);
	else
		check_end(check, member, delegate, names);
}
