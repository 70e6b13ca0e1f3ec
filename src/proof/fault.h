/*
 * fault.h
 *	  Faults: the words for what verification finds, and the list that collects them.
 *
 * The words are a promise (docs/verify.md explains each): programs compare
 * them.  A new kind of fault gets a new word.
 */
#ifndef SC_PROOF_FAULT_H
#define SC_PROOF_FAULT_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "core/hash.h"
#include "utils/tuplestore.h"

/* rows */
#define SC_FAULT_ROW_ALTERED "row altered"
#define SC_FAULT_ROW_MISSING "row missing"
#define SC_FAULT_ROW_ADDED "row added"
#define SC_FAULT_ROW_MOVED "row moved"
#define SC_FAULT_ROW_DUPLICATED "row duplicated"
#define SC_FAULT_ROW_UNREADABLE "row unreadable"
#define SC_FAULT_PAGE_UNREADABLE "page unreadable"
/* signed rows: what counts as used */
#define SC_FAULT_PAYLOAD_MISSING "signed payload missing"
#define SC_FAULT_PAYLOAD_ADDED "signed payload added"
#define SC_FAULT_PAYLOAD_ALTERED "signed payload altered"
/* tables and registry */
#define SC_FAULT_TABLE_REPLACED "table replaced"
#define SC_FAULT_TABLE_MISSING "table missing"
#define SC_FAULT_TABLE_UNKNOWN "table unknown"
#define SC_FAULT_REGISTRY_ALTERED "registry altered"
#define SC_FAULT_SEQUENCE_ALTERED "sequence altered"
/* events and journal */
#define SC_FAULT_EVENT_ALTERED "event altered"
#define SC_FAULT_EVENT_MISSING "event missing"
#define SC_FAULT_EVENT_ADDED "event added"
#define SC_FAULT_EVENT_DUPLICATED "event duplicated"
#define SC_FAULT_JOURNAL_ALTERED "journal altered"
/* blocks and tree */
#define SC_FAULT_BLOCK_ALTERED "block altered"
#define SC_FAULT_BLOCK_MISSING "block missing"
#define SC_FAULT_BLOCK_DUPLICATED "block duplicated"
#define SC_FAULT_BLOCK_ORDER "block order"
#define SC_FAULT_BLOCK_LINK "block link broken"
#define SC_FAULT_MEMBERS_ALTERED "members altered"
#define SC_FAULT_NODE_ALTERED "tree node altered"
#define SC_FAULT_NODE_MISSING "tree node missing"
#define SC_FAULT_NODE_ADDED "tree node added"
#define SC_FAULT_ROOT_DIFFERS "root differs"
/* signatures and checkpoints */
#define SC_FAULT_SIGNATURE_WRONG "signature wrong"
#define SC_FAULT_SIGNATURE_MISSING "signature missing"
#define SC_FAULT_SIGNATURE_NOT_APPROVED "signature not approved"
#define SC_FAULT_CHECKPOINT_NOT_EXTENDED "checkpoint not extended"
#define SC_FAULT_CHECKPOINT_SIGNATURE "checkpoint signature wrong"
#define SC_FAULT_CHECKPOINT_NOT_APPROVED "checkpoint not approved"
/* time from outside */
#define SC_FAULT_STAMP_WRONG "timestamp wrong"
#define SC_FAULT_STAMP_OTHER_ROOT "timestamp of another root"
#define SC_FAULT_STAMP_NOT_TRUSTED "timestamp not trusted"
/* what rules of contracts keep */
#define SC_FAULT_STATE_DIFFERS "rule state differs"
/* indexes */
#define SC_FAULT_INDEX_MISSING "index entry missing"
#define SC_FAULT_INDEX_NOWHERE "index entry points nowhere"
#define SC_FAULT_INDEX_DIFFERS "index entry differs"
#define SC_FAULT_INDEX_UNREADABLE "index unreadable"

/* "no value" in ledger_seq, height and leaf */
#define SC_NONE PG_INT64_MIN

typedef struct ScFault
{
	const char *fault;			/* one of the words above */
	int32		chain_id;		/* order of the report: chain, then leaf */
	int64		leaf;			/* SC_NONE: behind all leaves of the chain */
	const char *chain;			/* as users call it, or NULL */
	Oid			relation;		/* InvalidOid: NULL */
	int64		ledger_seq;		/* SC_NONE: NULL */
	int64		height;			/* SC_NONE: NULL */
	const void *expected;		/* NULL: NULL */
	size_t		expectedlen;
	const void *found;
	size_t		foundlen;
} ScFault;

typedef struct ScFaults ScFaults;

/*
 * A list that spills to disk.  It lives in the current memory context and
 * resource owner; sc_faults_add may be called inside subtransactions.
 */
extern ScFaults *sc_faults_begin(void);
extern void sc_faults_add(ScFaults *faults, const ScFault *fault);
extern int64 sc_faults_count(const ScFaults *faults);

/* sorts by chain and leaf, and writes rows of type seoulchain.fault; ends the list */
extern void sc_faults_emit(ScFaults *faults, Tuplestorestate *store, TupleDesc tupdesc);
extern void sc_faults_end(ScFaults *faults);

#endif							/* SC_PROOF_FAULT_H */
