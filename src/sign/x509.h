/*
 * x509.h
 *	  Certificates judged at a given time, up to authorities that somebody registered.
 *
 * There are no authorities by default: nothing of the system's list of web
 * authorities is ever used.
 */
#ifndef SC_SIGN_X509_H
#define SC_SIGN_X509_H

#include "core/buf.h"
#include "core/buf.h"
#include "sign/pubkey.h"

#define SC_CERT_NAME_MAX 512
#define SC_CRL_MAX (64 * 1024 * 1024)

typedef enum ScCertReason
{
	SC_CERT_OK = 0,
	SC_CERT_MALFORMED,			/* not one certificate (or CRL) in PEM or DER */
	SC_CERT_UNKNOWN_AUTHORITY,	/* no chain to a registered authority */
	SC_CERT_NOT_YET_VALID,
	SC_CERT_EXPIRED,
	SC_CERT_REVOKED,			/* at the time asked about; revoked_at tells since when */
	SC_CERT_WRONG_USAGE,		/* may not sign, or is an authority's own */
	SC_CERT_BAD_SIGNATURE,		/* a signature in the chain does not verify */
	SC_CERT_BAD_CHAIN,			/* an issuer that may not issue, a path that is too long, a name that is not permitted */
	SC_CERT_WEAK,				/* a key or hash in the chain is too weak */
	SC_CERT_UNSUPPORTED,		/* a critical extension that is not understood; a delta or indirect CRL */
	SC_CERT_KEY,				/* its key is none that members may have; key_reason tells */
	SC_CERT_NO_MEMORY
} ScCertReason;

typedef struct ScCertJudgement
{
	ScCertReason reason;
	ScPubkeyReason key_reason;
	int			depth;			/* which certificate is at fault: 0 the one judged, 1 its issuer, ... */
	char		subject[SC_CERT_NAME_MAX];	/* RFC 4514, of the certificate judged; cut when longer */
	char		issuer[SC_CERT_NAME_MAX];
	int64_t		not_before;		/* its validity, POSIX seconds */
	int64_t		not_after;		/* libcrypto takes this second itself as expired */
	int64_t		chain_from;		/* while every certificate of the chain is valid, once a chain was found */
	int64_t		chain_until;
	bool		has_authority;
	ScHash		authority;		/* SHA-256 of the registered certificate that the chain ends in */
	bool		revoked;		/* some CRL lists one of the chain, at whatever time */
	int64_t		revoked_at;		/* the earliest such time */
	int			revocation_reason;	/* RFC 5280 CRLReason given with it, the gravest of several; -1 when none is */
	bool		compromised;	/* some CRL gives a reason that spoils earlier signatures, too, or none */
	bool		has_invalid_since;
	int64_t		invalid_since;	/* a CRL says that the key may have been misused since; the earliest */
	bool		crls_current;	/* each certificate below the authority has a CRL that was not outdated then */
	ScMemberKey key;			/* unless MALFORMED or KEY */
} ScCertJudgement;

typedef struct ScAuthorities ScAuthorities;

extern ScAuthorities *sc_authorities_new(void); /* NULL when out of memory */
extern void sc_authorities_free(ScAuthorities *authorities);

/* one certificate each: trusted as it is, or only helpful to complete a chain */
extern SC_WARN_UNUSED ScCertReason sc_authorities_add_anchor(ScAuthorities *authorities, const void *data, size_t len);
extern SC_WARN_UNUSED ScCertReason sc_authorities_add_intermediate(ScAuthorities *authorities, const void *data, size_t len);

/* PEM with one or more certificates: those that signed themselves are trusted, the others help */
extern SC_WARN_UNUSED ScCertReason sc_authorities_add_bundle(ScAuthorities *authorities, const void *data, size_t len);

/* a CRL; whom it binds is found out when a certificate is judged, its signature checked then */
extern SC_WARN_UNUSED ScCertReason sc_authorities_add_crl(ScAuthorities *authorities, const void *data, size_t len);

/* what a certificate or CRL (PEM or DER) says of itself, unproven; its DER is appended */
typedef struct ScCertInfo
{
	char		name[SC_CERT_NAME_MAX]; /* RFC 4514: the certificate's subject, the CRL's issuer; cut when longer */
	int64_t		since;			/* notBefore, thisUpdate: POSIX seconds */
	int64_t		until;			/* notAfter, nextUpdate; INT64_MAX when the CRL does not say */
} ScCertInfo;

extern SC_WARN_UNUSED ScCertReason sc_cert_describe(ScCertInfo *out, ScBuf *der, const void *data, size_t len);
extern SC_WARN_UNUSED ScCertReason sc_crl_describe(ScCertInfo *out, ScBuf *der, const void *data, size_t len);

/* judges a certificate (PEM or DER) for signing rows, at a time in POSIX seconds */
extern void sc_cert_judge(ScCertJudgement *out, const ScAuthorities *authorities, const void *data, size_t len, int64_t at);

/* may it issue certificates?  WRONG_USAGE when not, WEAK for a key or hash under 112 bits of security */
extern SC_WARN_UNUSED ScCertReason sc_cert_judge_authority(const void *data, size_t len);

typedef struct ScCrlFacts
{
	int64_t		issued_at;		/* thisUpdate, POSIX seconds */
	ScHash		scope;			/* of the distribution point that a partitioned list is for; lists of one scope replace each other */
} ScCrlFacts;

/* did this authority make the list?  UNKNOWN_AUTHORITY: another name; WRONG_USAGE, BAD_SIGNATURE, or what is wrong with the list itself */
extern SC_WARN_UNUSED ScCertReason sc_crl_judge_issuer(ScCrlFacts *out, const void *crl, size_t crllen,
													   const void *cert, size_t certlen);

extern const char *sc_cert_reason_text(ScCertReason reason);
extern const char *sc_cert_revocation_text(int reason); /* "key compromise", ... */

#endif							/* SC_SIGN_X509_H */
