/*
 * proof_init.h
 *	  What _PG_init calls for the proof room.
 */
#ifndef SC_PROOF_PROOF_INIT_H
#define SC_PROOF_PROOF_INIT_H

extern void sc_proof_init(void);

#endif							/* SC_PROOF_PROOF_INIT_H */
