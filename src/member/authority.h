/*
 * authority.h
 *	  Certificates of members' keys, judged by the authorities and revocation lists on record.
 */
#ifndef SC_MEMBER_AUTHORITY_H
#define SC_MEMBER_AUTHORITY_H

#include "postgres.h"

#include "member/lookup.h"
#include "member/tables.h"

/* the last word about one authority */
typedef struct ScAuthorityRow
{
	int64		seq;
	TimestampTz time;
	char	   *authority;
	char	   *action;			/* trust, intermediate, distrust */
	bytea	   *certificate;	/* NULL for distrust */
} ScAuthorityRow;

/* one revocation list */
typedef struct ScCrlRow
{
	int64		seq;
	TimestampTz time;
	char	   *authority;
	bytea	   *crl;
} ScCrlRow;

/* the last row of each authority up to that time: List of ScAuthorityRow * */
extern List *sc_authority_rows(const ScMemberTables *tables, TimestampTz at, Snapshot snapshot);

/* the revocation lists up to that time, in the order of time: List of ScCrlRow * */
extern List *sc_crl_rows(const ScMemberTables *tables, TimestampTz at, Snapshot snapshot);

/* of such lists those that no later one of the same authority and scope replaces */
extern List *sc_crl_rows_current(const List *rows, const List *authorities);

/* judges the certificate of a key at that time, by what was recorded up to then; changes state and bounds */
extern void sc_certificate_at(const ScMemberTables *tables, ScKeyAt *key, TimestampTz at, Snapshot given);

/* the same of a certificate that belongs to no key yet */
extern void sc_certificate_judge(const ScMemberTables *tables, const bytea *certificate, TimestampTz at, ScCertJudgement *out);

/* whoever changes authorities or lists says so: what sessions have built from them is dropped */
extern void sc_authorities_changed(const ScMemberTables *tables);

/* from _PG_init */
extern void sc_authority_init(void);

#endif							/* SC_MEMBER_AUTHORITY_H */
