/*
 * dispute.h
 *	  What this node found wrong with chains of other nodes.
 *
 * A finding is a row of seoulchain.dispute, once.  The sealing worker records
 * an event about it on a chain of this node, so that this node cannot deny
 * later what it said, and others hear of it.
 */
#ifndef SC_NETWORK_DISPUTE_H
#define SC_NETWORK_DISPUTE_H

#include "postgres.h"

#include "core/json.h"
#include "ledger/registry.h"

typedef struct ScFinding
{
	const char *origin;			/* the chain */
	int64		height;			/* the block that is wrong, -1 = none */
	int64		ledger_seq;		/* the row or event, 0 = none */
	const char *fault;			/* a word of docs/network.md */
	bool		proof;			/* the evidence convinces a stranger; else it is this node's word */
	const char *detail;			/* what was expected and what was found */
	const char *evidence;		/* of a proof: the dispute file; of a complaint: the checkpoint that it is about, or NULL */
} ScFinding;

/*
 * Files it, in the running transaction, unless there is one of the same
 * origin, height, ledger_seq and fault.  At commit the sealing worker is woken.
 */
extern void sc_dispute_file(const ScFinding *finding);

/*
 * Is this chain not to be cosigned?  True after a proof against it and after
 * a complaint about a block of it, until the dispute is settled.
 */
extern bool sc_disputed(const char *origin);

/* complaints about a chain hold nothing back any more; how many there were.  Proofs stay. */
extern int	sc_dispute_settle(const char *origin, const char *why);

/* records on a chain that the dispute of that event is settled */
extern void sc_dispute_record_settled(const ScChain *chain, int64 seq, const char *why);

/* a "dispute" event of a followed chain has come, in the running transaction: kept, and judged when it brings a proof */
extern void sc_dispute_apply_event(const ScChain *teller, int64 seq, const ScJson *event);

/* proofs about a chain that were heard before it was followed are judged; in a transaction with an active snapshot */
extern void sc_dispute_judge_heard(const char *origin);

/* the sealing worker, outside a transaction: records the events about disputes that have none */
extern void sc_dispute_record_events(void);

/* the event that tells of a dispute (dispute_event.c) */
#define SC_EVENT_DISPUTE "dispute"

/* faults that this room's files share; docs/network.md says what each means */
#define SC_FAULT_TWO_ROOTS "two roots"
#define SC_FAULT_REWRITTEN "rewritten history"
#define SC_FAULT_ROW_DIFFERS "row differs"
#define SC_FAULT_ROW_MISSING "row missing"
#define SC_FAULT_ROW_TWICE "row twice"
#define SC_FAULT_ROOT_DIFFERS "root differs"
#define SC_FAULT_BROKEN_LINK "broken link"
#define SC_FAULT_BAD_BLOCK "malformed block"
#define SC_FAULT_NOT_SIGNED "not signed"
#define SC_FAULT_BAD_SIGNATURE "member signature"
#define SC_FAULT_BROKEN_RULE "broken rule"

/* seoulchain.dispute */
enum
{
	SC_DISPUTE_ATTR_ORIGIN = 1,
	SC_DISPUTE_ATTR_HEIGHT,
	SC_DISPUTE_ATTR_SEQ,
	SC_DISPUTE_ATTR_FAULT,
	SC_DISPUTE_ATTR_PROOF,
	SC_DISPUTE_ATTR_DETAIL,
	SC_DISPUTE_ATTR_EVIDENCE,
	SC_DISPUTE_ATTR_FOUND_AT,
	SC_DISPUTE_ATTR_FILED_CHAIN_ID,
	SC_DISPUTE_ATTR_FILED_SEQ,
	SC_DISPUTE_ATTR_SETTLED_AT,
	SC_DISPUTE_ATTR_SETTLED_WHY
};

#define SC_DISPUTE_NATTS 12

extern void sc_dispute_init(void);

#endif							/* SC_NETWORK_DISPUTE_H */
