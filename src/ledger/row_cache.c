/*
 * row_cache.c
 *	  Keeps row formats by relation, for the insert path.
 *
 * Invariant: as in relation_cache.c; writers of seoulchain.ledger and
 * ledger_column call CacheInvalidateRelcacheByRelid on either.
 * Context: a transaction.
 */
#include "postgres.h"

#include "ledger/row_internal.h"

#include "ledger/relation_cache.h"
#include "utils/rel.h"

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

/* a format that rows can be recorded with */
static void *
make_format(Relation rel)
{
	ScRowFormat *format = sc_row_format_build(rel, CurrentMemoryContext);

	require_complete(rel, format);
	return format;
}

static ScRelationCache cache = {
	.name = "seoulchain row formats",
	.make = make_format,
	.depends = {"ledger", "ledger_column"}
};

const ScRowFormat *
sc_row_format(Relation rel)
{
	return sc_relation_cache_get(&cache, rel);
}

ScRowFormat *
sc_row_format_copy(Relation rel, MemoryContext context)
{
	return sc_row_format_build(rel, context);
}
