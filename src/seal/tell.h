/*
 * tell.h
 *	  Telling the sessions that wait for a seal that something else of theirs has come.
 */
#ifndef SC_SEAL_TELL_H
#define SC_SEAL_TELL_H

/* when the running transaction commits, those who are in sc_seal_wait() look again */
extern void sc_tell_at_commit(void);

extern void sc_tell_init(void);

#endif							/* SC_SEAL_TELL_H */
