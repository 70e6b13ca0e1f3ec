/*
 * relation_cache.c
 *	  What a room has worked out about ledger tables, kept by relation for the insert path.
 *
 * Invariant: an answer handed out was made after every invalidation message
 * that this session had processed by then.  A message only marks an answer
 * stale; its memory goes when the relation is asked for next, so a caller may
 * use it while output functions process messages.
 *
 * Writers of a registry table that answers depend on call
 * CacheInvalidateRelcacheByRelid on it, or on the ledger table concerned.
 *
 * Context: a transaction.  Memory: children of CacheMemoryContext.
 */
#include "postgres.h"

#include "ledger/relation_cache.h"

#include "ledger/registry.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct ScRelationCacheEntry
{
	Oid			relid;			/* hash key */
	bool		stale;
	MemoryContext context;		/* NULL while nothing was made */
	void	   *answer;
} ScRelationCacheEntry;

/* is it a table that every answer depends on? */
static bool
depends_on(const ScRelationCache *cache, Oid relid)
{
	for (int i = 0; i < SC_RELATION_CACHE_DEPENDS; i++)
		if (cache->depends_on[i] == relid)
			return true;
	return false;
}

/* relcache callback: marks entries stale, frees nothing */
static void
invalidate(Datum arg, Oid relid)
{
	ScRelationCache *cache = (ScRelationCache *) DatumGetPointer(arg);
	HASH_SEQ_STATUS scan;
	ScRelationCacheEntry *entry;

	cache->generation++;
	if (OidIsValid(relid) && !depends_on(cache, relid))
	{
		entry = hash_search(cache->entries, &relid, HASH_FIND, NULL);
		if (entry != NULL)
			entry->stale = true;
		return;
	}
	hash_seq_init(&scan, cache->entries);
	while ((entry = hash_seq_search(&scan)) != NULL)
		entry->stale = true;
}

/* makes the hash table, once a session */
static void
begin_cache(ScRelationCache *cache)
{
	HASHCTL		ctl = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(ScRelationCacheEntry),
		.hcxt = CacheMemoryContext
	};

	cache->entries = hash_create(cache->name, 32, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(invalidate, PointerGetDatum(cache));
}

/* gives the entry a new answer; the old one goes once the new one is there */
static void
make_answer(ScRelationCache *cache, ScRelationCacheEntry *entry, Relation rel)
{
	uint64		before = cache->generation;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain relation", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	void	   *answer;

	MemoryContextSetIdentifier(context, cache->name);
	for (int i = 0; i < SC_RELATION_CACHE_DEPENDS && cache->depends[i] != NULL; i++)
		cache->depends_on[i] = sc_registry_relation(cache->depends[i]);
	answer = cache->make(rel);
	MemoryContextSwitchTo(old);

	MemoryContextSetParent(context, CacheMemoryContext);
	if (entry->context != NULL)
		MemoryContextDelete(entry->context);
	entry->context = context;
	entry->answer = answer;
	entry->stale = cache->generation != before;
}

void *
sc_relation_cache_get(ScRelationCache *cache, Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	ScRelationCacheEntry *entry = cache->last;
	bool		found;

	if (entry != NULL && entry->relid == relid && !entry->stale)
		return entry->answer;
	if (cache->entries == NULL)
		begin_cache(cache);
	entry = hash_search(cache->entries, &relid, HASH_ENTER, &found);
	if (!found)
	{
		entry->stale = true;
		entry->context = NULL;
		entry->answer = NULL;
	}
	if (entry->stale)
		make_answer(cache, entry, rel);
	cache->last = entry;
	return entry->answer;
}
