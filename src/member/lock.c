/*
 * lock.c
 *	  The lock between those who sign and those who end what signatures rest on.
 *
 * Invariant: who signs holds the signer's part shared from before the check
 * until its transaction ends; who suspends, revokes, replaces or ends holds it
 * exclusively from before its acceptance time is read.  So a row accepted
 * after an end is one whose check saw it, and recorded times tell the order.
 * Locks: heavyweight, on (seoulchain.member_registry, chain, part): they
 * survive PREPARE TRANSACTION, are seen in pg_locks, and a huge COPY takes 64.
 * Effects: none else.
 */
#include "postgres.h"

#include "member/lock.h"

#include "common/hashfn.h"
#include "ledger/registry.h"
#include "member/lookup.h"
#include "member/tables.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/inval.h"

#define PARTS 64
#define AUTHORITIES PARTS		/* the part behind those of members */

/* takes one part; afterwards what others changed before is known */
static void
lock_part(int32 chain_id, int part, bool exclusive)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, sc_registry_relation(SC_MEMBER_REGISTRY), (Oid) chain_id, part);
	(void) LockAcquire(&tag, exclusive ? ExclusiveLock : ShareLock, false, false);
	AcceptInvalidationMessages();
}

void
sc_member_lock(int32 chain_id, const char *member, bool exclusive)
{
	uint32		hash = hash_bytes((const unsigned char *) member, strlen(member));

	lock_part(chain_id, hash % PARTS, exclusive);
}

void
sc_authorities_lock(int32 chain_id, bool exclusive)
{
	lock_part(chain_id, AUTHORITIES, exclusive);
}
