/*
 * timestamp.h
 *	  Time from outside: RFC 3161 requests and tokens over the SHA-256 of a checkpoint text.
 */
#ifndef SC_SIGN_TIMESTAMP_H
#define SC_SIGN_TIMESTAMP_H

#include "core/buf.h"
#include "sign/x509.h"

#define SC_TIMESTAMP_MAX 65536	/* bytes of a response or token */
#define SC_NONCE_LEN 8			/* of our requests */
#define SC_NONCE_MAX 32			/* that we read */

typedef enum ScTimeReason
{
	SC_TIME_OK = 0,
	SC_TIME_MALFORMED,			/* neither a response nor a token */
	SC_TIME_REFUSED,			/* a response without a token: the authority did not answer the request */
	SC_TIME_HASH,				/* made with another hash than SHA-256, SHA-384 or SHA-512 */
	SC_TIME_IMPRINT,			/* a token for another text */
	SC_TIME_NONCE,				/* a token for another request */
	SC_TIME_UNSUPPORTED,		/* another version, or a critical extension */
	SC_TIME_AUTHORITY,			/* the authority's certificate was not good at that time: `authority` tells why */
	SC_TIME_SIGNATURE,			/* the signature does not verify, or names another certificate */
	SC_TIME_NO_MEMORY
} ScTimeReason;

typedef struct ScTimestamp
{
	int64_t		seconds;		/* the proven time: POSIX seconds and microseconds */
	int32_t		micros;
	int64_t		accuracy;		/* microseconds that it may be off either way; -1 when not said */
	uint8_t		nonce[SC_NONCE_MAX];	/* big-endian, without leading zeros */
	size_t		noncelen;		/* 0: no nonce */
	char		serial[2 * 64 + 1]; /* hex; empty when it is longer */
	char		policy[128];	/* dotted OID, cut when longer */
	ScCertJudgement authority;	/* of the certificate that signed, at the proven time */
} ScTimestamp;

/* appends a DER request over SHA-256(text), with a random nonce that is given back */
extern SC_WARN_UNUSED ScTimeReason sc_timestamp_request(ScBuf *der, uint8_t nonce[SC_NONCE_LEN], const void *text, size_t len);

/* appends the bare token of a response (or the token itself), to keep beside the checkpoint */
extern SC_WARN_UNUSED ScTimeReason sc_timestamp_token(ScBuf *der, const void *data, size_t len);

/* appends why a response brings no token, as the authority says it; nothing when it does not say */
extern void sc_timestamp_refusal(ScBuf *text, const void *data, size_t len);

/* the text that a token claims to be of, by hash, and its nonce: unproven, to find what to verify it with */
typedef struct ScTimeImprint
{
	uint8_t		digest[64];
	size_t		len;			/* 32, 48, 64: SHA-256, SHA-384, SHA-512 */
	uint8_t		nonce[SC_NONCE_MAX];
	size_t		noncelen;
} ScTimeImprint;

extern SC_WARN_UNUSED ScTimeReason sc_timestamp_imprint(ScTimeImprint *out, const void *data, size_t len);
extern bool sc_timestamp_imprint_is_of(const ScTimeImprint *imprint, const void *text, size_t len);

/*
 * Checks a response or token over text, at the token's own time, against
 * registered authorities.  A nonce of noncelen > 0 bytes must be the token's.
 * Unless SC_TIME_OK, nothing in *out is proven.
 */
extern SC_WARN_UNUSED ScTimeReason sc_timestamp_verify(ScTimestamp *out, const ScAuthorities *authorities,
													   const void *data, size_t len, const void *text, size_t textlen,
													   const uint8_t *nonce, size_t noncelen);

extern const char *sc_time_reason_text(ScTimeReason reason);

#endif							/* SC_SIGN_TIMESTAMP_H */
