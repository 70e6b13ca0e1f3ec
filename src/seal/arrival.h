/*
 * arrival.h
 *	  Telling the sealing worker that something about a copy has come.
 */
#ifndef SC_SEAL_ARRIVAL_H
#define SC_SEAL_ARRIVAL_H

/*
 * When the running transaction commits, the worker of this database is woken
 * and gives copies their turn at once, whatever seal_interval says.
 */
extern void sc_arrival_at_commit(void);

extern void sc_arrival_init(void);

#endif							/* SC_SEAL_ARRIVAL_H */
