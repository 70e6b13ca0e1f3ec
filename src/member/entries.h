/*
 * entries.h
 *	  Does the registry say more of a member than its keys?  For most it does not.
 */
#ifndef SC_MEMBER_ENTRIES_H
#define SC_MEMBER_ENTRIES_H

#include "postgres.h"

#include "member/tables.h"

/*
 * false only if no row of status or delegation is about the member; true if
 * one may be.  For the newest committed state, under the member's lock.
 */
extern bool sc_member_has_entries(const ScMemberTables *tables, const char *member);

/* whoever inserts into status or delegation says so */
extern void sc_entries_changed(const ScMemberTables *tables, ScMemberTable table);

/* from _PG_init */
extern void sc_entries_init(void);

#endif							/* SC_MEMBER_ENTRIES_H */
