/*
 * time_authority.h
 *	  The authorities whose timestamps count in this database.
 */
#ifndef SC_SEAL_TIME_AUTHORITY_H
#define SC_SEAL_TIME_AUTHORITY_H

#include "postgres.h"

#include "sign/x509.h"
#include "utils/snapshot.h"

/* seoulchain.time_authority */
#define SC_TIME_AUTHORITY_ATTR_DIGEST 1
#define SC_TIME_AUTHORITY_ATTR_NAME 2
#define SC_TIME_AUTHORITY_ATTR_SUBJECT 3
#define SC_TIME_AUTHORITY_ATTR_CERTIFICATE 4
#define SC_TIME_AUTHORITY_ATTR_TRUSTED 5
#define SC_TIME_AUTHORITY_ATTR_ADDED_BY 6
#define SC_TIME_AUTHORITY_ATTR_ADDED_AT 7
#define SC_TIME_AUTHORITY_NATTS 7

/* seoulchain.time_crl */
#define SC_TIME_CRL_ATTR_DIGEST 1
#define SC_TIME_CRL_ATTR_ISSUER 2
#define SC_TIME_CRL_ATTR_THIS_UPDATE 3
#define SC_TIME_CRL_ATTR_CRL 4
#define SC_TIME_CRL_ATTR_ADDED_BY 5
#define SC_TIME_CRL_ATTR_ADDED_AT 6
#define SC_TIME_CRL_NATTS 6

/* nobody yet; freed with the current memory context */
extern ScAuthorities *sc_time_authorities_new(void);

/* adds a certificate or list as its row has it; errors (DATA_CORRUPTED) when it cannot be read */
extern void sc_time_authorities_add(ScAuthorities *authorities, Datum certificate, bool trusted);
extern void sc_time_authorities_add_crl(ScAuthorities *authorities, Datum crl);

/*
 * Certificates and revocation lists, ready to judge tokens by; freed with the
 * current memory context.  A row that cannot be read is an error
 * (DATA_CORRUPTED).
 */
extern ScAuthorities *sc_time_authorities(Snapshot snapshot);

/* name under which the certificate with that SHA-256 is registered, palloc'd; NULL when it is not */
extern char *sc_time_authority_name(const ScHash *digest, Snapshot snapshot);

#endif							/* SC_SEAL_TIME_AUTHORITY_H */
