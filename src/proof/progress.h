/*
 * progress.h
 *	  How far a run of verify() is, for the view verify_progress.
 */
#ifndef SC_PROOF_PROGRESS_H
#define SC_PROOF_PROGRESS_H

#include "postgres.h"

/* what counts in `done` and `total` depends on the phase */
typedef enum ScPhase
{
	SC_PHASE_LOAD,				/* pages of the extension's tables */
	SC_PHASE_TREE,				/* leaves */
	SC_PHASE_ROWS,				/* pages of the table */
	SC_PHASE_LEFT,				/* leaves */
	SC_PHASE_INDEXES			/* indexes */
} ScPhase;

extern void sc_progress_init(void); /* shared memory request, from _PG_init */

/* all do nothing when no slot was free */
extern void sc_progress_begin(void);
extern void sc_progress_phase(ScPhase phase, Oid relation, int64 total);
extern void sc_progress_done(int64 done);
extern void sc_progress_end(void);

#endif							/* SC_PROOF_PROGRESS_H */
