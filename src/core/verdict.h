/*
 * verdict.h
 *	  Was the key valid when the row was signed?  The answers, and the judgement.
 *
 * Three answers besides "invalid": valid, doubtful, undecided.  A pure function
 * of what the ledger recorded and of what outsiders say about time, so that the
 * server and a citizen's computer come to the same answer (docs/sign.md).
 */
#ifndef SC_CORE_VERDICT_H
#define SC_CORE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/instant.h"

/* times are microseconds since 1970; the ends of time stand for none (core/instant.h) */

/* how far honest clocks may be apart; witnesses allow as much (docs/format.md) */
#define SC_VERDICT_SKEW INT64_C(60000000)

typedef enum ScAnswer
{
	SC_ANSWER_VALID = 0,
	SC_ANSWER_DOUBTFUL,			/* rightly accepted, and yet the key may have been another's */
	SC_ANSWER_UNDECIDED,		/* what was shown does not decide */
	SC_ANSWER_INVALID			/* an honest origin would have refused the row */
} ScAnswer;

typedef enum ScReason
{
	/* valid */
	SC_REASON_IN_FORCE = 0,		/* the key was in force by the order of the leaves and by recorded times */
	SC_REASON_SHOWN_BEFORE,		/* the same, and an outside time was needed to show it */
	/* doubtful */
	SC_REASON_COMPROMISED,		/* the key is said to be compromised since before the row */
	SC_REASON_CERTIFICATE_LATE, /* what the ledger learned later speaks against the certificate at that time */
	/* undecided */
	SC_REASON_NO_TIME,			/* the row, or what it is compared with, has no recorded time */
	SC_REASON_BEFORE_RULE,		/* the table's rule came after the row */
	SC_REASON_TIME_REFUTED,		/* the row was there before the time that it says */
	SC_REASON_SEALED_AFTER,		/* recorded before the end, sealed after it */
	SC_REASON_SEALED_BEFORE,	/* recorded after the end, sealed before it */
	SC_REASON_NOT_SHOWN_BEFORE, /* recorded before the compromise, and nobody outside saw the row before it */
	SC_REASON_NOT_SHOWN,		/* something that decides was not shown: a certificate's authority, a registration */
	/* invalid */
	SC_REASON_BAD_SIGNATURE,	/* the signature is not by this key over this row */
	SC_REASON_NOT_YET,			/* the key, member or delegation was recorded after the row */
	SC_REASON_ENDED,			/* the key, member or delegation had been ended */
	SC_REASON_SUSPENDED,		/* the key or member was suspended */
	SC_REASON_EXPIRED,			/* the delegation was until an earlier date */
	SC_REASON_CERTIFICATE,		/* the certificate was not good at that time, by what was recorded then */
	SC_REASON_USED				/* an earlier row carries the same statement of the same signer */
} ScReason;

/* where a leaf stands, and what it says about time */
typedef struct ScMoment
{
	uint64_t	leaf;			/* index in the chain's tree */
	bool		has_time;
	int64_t		time;			/* recorded: the origin's word */
} ScMoment;

/* something that had to be recorded before the row: the key, the member, a delegation */
typedef struct ScNeed
{
	ScMoment	from;
	int64_t		until;			/* SC_INSTANT_END, or when it runs out */
} ScNeed;

/* something that ended or suspended one of them */
typedef struct ScEnd
{
	ScMoment	from;
	bool		suspends;		/* rather than ends */
	bool		resumed;
	ScMoment	resumed_from;
	bool		has_since;		/* "compromised since" */
	int64_t		since;
} ScEnd;

/* how the key's certificate was at the row's time */
typedef enum ScCertificateState
{
	SC_CERTIFICATE_NONE = 0,	/* the key has none */
	SC_CERTIFICATE_GOOD,
	SC_CERTIFICATE_LATE,		/* good by what was recorded before the row, not by what came later */
	SC_CERTIFICATE_NOT_SHOWN,	/* no chain to an authority that was shown */
	SC_CERTIFICATE_BAD
} ScCertificateState;

typedef struct ScCase
{
	ScMoment	row;
	bool		has_rule;
	uint64_t	rule;			/* the leaf of the table's signature rule */
	const ScNeed *needs;
	int			nneeds;
	const ScEnd *ends;
	int			nends;
	ScCertificateState certificate;

	/*
	 * The earliest time at which somebody outside saw a tree that holds the
	 * row: the row is not younger.  Whether the reader named somebody who says
	 * such times: then the origin's word alone is not enough for what they
	 * could have shown, and withholding one is no help.
	 */
	bool		seen;
	int64_t		seen_by;
	bool		outside_expected;
} ScCase;

typedef struct ScRuling
{
	ScAnswer	answer;
	ScReason	reason;
	int			need;			/* which of the needs or ends is the reason, else -1 */
	int			end;
} ScRuling;

/* judges times and order; that the signature itself is good is the caller's to know */
extern ScRuling sc_verdict(const ScCase *c);

/* for a verdict that is known without judging, such as SC_REASON_BAD_SIGNATURE */
extern ScRuling sc_verdict_for(ScReason reason);

extern const char *sc_answer_text(ScAnswer answer); /* "valid", ... */
extern const char *sc_reason_code(ScReason reason); /* "in_force", ...: a promise, docs/sign.md */
extern const char *sc_reason_text(ScReason reason); /* a sentence without period */

#endif							/* SC_CORE_VERDICT_H */
