/*
 * network_settings.h
 *	  Settings of the network room.
 */
#ifndef SC_NETWORK_NETWORK_SETTINGS_H
#define SC_NETWORK_NETWORK_SETTINGS_H

extern int	sc_network_timeout; /* ms that a peer has to answer */
extern int	sc_network_retry;	/* ms between two attempts at most */

extern void sc_network_settings_init(void);

#endif							/* SC_NETWORK_NETWORK_SETTINGS_H */
