/*
 * signature_guard.h
 *	  The access method's part of checking signatures.
 */
#ifndef SC_MEMBER_SIGNATURE_GUARD_H
#define SC_MEMBER_SIGNATURE_GUARD_H

/* the running transaction has changed members or keys: what it found of signatures before does not count any more */
extern void sc_signature_forget(void);

/* registers the guard, and what forgets with transactions; from _PG_init */
extern void sc_signature_init(void);

#endif							/* SC_MEMBER_SIGNATURE_GUARD_H */
