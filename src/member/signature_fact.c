/*
 * signature_fact.c
 *	  Signatures that the running transaction has checked, until their rows are stored.
 *
 * The trigger checks, the access method stores: in between other triggers may
 * change the row or insert rows of their own.  What was checked is kept here
 * by table and signature.
 *
 * Invariant: the lock on the signer's keys under which a fact was found is
 * still held: a fact goes with the subtransaction that found it.
 * Memory: TopTransactionContext; of facts whose rows never came, because a
 * trigger or ON CONFLICT left them out, the latest thousand.
 */
#include "postgres.h"

#include "member/signature_fact.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "utils/memutils.h"

#define FACTS_MAX 1000

typedef struct Entry
{
	dlist_node	node;
	SubTransactionId subid;
	ScSignatureFact fact;
} Entry;

static dlist_head facts = DLIST_STATIC_INIT(facts); /* the latest first */
static int	nfacts = 0;

#define entry_of(pointer) ((Entry *) ((char *) (pointer) - offsetof(Entry, fact)))

/* takes one out */
static void
drop_entry(Entry *entry)
{
	dlist_delete(&entry->node);
	nfacts--;
	pfree(entry->fact.key);
	pfree(entry);
}

void
sc_fact_add(Oid relid, const char *signature, int len, const ScHash *digest,
			TimestampTz from, TimestampTz until, const char *key)
{
	Entry	   *entry = MemoryContextAlloc(TopTransactionContext, offsetof(Entry, fact.signature) + len);

	entry->subid = GetCurrentSubTransactionId();
	entry->fact.relid = relid;
	entry->fact.digest = *digest;
	entry->fact.from = from;
	entry->fact.until = until;
	entry->fact.key = MemoryContextStrdup(TopTransactionContext, key);
	entry->fact.len = len;
	memcpy(entry->fact.signature, signature, len);
	dlist_push_head(&facts, &entry->node);
	if (++nfacts > FACTS_MAX)
		drop_entry(dlist_container(Entry, node, dlist_tail_node(&facts)));
}

const ScSignatureFact *
sc_fact_find(Oid relid, const char *signature, int len)
{
	dlist_iter	iter;

	dlist_foreach(iter, &facts)
	{
		const ScSignatureFact *fact = &dlist_container(Entry, node, iter.cur)->fact;

		if (fact->relid == relid && fact->len == len && memcmp(fact->signature, signature, len) == 0)
			return fact;
	}
	return NULL;
}

void
sc_fact_drop(const ScSignatureFact *fact)
{
	drop_entry(entry_of(fact));
}

void
sc_facts_forget(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &facts)
		drop_entry(dlist_container(Entry, node, iter.cur));
}

/* the memory goes with the transaction */
static void
forget(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE || event == XACT_EVENT_ABORT)
	{
		dlist_init(&facts);
		nfacts = 0;
	}
}

/* what a subtransaction found is its parent's when it commits, and nobody's when it is rolled back */
static void
forget_sub(SubXactEvent event, SubTransactionId subid, SubTransactionId parent_subid, void *arg)
{
	dlist_mutable_iter iter;

	if (nfacts == 0 || (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB))
		return;
	dlist_foreach_modify(iter, &facts)
	{
		Entry	   *entry = dlist_container(Entry, node, iter.cur);

		if (entry->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			entry->subid = parent_subid;
		else
			drop_entry(entry);
	}
}

void
sc_fact_init(void)
{
	RegisterXactCallback(forget, NULL);
	RegisterSubXactCallback(forget_sub, NULL);
}
