/*
 * contract_init.h
 *	  Start of the contract room, called once from _PG_init.
 */
#ifndef SC_CONTRACT_INIT_H
#define SC_CONTRACT_INIT_H

extern void sc_contract_init(void);

#endif							/* SC_CONTRACT_INIT_H */
