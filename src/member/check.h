/*
 * check.h
 *	  Whether a row may be added to the members' tables; each refusal says why.
 *
 * Called with the locks of guard.c, a snapshot taken behind them, and the
 * row's acceptance time.
 */
#ifndef SC_MEMBER_CHECK_H
#define SC_MEMBER_CHECK_H

#include "postgres.h"

#include "compat.h"
#include "member/life.h"
#include "member/tables.h"
#include "sign/x509.h"

typedef struct ScCheck
{
	const ScMemberTables *tables;
	const ScMemberRow *row;
	Snapshot	snapshot;
	TimestampTz time;
} ScCheck;

extern void sc_check_member(const ScCheck *check);
extern void sc_check_key(const ScCheck *check);
extern void sc_check_status(const ScCheck *check);
extern void sc_check_delegation(const ScCheck *check);
extern void sc_check_authority(const ScCheck *check);
extern void sc_check_crl(const ScCheck *check);

/* a value as a C string, NULL for NULL */
extern char *sc_check_text(const ScCheck *check, int column);

/* the same; an error when it is NULL or no name: 1 to 255 bytes, no control characters, no space around it */
extern char *sc_check_name(const ScCheck *check, ScMemberTable table, int column);

/* errors unless the member is registered, and not revoked */
extern void sc_check_member_known(const ScCheck *check, const char *member);
extern ScMemberLife *sc_check_member_alive(const ScCheck *check, const char *member);

/* errors when the clock has gone back behind what is on record */
extern void sc_check_clock(const ScCheck *check, TimestampTz last, const char *whose);

/* what is the matter with something that was given; whose: "of authority \"x\"" */
extern void sc_check_refuse_key(const char *member, const char *key, ScPubkeyReason reason) SC_NORETURN;
extern void sc_check_refuse_certificate(const char *whose, ScCertReason reason) SC_NORETURN;
extern void sc_check_refuse_crl(const char *authority, ScCertReason reason) SC_NORETURN;

#endif							/* SC_MEMBER_CHECK_H */
