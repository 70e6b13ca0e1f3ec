/*
 * life.c
 *	  What the steps of a contract's life share: versions, approvals that are needed, locks on tables.
 *
 * Locks: ShareRowExclusiveLock on tables, in the order of their OIDs, so that
 * two steps cannot wait for each other; it conflicts with every inserter's
 * lock.  An insert that had begun is committed or gone when the lock is there;
 * one that begins later reads its acceptance time, and the rules, afterwards.
 * So no row misses a rule that was in force at its acceptance time.
 */
#include "postgres.h"

#include "contract/life.h"

#include "access/xact.h"
#include "compat.h"
#include "contract/definition.h"
#include "contract/event.h"
#include "contract/json_tree.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

ScContractVersion *
sc_version_require(const ScContract *contract, const List *versions, int32 number)
{
	ListCell   *cell;

	foreach(cell, versions)
	{
		ScContractVersion *version = lfirst(cell);

		if (version->version == number)
			return version;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("contract \"%s\" has no version %d", contract->name, number),
			 errhint("SELECT version, state FROM seoulchain.contract_versions WHERE contract = '%s';", contract->name)));
}

ScContractVersion *
sc_version_last(const List *versions)
{
	ScContractVersion *last = NULL;
	ListCell   *cell;

	/* an older version is never activated after a newer one */
	foreach(cell, versions)
		if (((ScContractVersion *) lfirst(cell))->activated_seq != 0)
			last = lfirst(cell);
	return last;
}

ScContractVersion *
sc_version_standing(const List *versions)
{
	ScContractVersion *last = sc_version_last(versions);

	return last && last->ended_seq == 0 ? last : NULL;
}

/* how many of the policy's members have approved; the others are listed in *missing */
static int
count_approvals(const ScDefinition *policy, const List *approvals, const ScContractVersion *version,
				const char *action, char **missing)
{
	StringInfoData others;
	int			count = 0;
	ListCell   *member;
	ListCell   *cell;

	initStringInfo(&others);
	foreach(member, policy->members)
	{
		bool		approved = false;

		foreach(cell, approvals)
		{
			const ScContractApproval *approval = lfirst(cell);

			approved |= approval->version == version->version && strcmp(approval->action, action) == 0 &&
				strcmp(approval->member, lfirst(member)) == 0;
		}
		if (approved)
			count++;
		else
			appendStringInfo(&others, "%s%s", others.len > 0 ? ", " : "", (char *) lfirst(member));
	}
	*missing = others.data;
	return count;
}

static void
require_quorum(const ScContract *contract, const ScContractVersion *version, const char *action,
			   const ScContractVersion *policy_version, const List *approvals)
{
	const ScDefinition *policy = sc_definition_parse(policy_version->definition);
	char	   *missing;
	int			count;

	if (policy->quorum == 0)
		return;
	count = count_approvals(policy, approvals, version, action, &missing);
	if (count < policy->quorum)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("contract \"%s\", version %d, has %d of the %d approvals that it needs to %s",
						contract->name, version->version, count, policy->quorum, action),
				 errdetail("The policy is that of version %d.  These have not approved: %s.",
						   policy_version->version, missing),
				 errhint("A member signs seoulchain.approval_payload('%s', %d, '%s'); seoulchain.approve_contract() takes the signature.",
						 contract->name, version->version, action)));
}

/* the registry can be written by a superuser; what a member signed is what the chain says */
static void
require_event(const ScChain *chain, const ScContract *contract, const ScContractApproval *approval)
{
	const ScJson *event = sc_contract_event_find(chain, approval->approved_seq);
	const char *expected[][2] = {
		{"action", "approve"}, {"contract", contract->name}, {"member", approval->member},
		{"signature", approval->signature}, {"version", psprintf("%d", approval->version)}, {"what", approval->action}
	};

	for (size_t i = 0; i < lengthof(expected); i++)
	{
		const char *text = sc_tree_text(event, expected[i][0]);

		if (text == NULL || strcmp(text, expected[i][1]) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("the approval of contract \"%s\", version %d, by member \"%s\" is not what the chain says",
							contract->name, approval->version, approval->member),
					 errdetail("Event %lld has another \"%s\".", (long long) approval->approved_seq, expected[i][0]),
					 errhint("SELECT * FROM seoulchain.verify(); tells what else was changed.")));
	}
}

void
sc_approvals_require(const ScChain *chain, const ScContract *contract, const ScContractVersion *version,
					 const char *action, const ScContractVersion *last)
{
	List	   *approvals = sc_contract_approvals(contract->contract_id);
	ListCell   *cell;

	foreach(cell, approvals)
		require_event(chain, contract, lfirst(cell));
	require_quorum(contract, version, action, version, approvals);
	if (last != NULL && last->version != version->version)
		require_quorum(contract, version, action, last, approvals);
}

static int
compare_oids(const ListCell *a, const ListCell *b)
{
	return (lfirst_oid(a) > lfirst_oid(b)) - (lfirst_oid(a) < lfirst_oid(b));
}

/* the relations of the tables that are not dropped, in the order in which they are locked */
static List *
relations_of(const List *table_ids)
{
	List	   *relations = NIL;
	ListCell   *cell;

	foreach(cell, sc_ledger_list(-1))
	{
		const ScLedgerTable *table = lfirst(cell);

		if (table->dropped_seq == 0 && list_member_int(table_ids, table->table_id))
			relations = lappend_oid(relations, table->relation);
	}
	list_sort(relations, compare_oids);
	return relations;
}

void
sc_contract_lock_tables(const ScContract *contract, const List *table_ids)
{
	List	   *relations = relations_of(table_ids);
	ListCell   *cell;

	foreach(cell, relations)
	{
		Oid			relid = lfirst_oid(cell);

		if (!SC_OWNS_RELATION(relid, GetUserId()))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("must be owner of table \"%s\" to put contract \"%s\" on it or take it away",
							get_rel_name(relid), contract->name)));
	}
	foreach(cell, relations)
		LockRelationOid(lfirst_oid(cell), ShareRowExclusiveLock);
}

void
sc_contract_rules_changed(const List *table_ids)
{
	ListCell   *cell;

	foreach(cell, relations_of(table_ids))
		CacheInvalidateRelcacheByRelid(lfirst_oid(cell));
	CommandCounterIncrement();
}

List *
sc_version_tables(const ScContractVersion *version)
{
	List	   *table_ids = NIL;
	ListCell   *cell;

	foreach(cell, sc_contract_rules(version->contract_id))
	{
		const ScContractRule *rule = lfirst(cell);

		if (rule->version == version->version)
			table_ids = list_append_unique_int(table_ids, rule->table_id);
	}
	return table_ids;
}

TimestampTz
sc_contract_time(bool given, TimestampTz wanted, const char *what)
{
	/* a row that was accepted before the locks may have this microsecond, none has the next */
	TimestampTz earliest = GetCurrentTimestamp() + 1;

	if (!given)
		return earliest;
	if (TIMESTAMP_NOT_FINITE(wanted))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be a time, not infinity", what)));
	if (wanted < earliest)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be a time to come", what),
				 errdetail("%s has passed, and rows of that time were accepted under the rules of then.",
						   timestamptz_to_str(wanted)),
				 errhint("Leave it out for now, or see what it would have refused: seoulchain.replay().")));
	return wanted;
}
