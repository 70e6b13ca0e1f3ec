/*
 * target.c
 *	  What an insert needs to know of its ledger table, cached per relation.
 *
 * Invariant: an entry is dropped when its relation, or any relation of the
 * registry, is invalidated; the registry's writers invalidate the ledger
 * table, open_chain() the table seoulchain.chain.
 * Locks: none beyond the registry reads of a cache miss.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "ledger/copy.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "ledger/row_guard.h"
#include "ledger/settings.h"
#include "ledger/target.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

static HTAB *targets = NULL;
static Oid	registry_chain = InvalidOid;	/* as of the first entry */
static uint64 generation = 0;	/* counts invalidations */

/* drops every entry */
static void
drop_all(void)
{
	HASH_SEQ_STATUS status;
	ScTarget   *entry;

	hash_seq_init(&status, targets);
	while ((entry = hash_seq_search(&status)) != NULL)
		hash_search(targets, &entry->relid, HASH_REMOVE, NULL);
}

/* relcache callback: relid InvalidOid means all */
static void
target_invalidate(Datum arg, Oid relid)
{
	generation++;
	if (targets == NULL || hash_get_num_entries(targets) == 0)
		return;
	if (!OidIsValid(relid) || relid == registry_chain)
		drop_all();
	else
		hash_search(targets, &relid, HASH_REMOVE, NULL);
}

void
sc_target_init(void)
{
	CacheRegisterRelcacheCallback(target_invalidate, (Datum) 0);
}

static HTAB *
make_cache(void)
{
	HASHCTL		ctl = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(ScTarget),
		.hcxt = CacheMemoryContext
	};

	return hash_create("seoulchain insert targets", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* the attribute number of one of the ledger's own columns */
static AttrNumber
own_attno(Relation rel, const char *column)
{
	AttrNumber	attno = get_attnum(RelationGetRelid(rel), column);

	if (attno == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("ledger table \"%s\" has no column \"%s\"", RelationGetRelationName(rel), column),
				 errhint("SELECT * FROM seoulchain.verify(%s); tells what else was changed.",
						 sc_refuse_literal(RelationGetRelid(rel)))));
	return attno;
}

/* reads the registry; false when the relation is not in it */
static bool
load_target(Relation rel, ScTarget *target)
{
	ScLedgerTable *table = sc_ledger_by_relation(RelationGetRelid(rel), true);
	ScChain    *chain;

	if (table == NULL)
		return false;
	chain = sc_chain_by_id(table->chain_id, sc_restore);
	if (chain == NULL)
		return false;			/* a dump is being loaded, and the chain has not come yet */
	target->relid = RelationGetRelid(rel);
	target->chain_id = table->chain_id;
	target->table_id = table->table_id;
	target->sequence = chain->sequence;
	target->open = sc_chain_is_open(chain);
	target->copy = chain->copy;
	target->writer = chain->copy && sc_copy_may_write(chain);
	target->shared = chain->shared;
	target->seq_attno = own_attno(rel, SC_LEDGER_SEQ);
	target->time_attno = table->time_seq != 0 ? own_attno(rel, SC_LEDGER_TIME) : InvalidAttrNumber;
	/* a copy's rows were judged where they were inserted, and are judged again when their block is integrated */
	target->guards = chain->copy ? 0 : sc_row_guards_wanted(rel, target);
	if (target->guards != 0 && target->time_attno == InvalidAttrNumber)
		elog(ERROR, "rows of ledger table \"%s\" are judged but have no acceptance time", RelationGetRelationName(rel));
	return true;
}

bool
sc_target_find(Relation rel, ScTarget *target)
{
	Oid			relid = RelationGetRelid(rel);
	uint64		before;
	ScTarget   *entry;

	if (targets == NULL)
		targets = make_cache();
	entry = hash_search(targets, &relid, HASH_FIND, NULL);
	if (entry != NULL)
	{
		*target = *entry;
		return true;
	}

	/* load first: it can fail, and the cache must not see a half-made entry */
	registry_chain = sc_registry_relation("chain");
	before = generation;
	if (!load_target(rel, target))
		return false;
	if (generation != before)
		return true;			/* right for now, but not to be kept: a message came meanwhile */
	entry = hash_search(targets, &relid, HASH_ENTER, NULL);
	*entry = *target;
	return true;
}
