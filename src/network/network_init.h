/*
 * network_init.h
 *	  The network room's entry point.
 */
#ifndef SC_NETWORK_NETWORK_INIT_H
#define SC_NETWORK_NETWORK_INIT_H

/* called by _PG_init while libraries are preloaded */
extern void sc_network_init(void);

#endif							/* SC_NETWORK_NETWORK_INIT_H */
