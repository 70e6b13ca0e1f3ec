/*
 * lock.h
 *	  Locks of the registry that only this room takes; sc_member_lock is in lookup.h.
 */
#ifndef SC_MEMBER_LOCK_H
#define SC_MEMBER_LOCK_H

#include "postgres.h"

/* the same between signers with certificates and changes of authorities and revocation lists */
extern void sc_authorities_lock(int32 chain_id, bool exclusive);

#endif							/* SC_MEMBER_LOCK_H */
