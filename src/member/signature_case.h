/*
 * signature_case.h
 *	  One row whose signature is being checked, and the words with which it is refused.
 */
#ifndef SC_MEMBER_SIGNATURE_CASE_H
#define SC_MEMBER_SIGNATURE_CASE_H

#include "postgres.h"

#include "compat.h"
#include "core/buf.h"
#include "member/lookup.h"
#include "member/signature_rule.h"
#include "sign/jws.h"
#include "utils/relcache.h"

typedef struct ScSignatureCase
{
	Relation	rel;
	const ScSigning *signing;
	const Datum *values;
	const bool *nulls;
	const char *signer;
	const char *signature;
	int			signaturelen;
	ScJws		jws;
	const ScBuf *payload;
	List	   *keys;			/* ScKeyAt *: the signer's and his delegates' */
	ScJwsReason reason;			/* why no key fits, as far as a verifier said */
} ScSignatureCase;

/* is the signature one by this key over the payload?  Otherwise c->reason says why not. */
extern bool sc_case_verifies(ScSignatureCase *c, const ScKeyAt *key, const ScBuf *payload);

/* the payload of the row with these of the format's columns */
extern void sc_case_payload(const ScSignatureCase *c, const bool *mask, ScBuf *payload);

/* the refusals; none returns */
extern void sc_refuse_unsigned(Relation rel, const char *column, bool is_signer) SC_NORETURN;
extern void sc_refuse_malformed(const ScSignatureCase *c, ScJwsReason reason) SC_NORETURN;
extern void sc_refuse_used(Relation rel, const char *signer, int64 ledger_seq, int32 table_id) SC_NORETURN;
extern void sc_refuse_changed(Relation rel) SC_NORETURN;
extern void sc_refuse_trigger(Relation rel, const char *what) SC_NORETURN;
extern void sc_refuse_late(Relation rel, const char *key, TimestampTz from, TimestampTz until, TimestampTz time) SC_NORETURN;

/* a signature that no good key fits: finds out why, and says so */
extern void sc_refuse_signature(ScSignatureCase *c) SC_NORETURN;

#endif							/* SC_MEMBER_SIGNATURE_CASE_H */
