/*
 * time_authority.h
 *	  The authorities whose timestamps count in this database.
 */
#ifndef SC_SEAL_TIME_AUTHORITY_H
#define SC_SEAL_TIME_AUTHORITY_H

#include "postgres.h"

#include "sign/x509.h"
#include "utils/snapshot.h"

/*
 * Certificates and revocation lists, ready to judge tokens by; freed with the
 * current memory context.  A row that cannot be read is an error
 * (DATA_CORRUPTED).
 */
extern ScAuthorities *sc_time_authorities(Snapshot snapshot);

/* name under which the certificate with that SHA-256 is registered, palloc'd; NULL when it is not */
extern char *sc_time_authority_name(const ScHash *digest, Snapshot snapshot);

#endif							/* SC_SEAL_TIME_AUTHORITY_H */
