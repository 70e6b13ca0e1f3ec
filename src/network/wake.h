/*
 * wake.h
 *	  Waking the network worker of this database when the running transaction commits.
 */
#ifndef SC_NETWORK_WAKE_H
#define SC_NETWORK_WAKE_H

#include "postgres.h"

/* there is a wish or a message for it; the sealing worker is told by sc_arrival_at_commit (seal/arrival.h) */
extern void sc_network_wake(void);

extern void sc_wake_init(void);

#endif							/* SC_NETWORK_WAKE_H */
