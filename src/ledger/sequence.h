/*
 * sequence.h
 *	  ledger_seq numbers: strides from the chain's sequence, handed out from shared memory.
 */
#ifndef SC_LEDGER_SEQUENCE_H
#define SC_LEDGER_SEQUENCE_H

#include "postgres.h"

/* one value of the chain's sequence stands for this many numbers: the sequence's INCREMENT */
#define SC_SEQUENCE_STRIDE 1024

/* `want` contiguous numbers at most, at least one; *first is the lowest, returns how many */
extern int	sc_sequence_take(int32 chain_id, Oid sequence, int want, int64 *first);

/*
 * Set by the network room: called once a session and chain before a number is
 * taken; may wait, or raise why the chain takes no rows.
 */
typedef void (*sc_sequence_gate_hook_type) (int32 chain_id);
extern PGDLLIMPORT sc_sequence_gate_hook_type sc_sequence_gate_hook;

/* asks it, unless this session has before */
extern void sc_sequence_gate(int32 chain_id);

/* gives numbers first .. limit - 1 back if nobody took one after them, else they stay a gap */
extern void sc_sequence_give_back(Oid sequence, int64 first, int64 limit);

extern void sc_sequence_init(void); /* shared memory request, from _PG_init */

#endif							/* SC_LEDGER_SEQUENCE_H */
