/*
 * delegation.c
 *	  Who may sign in a member's name, for which tables, until when.
 *
 * Invariant: for a member, a delegate and a table the last row up to a time
 * counts; it is in force from its own time until its date, the date excluded.
 * Effects: none.
 */
#include "postgres.h"

#include "member/delegation.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

List *
sc_text_array(Datum array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	List	   *texts = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
		texts = lappend(texts, nulls[i] ? NULL : TextDatumGetCString(elements[i]));
	return texts;
}

/* visitor: gathers rows */
static bool
take_row(void *state, const ScMemberRow *row)
{
	List	  **rows = state;
	ScDelegationRow *out = palloc0(sizeof(ScDelegationRow));

	out->seq = row->seq;
	out->time = row->time;
	out->delegate = TextDatumGetCString(row->values[SC_D_DELEGATE]);
	out->tables = sc_text_array(row->values[SC_D_TABLES]);
	out->grant = strcmp(TextDatumGetCString(row->values[SC_D_ACTION]), "grant") == 0;
	out->until = row->nulls[SC_D_UNTIL] ? DT_NOBEGIN : DatumGetTimestampTz(row->values[SC_D_UNTIL]);
	*rows = lappend(*rows, out);
	return true;
}

static int
compare_rows(const ListCell *a, const ListCell *b)
{
	const ScDelegationRow *x = lfirst(a);
	const ScDelegationRow *y = lfirst(b);

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

List *
sc_delegation_rows(const ScMemberTables *tables, const char *member, Snapshot snapshot)
{
	List	   *rows = NIL;

	sc_member_scan(tables, SC_MT_DELEGATION, SC_BY_MEMBER, member, snapshot, take_row, &rows);
	if (list_length(rows) > 1)
		list_sort(rows, compare_rows);
	return rows;
}

/* does the row speak of that table? */
static bool
names_table(const ScDelegationRow *row, const char *ledger_name)
{
	ListCell   *cell;

	foreach(cell, row->tables)
		if (lfirst(cell) != NULL && strcmp(lfirst(cell), ledger_name) == 0)
			return true;
	return false;
}

/* the entry of a delegate, made when there is none */
static ScDelegationAt *
entry_of(List **entries, char *delegate)
{
	ScDelegationAt *entry;
	ListCell   *cell;

	foreach(cell, *entries)
	{
		entry = lfirst(cell);
		if (strcmp(entry->delegate, delegate) == 0)
			return entry;
	}
	entry = palloc0(sizeof(ScDelegationAt));
	entry->delegate = delegate;
	entry->from = DT_NOBEGIN;
	entry->until = DT_NOEND;
	*entries = lappend(*entries, entry);
	return entry;
}

/* one more row: it replaces what was said before, or bounds how long that holds */
static void
advance(ScDelegationAt *entry, const ScDelegationRow *row, TimestampTz at)
{
	if (row->time > at)
	{
		entry->until = Min(entry->until, row->time);
		return;
	}
	entry->seq = row->seq;
	entry->good = row->grant && row->until > at;
	entry->from = row->grant && row->until <= at ? row->until : row->time;
	entry->until = entry->good ? row->until : DT_NOEND;
}

List *
sc_delegations_at(const List *rows, const char *ledger_name, TimestampTz at)
{
	List	   *entries = NIL;
	ListCell   *cell;

	foreach(cell, rows)
	{
		const ScDelegationRow *row = lfirst(cell);

		if (names_table(row, ledger_name))
			advance(entry_of(&entries, row->delegate), row, at);
	}
	return entries;
}
