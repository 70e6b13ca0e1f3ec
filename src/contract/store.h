/*
 * store.h
 *	  The registry tables of contracts (sql/70_contract.sql): reading and writing their rows.
 *
 * Reads see what is committed now and what the own transaction wrote, as
 * ledger/registry.h does; structs are palloc'd in the current memory context.
 */
#ifndef SC_CONTRACT_STORE_H
#define SC_CONTRACT_STORE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/timestamp.h"

#define SC_CONTRACT_ATTR_ID 1
#define SC_CONTRACT_ATTR_CHAIN_ID 2
#define SC_CONTRACT_ATTR_NAME 3
#define SC_CONTRACT_NATTS 3

#define SC_VERSION_ATTR_CONTRACT_ID 1
#define SC_VERSION_ATTR_VERSION 2
#define SC_VERSION_ATTR_DEFINITION 3
#define SC_VERSION_ATTR_PROPOSED_SEQ 4
#define SC_VERSION_ATTR_ACTIVATED_SEQ 5
#define SC_VERSION_ATTR_FROM 6
#define SC_VERSION_ATTR_ENDED_SEQ 7
#define SC_VERSION_ATTR_UNTIL 8
#define SC_VERSION_NATTS 8

#define SC_APPROVAL_ATTR_CONTRACT_ID 1
#define SC_APPROVAL_ATTR_VERSION 2
#define SC_APPROVAL_ATTR_ACTION 3
#define SC_APPROVAL_ATTR_MEMBER 4
#define SC_APPROVAL_ATTR_SIGNATURE 5
#define SC_APPROVAL_ATTR_SEQ 6
#define SC_APPROVAL_NATTS 6

#define SC_RULE_ATTR_ID 1
#define SC_RULE_ATTR_CONTRACT_ID 2
#define SC_RULE_ATTR_VERSION 3
#define SC_RULE_ATTR_TABLE_ID 4
#define SC_RULE_ATTR_ORDINAL 5
#define SC_RULE_ATTR_RULE 6
#define SC_RULE_ATTR_RULE_VERSION 7
#define SC_RULE_ATTR_DIGEST 8
#define SC_RULE_ATTR_PARAMETERS 9
#define SC_RULE_ATTR_FROM 10
#define SC_RULE_ATTR_UNTIL 11
#define SC_RULE_NATTS 11

typedef struct ScContract
{
	int32		contract_id;
	int32		chain_id;
	char	   *name;
} ScContract;

typedef struct ScContractVersion
{
	int32		contract_id;
	int32		version;
	char	   *definition;
	int64		proposed_seq;
	int64		activated_seq;	/* 0 while it is only proposed */
	TimestampTz from;			/* of an activated one */
	int64		ended_seq;		/* 0 while it has no end */
	TimestampTz until;			/* DT_NOEND while it has none */
} ScContractVersion;

typedef struct ScContractApproval
{
	int32		version;
	char	   *action;
	char	   *member;
	char	   *signature;
	int64		approved_seq;
} ScContractApproval;

typedef struct ScContractRule
{
	int32		rule_id;
	int32		contract_id;
	int32		version;
	int32		table_id;
	int16		ordinal;
	char	   *rule;
	char	   *rule_version;
	uint8		digest[32];
	char	   *parameters;
	TimestampTz from;
	TimestampTz until;			/* DT_NOEND while it has none */
} ScContractRule;

/*
 * Whoever changes a contract's life holds this until the end of the
 * transaction: one such step at a time in a database.
 */
extern void sc_contract_lock(void);

/* NULL, or an error with UNDEFINED_OBJECT and a hint unless missing_ok */
extern ScContract *sc_contract_by_name(int32 chain_id, const char *name, bool missing_ok);
/* all contracts of a chain, or of all chains (chain_id < 0): List of ScContract * */
extern List *sc_contract_list(int32 chain_id);

/* versions from the first on: List of ScContractVersion * */
extern List *sc_contract_versions(int32 contract_id);
extern List *sc_contract_approvals(int32 contract_id);
/* rules of activated versions by version, table and ordinal: List of ScContractRule * */
extern List *sc_contract_rules(int32 contract_id);

/* one row of the table, taken apart: ScContract, ScContractVersion, ScContractApproval, ScContractRule */
extern void *sc_contract_from_row(const Datum *values, const bool *nulls);
extern void *sc_version_from_row(const Datum *values, const bool *nulls);
extern void *sc_approval_from_row(const Datum *values, const bool *nulls);
extern void *sc_rule_from_row(const Datum *values, const bool *nulls);

/* these require sc_contract_lock() */
extern ScContract *sc_contract_add(int32 chain_id, const char *name);
extern void sc_contract_add_version(const ScContractVersion *version);
extern void sc_contract_add_approval(int32 contract_id, const ScContractApproval *approval);
/* gives the rule its rule_id */
extern void sc_contract_add_rule(ScContractRule *rule);
/* sets activated_seq and from; ended_seq and until, those of its rules too */
extern void sc_contract_set_active(const ScContractVersion *version, int64 seq, TimestampTz from);
extern void sc_contract_set_ended(const ScContractVersion *version, int64 seq, TimestampTz until);

#endif							/* SC_CONTRACT_STORE_H */
