/*
 * member.h
 *	  The start of the room.
 */
#ifndef SC_MEMBER_MEMBER_H
#define SC_MEMBER_MEMBER_H

/* registers guard and callbacks; from _PG_init, after the ledger room */
extern void sc_member_init(void);

#endif							/* SC_MEMBER_MEMBER_H */
