/*
 * entries.c
 *	  Does the registry say more of a member than its keys?  For most it does not.
 *
 * Of a million members few were ever suspended, revoked or have delegated.  A
 * session keeps the hashes of their names, so that a signature by anybody else
 * costs one index search and not three.
 *
 * Invariant: the set holds every member of whom a row of status or delegation
 * that is committed, or the transaction's own, speaks.  Whoever inserts one
 * holds the member's lock exclusively and sends a relcache message, which
 * arrives before that lock is free; here it is received behind the lock
 * (lock.c).  Rows rolled back may leave a name in it, which costs a search.
 * Memory: the set of one chain, only while the two tables are small.
 */
#include "postgres.h"

#include "member/entries.h"

#include "access/table.h"
#include "common/hashfn.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* above this the set would take longer to read than it saves */
#define PAGES_MAX 256

static HTAB *names = NULL;		/* NULL: none kept */
static int32 names_chain = 0;
static bool too_many = false;	/* of names_chain: no set, search */
static Oid	names_relids[2];
static uint64 generation = 0;	/* counts invalidations */

static void
drop_names(void)
{
	generation++;
	if (names)
		hash_destroy(names);
	names = NULL;
	names_chain = 0;
	too_many = false;
}

/* relcache callback: relid InvalidOid means all */
static void
invalidate(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == names_relids[0] || relid == names_relids[1])
		drop_names();
}

void
sc_entries_init(void)
{
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
}

void
sc_entries_changed(const ScMemberTables *tables, ScMemberTable table)
{
	CacheInvalidateRelcacheByRelid(tables->t[table].relid);
	drop_names();				/* the running command looks before its own message comes */
}

static uint64
hash_name(const char *member)
{
	return hash_bytes_extended((const unsigned char *) member, strlen(member), 0);
}

/* visitor of both tables: their first column is the member */
static bool
take_name(void *state, const ScMemberRow *row)
{
	char	   *member = TextDatumGetCString(row->values[SC_S_MEMBER]);
	uint64		hash = hash_name(member);

	(void) hash_search(state, &hash, HASH_ENTER, NULL);
	pfree(member);
	return true;
}

static BlockNumber
pages_of(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	BlockNumber pages = RelationGetNumberOfBlocks(rel);

	table_close(rel, NoLock);
	return pages;
}

/* reads the set of a chain; false when a message came meanwhile */
static bool
read_names(const ScMemberTables *tables)
{
	HASHCTL		ctl = {.keysize = sizeof(uint64), .entrysize = sizeof(uint64), .hcxt = TopMemoryContext};
	HTAB	   *set;
	Snapshot	snapshot;
	uint64		before;
	bool		many;

	drop_names();
	names_relids[0] = tables->t[SC_MT_STATUS].relid;
	names_relids[1] = tables->t[SC_MT_DELEGATION].relid;
	many = pages_of(names_relids[0]) + pages_of(names_relids[1]) > PAGES_MAX;
	set = hash_create("seoulchain members with entries", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	before = generation;
	snapshot = sc_member_snapshot();
	PG_TRY();
	{
		if (!many)
			sc_member_scan_all(tables, SC_MT_STATUS, snapshot, take_name, set);
		if (!many)
			sc_member_scan_all(tables, SC_MT_DELEGATION, snapshot, take_name, set);
	}
	PG_CATCH();
	{
		hash_destroy(set);
		PG_RE_THROW();
	}
	PG_END_TRY();
	UnregisterSnapshot(snapshot);
	if (generation != before)
	{
		hash_destroy(set);
		return false;
	}
	names = set;
	names_chain = tables->chain_id;
	too_many = many;
	return true;
}

bool
sc_member_has_entries(const ScMemberTables *tables, const char *member)
{
	uint64		hash;

	if (names_chain != tables->chain_id && !read_names(tables))
		return true;
	if (too_many)
		return true;
	hash = hash_name(member);
	return hash_search(names, &hash, HASH_FIND, NULL) != NULL;
}
