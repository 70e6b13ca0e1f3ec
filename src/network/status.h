/*
 * status.h
 *	  What network_status needs beyond the catalogs.
 */
#ifndef SC_NETWORK_STATUS_H
#define SC_NETWORK_STATUS_H

extern void sc_network_status_init(void);

#endif							/* SC_NETWORK_STATUS_H */
