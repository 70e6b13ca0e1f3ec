/*
 * gate.h
 *	  A shared chain takes no rows and seals no blocks before its peers were asked what was signed.
 */
#ifndef SC_NETWORK_GATE_H
#define SC_NETWORK_GATE_H

#include "postgres.h"

/* this process is the one that asks the peers: it waits for nobody */
extern bool sc_gate_keeper;

/* sets the hooks of the ledger and seal rooms; from _PG_init */
extern void sc_gate_init(void);

#endif							/* SC_NETWORK_GATE_H */
