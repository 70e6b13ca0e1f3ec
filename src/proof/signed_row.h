/*
 * signed_row.h
 *	  Who signed a stored row, and was the key valid then?
 */
#ifndef SC_PROOF_SIGNED_ROW_H
#define SC_PROOF_SIGNED_ROW_H

#include "postgres.h"

#include "core/verdict.h"
#include "ledger/registry.h"
#include "member/delegation.h"
#include "member/life.h"
#include "member/signature_rule.h"
#include "sign/jws.h"
#include "utils/hsearch.h"
#include "utils/snapshot.h"

/* a member as recorded: registration, keys, entries, and whom it let sign */
typedef struct ScSigner
{
	ScHash		name_hash;		/* hash key */
	bool		known;			/* there is a registration */
	int64		member_seq;
	TimestampTz member_time;
	ScMemberLife *life;
	List	   *delegations;	/* ScDelegationRow *, by time */
} ScSigner;

/* a ledger table whose signed rows are judged, and what has been read for that */
typedef struct ScSignedTable
{
	Relation	rel;
	const ScLedgerTable *table;
	Snapshot	snapshot;
	MemoryContext context;
	MemoryContext people;		/* members that were read; emptied when they are many */
	HTAB	   *signers;
	List	   *rules;			/* ScSigning *, by rule_seq; NIL: no row had to be signed */
	AttrNumber	time;			/* of ledger_time, 0 when there is none */
	bool		has_members;
	ScMemberTables members;
	ScBuf		payload;
	/* the outside time of the leaves from seen_from on, up to seen_size */
	int64		seen_from;
	int64		seen_size;
	TimestampTz seen_at;
} ScSignedTable;

/* what was found of one row; everything in the memory context of the call or the table */
typedef struct ScSignedRow
{
	int64		ledger_seq;
	const ScSigning *signing;	/* the rule in force; NULL: the row had not to be signed */
	const char *signer;			/* whom the row names, or NULL */
	const char *signature;		/* or NULL */
	size_t		signaturelen;
	TimestampTz accepted_at;	/* DT_NOBEGIN when not recorded */
	const ScSigner *owner;		/* whose key it is, or NULL */
	const ScSigner *principal;	/* the signer as recorded, or NULL */
	const ScKeyRow *key;		/* the key that made the signature, or NULL */
	ScJwsReason jws_reason;		/* why none did */
	ScRuling	ruling;
	char	   *detail;			/* more about the reason, or NULL */
	int64		end_seq;		/* the end that is the reason, else the first of all; 0: none */
	TimestampTz ended_at;
	TimestampTz compromised_since;	/* DT_NOEND when nobody says so */
	TimestampTz seen_by;		/* DT_NOEND when nobody outside said a time */
} ScSignedRow;

/* reads rules and registry; the snapshot must stay registered */
extern ScSignedTable *sc_signed_table(Relation rel, const ScLedgerTable *table, Snapshot snapshot);
extern void sc_signed_table_free(ScSignedTable *t);

/* judges a row; dump settings are on (sc_row_settings_begin) */
extern void sc_signed_row_judge(ScSignedRow *out, ScSignedTable *t, const Datum *values, const bool *nulls, int64 ledger_seq);

/* signed_row_key.c: signer, signature, and the key that made it; false when that is already the answer */
extern bool sc_signed_row_find_key(ScSignedRow *row, ScSignedTable *t, const Datum *values, const bool *nulls);
extern const ScSigner *sc_signer_read(ScSignedTable *t, const char *member);

/* does a row of delegation speak of the table? */
extern bool sc_delegation_names(const ScDelegationRow *row, const char *ledger_name);

/* signed_row_case.c: order and times */
extern void sc_signed_row_rule(ScSignedRow *row, ScSignedTable *t);

#endif							/* SC_PROOF_SIGNED_ROW_H */
