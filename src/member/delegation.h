/*
 * delegation.h
 *	  Who may sign in a member's name, for which tables, until when.
 */
#ifndef SC_MEMBER_DELEGATION_H
#define SC_MEMBER_DELEGATION_H

#include "postgres.h"

#include "member/tables.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"

/* one row of delegation */
typedef struct ScDelegationRow
{
	int64		seq;
	TimestampTz time;
	char	   *delegate;
	List	   *tables;			/* ledger names, char * */
	TimestampTz until;			/* DT_NOBEGIN for an end */
	bool		grant;
} ScDelegationRow;

/* how things stand between a member and one delegate for one table at a time */
typedef struct ScDelegationAt
{
	char	   *delegate;
	int64		seq;			/* the row that says so */
	bool		good;
	TimestampTz from;
	TimestampTz until;
} ScDelegationAt;

/* elements of an array of text; a NULL element becomes NULL */
extern List *sc_text_array(Datum array);

/* a member's rows in the order of time: List of ScDelegationRow * */
extern List *sc_delegation_rows(const ScMemberTables *tables, const char *member, Snapshot snapshot);

/* what the rows say of a table, one entry for each delegate that it was ever granted to: List of ScDelegationAt * */
extern List *sc_delegations_at(const List *rows, const char *ledger_name, TimestampTz at);

#endif							/* SC_MEMBER_DELEGATION_H */
