/*
 * signature_rule.h
 *	  Which tables take signed rows only, and which columns are signed.
 */
#ifndef SC_MEMBER_SIGNATURE_RULE_H
#define SC_MEMBER_SIGNATURE_RULE_H

#include "postgres.h"

#include "access/attnum.h"
#include "core/buf.h"
#include "ledger/row.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#define SC_SIGNATURE_TRIGGER "seoulchain_signature"
#define SC_SIGNATURE_FUNCTION "check_signature"

/* a row of seoulchain.signature_rule; columns by their ledger names */
typedef struct ScSignatureRule
{
	int32		table_id;
	int64		rule_seq;		/* rows with a greater ledger_seq, until the next rule, are under it */
	char	   *signer;
	char	   *signature;
	List	   *columns;		/* char *: the signed ones, the signer's among them, in the table's order */
} ScSignatureRule;

/* the rules that the table ever had, the first one first; with the latest or the given snapshot */
extern List *sc_signature_rules(int32 table_id, Snapshot snapshot);

/* the attributes of seoulchain.signature_rule, for those who read it themselves */
enum
{
	SC_RULE_ATTR_TABLE_ID = 1,
	SC_RULE_ATTR_SEQ,
	SC_RULE_ATTR_SIGNER,
	SC_RULE_ATTR_SIGNATURE,
	SC_RULE_ATTR_COLUMNS
};

#define SC_RULE_NATTS 5

/* one row, taken apart */
extern ScSignatureRule *sc_signature_rule_row(const Datum *values);

/* {"columns":[..],"signature":..,"signer":..,"type":"signature"}: the event that announces the rule */
extern void sc_signature_rule_event(ScBuf *buf, const ScSignatureRule *rule);

/* stores a rule, with its rule_seq */
extern void sc_signature_rule_add(const ScSignatureRule *rule);

/* the rule in force for a table, made ready */
typedef struct ScSigning
{
	const ScSignatureRule *rule;
	int32		chain_id;
	Oid			function;		/* seoulchain.check_signature() */
	AttrNumber	signer;
	AttrNumber	signature;
	ScRowFormat *format;
	bool	   *mask;			/* the signed ones of the format's columns */
} ScSigning;

/*
 * NULL when no rule is in force.  Belongs to a cache: valid until the same is
 * asked for the table again.  Errors when a column of the rule is lost.
 */
extern const ScSigning *sc_signing(Relation rel);

/* any rule of the table made ready, wholly in the current memory context; columns that are lost are an error */
extern ScSigning *sc_signing_make(Relation rel, int32 chain_id, const ScSignatureRule *rule);

/* of a table's rules made ready, by rule_seq, the one that was in force for a row; NULL: none */
extern const ScSigning *sc_signing_for(const List *signings, int64 ledger_seq);

/*
 * By what the row's payload counts as used (signed_payload.h); false when the
 * row names no signer.  The caller has dump settings on.
 */
extern bool sc_signing_digest(const ScSigning *signing, const Datum *values, const bool *nulls, ScBuf *buf, ScHash *digest);

#endif							/* SC_MEMBER_SIGNATURE_RULE_H */
