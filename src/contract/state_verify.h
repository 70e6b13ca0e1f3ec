/*
 * state_verify.h
 *	  The contract room's part in verify(): what rules keep against what rows say.
 */
#ifndef SC_CONTRACT_STATE_VERIFY_H
#define SC_CONTRACT_STATE_VERIFY_H

extern void sc_state_verify_init(void);

#endif							/* SC_CONTRACT_STATE_VERIFY_H */
