/*
 * registry_verify.h
 *	  For verify(): policies and public chains against the chain's events.
 */
#ifndef SC_NETWORK_REGISTRY_VERIFY_H
#define SC_NETWORK_REGISTRY_VERIFY_H

extern void sc_network_verify_init(void);

#endif							/* SC_NETWORK_REGISTRY_VERIFY_H */
