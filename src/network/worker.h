/*
 * worker.h
 *	  The network worker of a database: what carries out the wishes about peers.
 */
#ifndef SC_NETWORK_WORKER_H
#define SC_NETWORK_WORKER_H

#include "postgres.h"

/* entry point of the background process */
extern PGDLLEXPORT void sc_network_main(Datum arg);

/* has the sealing worker start it when there is work for it */
extern void sc_network_tend_init(void);

#endif							/* SC_NETWORK_WORKER_H */
