/*
 * registry_verify.c
 *	  For verify(): policies and public chains against the chain's events.
 *
 * seoulchain.policy decides what is final and seoulchain.public_chain what
 * everybody may read, and no hash covers either.  The events are leaves, and
 * say the same: what the two disagree on was altered in the table.
 *
 * Invariant: only events that agree with their leaves are believed.  Every
 * policy is the text of its event; a public chain has an event that says so;
 * no such event is without its row.  Of an event that brings no policy, as
 * another node may send one, there is no row.
 * Memory: the events of both types, in the run's context.
 */
#include "postgres.h"

#include "network/registry_verify.h"

#include "access/table.h"
#include "network/policy.h"
#include "network/public.h"
#include "proof/verify.h"
#include "utils/builtins.h"

/* an event of one of the types */
typedef struct Fact
{
	int32		chain_id;
	int64		seq;
	char	   *policy;			/* NULL: the chain becomes public */
	bool		met;			/* the table says the same */
} Fact;

typedef struct Run
{
	ScVerify   *v;
	List	   *facts;
} Run;

/* the text of a member if it is one, else NULL */
static const char *
text_of(const ScJson *event, const char *name)
{
	const ScJson *member = sc_json_member(event, name);

	return member != NULL && member->kind == SC_JSON_STRING && strlen(member->string) == member->len ? member->string : NULL;
}

/* an event that verify() believes */
static void
take_event(ScVerify *v, void **data, const ScVerifyChain *chain, int64 ledger_seq, const ScJson *event)
{
	const char *type = text_of(event, "type");
	bool		is_policy = type != NULL && strcmp(type, SC_POLICY_EVENT) == 0;
	const char *policy = is_policy ? text_of(event, "policy") : NULL;
	MemoryContext caller;
	Fact	   *fact;

	if (type == NULL || (is_policy ? policy == NULL : strcmp(type, SC_PUBLIC_EVENT) != 0))
		return;
	caller = MemoryContextSwitchTo(v->context);
	fact = palloc0(sizeof(Fact));
	fact->chain_id = chain->chain_id;
	fact->seq = ledger_seq;
	fact->policy = policy != NULL ? pstrdup(policy) : NULL;
	*data = lappend(*data, fact);
	MemoryContextSwitchTo(caller);
}

/* marks the event that says the same as a row, or reports that there is none */
static void
meet(const Run *run, int32 chain_id, int64 seq, const char *policy)
{
	const ScVerifyChain *chain = sc_verify_chain(run->v, chain_id);
	ListCell   *lc;

	if (chain != NULL && !sc_verify_wants(run->v, chain))
		return;
	foreach(lc, run->facts)
	{
		Fact	   *fact = lfirst(lc);

		if (fact->chain_id == chain_id && fact->seq == seq && (fact->policy == NULL) == (policy == NULL) &&
			(policy == NULL || strcmp(fact->policy, policy) == 0))
		{
			fact->met = true;
			return;
		}
	}
	sc_verify_registry_fault(run->v, chain_id, InvalidOid, seq);
}

/* one row of seoulchain.policy */
static void
policy_row(void *arg, ScScan *scan)
{
	meet(arg, DatumGetInt32(scan->values[SC_POLICY_ATTR_CHAIN_ID - 1]),
		 DatumGetInt64(scan->values[SC_POLICY_ATTR_SEQ - 1]),
		 TextDatumGetCString(scan->values[SC_POLICY_ATTR_TEXT - 1]));
}

/* one row of seoulchain.public_chain */
static void
public_row(void *arg, ScScan *scan)
{
	meet(arg, DatumGetInt32(scan->values[SC_PUBLIC_ATTR_CHAIN_ID - 1]),
		 DatumGetInt64(scan->values[SC_PUBLIC_ATTR_SEQ - 1]), NULL);
}

static void
scan_table(Run *run, const char *name, void (*row) (void *arg, ScScan *scan))
{
	Relation	rel = sc_verify_open(name);

	sc_verify_scan(run->v, rel, row, run);
	table_close(rel, NoLock);
}

/* has the chain a row for an event of this kind?  It is public once, by whichever of its events came first. */
static bool
is_met(const List *facts, const Fact *fact)
{
	ListCell   *lc;

	foreach(lc, facts)
	{
		const Fact *other = lfirst(lc);

		if (other->met && other->chain_id == fact->chain_id &&
			(other == fact || (fact->policy == NULL && other->policy == NULL)))
			return true;
	}
	return false;
}

static void
compare(ScVerify *v, void **data)
{
	Run			run = {v, *data};
	ListCell   *lc;

	scan_table(&run, "policy", policy_row);
	scan_table(&run, "public_chain", public_row);
	foreach(lc, run.facts)
	{
		const Fact *fact = lfirst(lc);

		if (!is_met(run.facts, fact))
			sc_verify_registry_fault(v, fact->chain_id, InvalidOid, fact->seq);
	}
}

void
sc_network_verify_init(void)
{
	static const ScVerifyEventHook hook = {take_event, compare};

	sc_verify_event_register(&hook);
}
