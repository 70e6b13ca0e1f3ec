/*
 * relation_cache.h
 *	  What a room has worked out about ledger tables, kept by relation for the insert path.
 */
#ifndef SC_LEDGER_RELATION_CACHE_H
#define SC_LEDGER_RELATION_CACHE_H

#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/relcache.h"

#define SC_RELATION_CACHE_DEPENDS 3

/* a cache; static, with the first three members set */
typedef struct ScRelationCache
{
	const char *name;			/* of its memory contexts */
	/* works the answer out, in the current memory context; NULL is an answer too */
	void	   *(*make) (Relation rel);
	/* tables of the registry (NULL when fewer) whose invalidation makes every answer stale */
	const char *depends[SC_RELATION_CACHE_DEPENDS];

	HTAB	   *entries;
	struct ScRelationCacheEntry *last;	/* the one asked for last; entries are never removed */
	Oid			depends_on[SC_RELATION_CACHE_DEPENDS];
	uint64		generation;		/* counts messages, so that one processed while an answer is made is not lost */
} ScRelationCache;

/*
 * The answer for a relation.  It holds until it is asked for again: a message
 * that is processed meanwhile only marks it stale.
 */
extern void *sc_relation_cache_get(ScRelationCache *cache, Relation rel);

#endif							/* SC_LEDGER_RELATION_CACHE_H */
