/*
 * row_cache.c
 *	  Keeps row formats by relation, for the insert path.
 *
 * Invariant: a format handed out was built after every invalidation message
 * that this session had processed by then.  A message only marks an entry
 * stale; its memory goes when the relation's format is asked for next, so a
 * caller may use a format while output functions process messages.
 *
 * Writers of seoulchain.ledger and ledger_column call
 * CacheInvalidateRelcacheByRelid on either: every entry is then stale.
 *
 * Context: a transaction.  Memory: children of CacheMemoryContext.
 */
#include "postgres.h"

#include "ledger/row_internal.h"

#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct CacheEntry
{
	Oid			relid;			/* hash key */
	bool		stale;
	MemoryContext context;		/* NULL while there is no format */
	ScRowFormat *format;
} CacheEntry;

static HTAB *cache = NULL;

/* the entry of the last relation asked for; entries are never removed */
static CacheEntry *last = NULL;

/* relations whose invalidation makes every entry stale */
static Oid	ledger_relid = InvalidOid;
static Oid	ledger_column_relid = InvalidOid;

/* counts messages, so that one processed during a build is not lost */
static uint64 generation = 0;

/* relcache callback: marks entries stale, frees nothing */
static void
invalidate(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	CacheEntry *entry;

	generation++;
	if (OidIsValid(relid) && relid != ledger_relid && relid != ledger_column_relid)
	{
		entry = hash_search(cache, &relid, HASH_FIND, NULL);
		if (entry != NULL)
			entry->stale = true;
		return;
	}
	hash_seq_init(&scan, cache);
	while ((entry = hash_seq_search(&scan)) != NULL)
		entry->stale = true;
}

/* makes the hash table, once a session */
static void
create_cache(void)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(CacheEntry);
	ctl.hcxt = CacheMemoryContext;
	cache = hash_create("seoulchain row formats", 32, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
}

/* errors when a format cannot be used to record rows */
static void
require_complete(Relation rel, const ScRowFormat *format)
{
	if (format->missing == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("ledger table \"%s\" has lost column \"%s\"",
					RelationGetRelationName(rel), format->missing),
			 errdetail("The registry of ledger columns has it, the table has not."),
			 errhint("Restore the table; SELECT * FROM seoulchain.verify() shows what else is wrong.")));
}

/* gives the entry a new format; the old one goes once the new one is there */
static void
rebuild(CacheEntry *entry, Relation rel)
{
	uint64		before = generation;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain row format", ALLOCSET_SMALL_SIZES);
	ScRowFormat *format;

	ledger_relid = sc_registry_relation("ledger");
	ledger_column_relid = sc_registry_relation("ledger_column");
	format = sc_row_format_build(rel, context);
	require_complete(rel, format);

	MemoryContextSetParent(context, CacheMemoryContext);
	if (entry->context != NULL)
		MemoryContextDelete(entry->context);
	entry->context = context;
	entry->format = format;
	entry->stale = generation != before;
}

const ScRowFormat *
sc_row_format(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	CacheEntry *entry = last;
	bool		found;

	if (entry != NULL && entry->relid == relid && !entry->stale)
		return entry->format;
	if (cache == NULL)
		create_cache();
	entry = hash_search(cache, &relid, HASH_ENTER, &found);
	if (!found)
	{
		entry->stale = true;
		entry->context = NULL;
		entry->format = NULL;
	}
	if (entry->stale)
		rebuild(entry, rel);
	last = entry;
	return entry->format;
}

ScRowFormat *
sc_row_format_copy(Relation rel, MemoryContext context)
{
	return sc_row_format_build(rel, context);
}
