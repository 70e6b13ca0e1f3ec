/*
 * contract_verify.h
 *	  For verify(): the registry tables of contracts against the chain's events.
 */
#ifndef SC_CONTRACT_CONTRACT_VERIFY_H
#define SC_CONTRACT_CONTRACT_VERIFY_H

/* has verify() ask; called once at start */
extern void sc_contract_verify_init(void);

#endif							/* SC_CONTRACT_CONTRACT_VERIFY_H */
