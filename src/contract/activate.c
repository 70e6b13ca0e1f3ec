/*
 * activate.c
 *	  A version comes into force; a version ends.
 *
 * Invariant: a row accepted at t is judged by the version with
 * active_from <= t < active_until, whoever inserts it and however long its
 * transaction has been running; of a contract there is one at most.
 * Locks: sc_contract_lock(), then the tables of the version that comes and of
 * the one that goes (life.c), until the end of the transaction.
 * Effects: events, registry rows, the column ledger_time where it is missing,
 * the rules' state from the rows that are there.
 * Refuses: rules that differ from those proposed, test cases with other
 * answers, missing approvals, tables whose rows break the rules already unless
 * the caller says how many do.
 */
#include "postgres.h"

#include "access/table.h"
#include "contract/event.h"
#include "contract/json_tree.h"
#include "contract/life.h"
#include "contract/memory.h"
#include "contract/rebuild.h"
#include "contract/rehearse.h"
#include "contract/rules.h"
#include "contract/test_case.h"
#include "core/text.h"
#include "fmgr.h"
#include "ledger/ledger_time.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_activate_contract);
PG_FUNCTION_INFO_V1(sc_retire_contract);

/* how many breaking rows an error lists */
#define BREACHES_SHOWN 10

/* the version to activate: the one asked for, or the newest */
static ScContractVersion *
choose_version(const ScContract *contract, const List *versions, bool given, int32 number)
{
	ScContractVersion *version = given ? sc_version_require(contract, versions, number) : llast(versions);
	ListCell   *cell;

	if (version->activated_seq != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("version %d of contract \"%s\" has been activated already", version->version, contract->name),
				 errdetail("It is in force from %s.", timestamptz_to_str(version->from)),
				 errhint("A version is activated once; propose the next one.")));
	foreach(cell, versions)
	{
		const ScContractVersion *other = lfirst(cell);

		if (other->version > version->version && other->activated_seq != 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("version %d of contract \"%s\" is older than version %d, which has been activated",
							version->version, contract->name, other->version),
					 errhint("Propose it again as the next version.")));
	}
	return version;
}

/* the rules of this node must be those that were proposed */
static void
check_rules(const ScChain *chain, const ScContractVersion *version, const ScBound *bound)
{
	const ScJson *event = sc_contract_event_find(chain, version->proposed_seq);
	const ScJson *proposed = sc_json_member(event, "rules");

	for (const ScJson *rule = proposed ? proposed->first : NULL; rule; rule = rule->next)
	{
		const char *name = sc_tree_text(rule, "name");
		const char *digest = sc_tree_text(rule, "digest");
		const ScRule *here = name ? sc_rule_find(name) : NULL;

		/* name and version were compared when the definition was bound */
		if (here == NULL || digest == NULL || strcmp(here->source_digest, digest) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("contract \"%s\", version %d: rule \"%s\" has other sources on this node than the one proposed",
							bound->definition->contract, version->version, name ? name : ""),
					 errdetail("SHA-256 of its sources: proposed %s, here %s.",
							   digest ? digest : "none", here ? here->source_digest : "none"),
					 errhint("Install the same release of the rule, or propose the contract again with this one.")));
	}
}

/* what the count of breaking rows needs */
typedef struct Breaches
{
	int64		count;
	StringInfoData shown;
} Breaches;

static void
count_breach(void *arg, const ScRowsRow *row, const ScVerdict *verdict)
{
	Breaches   *breaches = arg;
	const ScBuf *message;

	if (verdict->definition == NULL)
		return;
	message = &verdict->problem->message;
	if (breaches->count++ < BREACHES_SHOWN)
		appendStringInfo(&breaches->shown, "%stable \"%s\", ledger_seq %lld, rule \"%s\": %.*s",
						 breaches->shown.len > 0 ? "\n" : "", row->table->ledger->ledger_name,
						 (long long) row->ledger_seq, verdict->rule, (int) message->len, message->data);
}

/* rows that are there already and that the version would refuse; errors unless the caller knows how many */
static void
check_breaches(const ScChain *chain, const ScBound *bound, int64 known)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain breaches", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Breaches	breaches = {0};
	ScJudge    *judge = sc_judge_new();
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	initStringInfo(&breaches.shown);
	sc_judge_add(judge, bound, DT_NOBEGIN, DT_NOEND);
	sc_rehearse(judge, chain->chain_id, DT_NOBEGIN, DT_NOEND, true, snapshot, count_breach, &breaches);
	UnregisterSnapshot(snapshot);
	if (breaches.count != known)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 breaches.count == 0 ?
				 errmsg("no row breaks contract \"%s\", version %d, but you expect %lld",
						bound->definition->contract, bound->definition->version, (long long) known) :
				 errmsg_plural("%lld row that is there breaks contract \"%s\", version %d",
							   "%lld rows that are there break contract \"%s\", version %d", (unsigned long) breaches.count,
							   (long long) breaches.count, bound->definition->contract, bound->definition->version),
				 breaches.count > 0 ? errdetail("%s%s", breaches.shown.data, breaches.count > BREACHES_SHOWN ? "\n..." : "") : 0,
				 breaches.count > 0 ?
				 errhint("SELECT * FROM seoulchain.contract_breaches('%s', %d); lists them.  To activate it all the same: breaches => %lld.",
						 bound->definition->contract, bound->definition->version, (long long) breaches.count) : 0));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* a definition's tables, and those of the version before */
static List *
tables_concerned(const ScBound *bound, const ScContractVersion *standing)
{
	List	   *table_ids = standing ? sc_version_tables(standing) : NIL;
	ListCell   *cell;

	foreach(cell, bound->tables)
		table_ids = list_append_unique_int(table_ids, ((ScBoundTable *) lfirst(cell))->ledger->table_id);
	return table_ids;
}

/* the version before ends where this one begins */
static void
supersede(const ScChain *chain, const ScContract *contract, const ScContractVersion *standing, int32 by, TimestampTz until)
{
	ScJson	   *event = sc_contract_event("supersede", contract->name, standing->version);

	if (until <= standing->from)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("version %d of contract \"%s\" cannot come into force before version %d does",
						by, contract->name, standing->version),
				 errdetail("Version %d is in force from %s.", standing->version, timestamptz_to_str(standing->from)),
				 errhint("Choose a later time.")));
	sc_tree_add(event, "by", sc_tree_string(psprintf("%d", by)));
	sc_tree_add(event, "until", sc_contract_event_time(until));
	sc_contract_set_ended(standing, sc_contract_event_record(chain, event), until);
}

/* a version that was retired for a time to come is in force until then */
static void
check_retired(const ScContract *contract, const ScContractVersion *last, TimestampTz from)
{
	if (last != NULL && from < last->until)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("version %d of contract \"%s\" is in force until it is retired", last->version, contract->name),
				 errdetail("It ends at %s.", timestamptz_to_str(last->until)),
				 errhint("Choose that time or a later one.")));
}

/* the rules of the version on its tables, with their state */
static void
add_rules(const ScContractVersion *version, const ScBound *bound, TimestampTz from)
{
	ListCell   *cell;
	ListCell   *rule_cell;

	foreach(cell, bound->tables)
	{
		const ScBoundTable *table = lfirst(cell);

		foreach(rule_cell, table->rules)
		{
			const ScBoundRule *bound_rule = lfirst(rule_cell);
			ScBuf	   *parameters = sc_context_buf();
			ScContractRule rule = {0};

			sc_tree_write(parameters, bound_rule->def->parameters);
			rule.contract_id = version->contract_id;
			rule.version = version->version;
			rule.table_id = table->ledger->table_id;
			rule.ordinal = bound_rule->def->ordinal;
			rule.rule = pstrdup(bound_rule->def->name);
			rule.rule_version = pstrdup(bound_rule->def->version);
			if (!sc_text_hex(rule.digest, sizeof(rule.digest), bound_rule->rule->source_digest,
							 strlen(bound_rule->rule->source_digest)))
				elog(ERROR, "rule \"%s\" has no SHA-256 of its sources", bound_rule->rule->name);
			rule.parameters = sc_buf_copy(parameters);
			rule.from = from;
			sc_contract_add_rule(&rule);
		}
	}
}

/* the state of all rules that the tables have now, from the rows that are there */
static void
rebuild_states(const List *table_ids)
{
	const ListCell *cell;

	foreach(cell, table_ids)
	{
		const ScLedgerTable *table = sc_ledger_by_id(lfirst_int(cell));
		Relation	rel;

		if (table == NULL || table->dropped_seq != 0)
			continue;
		rel = table_open(table->relation, NoLock);
		(void) sc_rebuild_state(rel, table->table_id);
		table_close(rel, NoLock);
	}
}

/* tells the chain */
static int64
record_activation(const ScChain *chain, const ScBound *bound, TimestampTz from, int64 breaches)
{
	ScJson	   *event = sc_contract_event("activate", bound->definition->contract, bound->definition->version);

	sc_tree_add(event, "breaches", sc_tree_string(psprintf("%lld", (long long) breaches)));
	sc_tree_add(event, "from", sc_contract_event_time(from));
	sc_tree_add(event, "libraries", sc_contract_event_libraries(bound));
	sc_tree_add(event, "rules", sc_contract_event_rules(bound));
	return sc_contract_event_record(chain, event);
}

/* the tables' rows get acceptance times */
static void
require_times(const ScBound *bound)
{
	ListCell   *cell;

	foreach(cell, bound->tables)
		sc_time_require(((ScBoundTable *) lfirst(cell))->ledger->relation);
}

/*
 * seoulchain.activate_contract(contract text, version integer DEFAULT NULL,
 *								active_from timestamptz DEFAULT NULL, breaches bigint DEFAULT 0,
 *								chain text DEFAULT 'main') -> timestamptz
 *
 * Puts the version (the newest) into force from the time (now) on; the one
 * before ends then.  Returns the time.  Privileges: seoulchain_operator who
 * owns the tables.  Errors: OBJECT_NOT_IN_PREREQUISITE_STATE (activated
 * already, approvals missing, other rules, other answers, closed chain),
 * CHECK_VIOLATION with the rows that break it, DATA_CORRUPTED (an approval
 * that its event does not bear out), INSUFFICIENT_PRIVILEGE.
 */
Datum
sc_activate_contract(PG_FUNCTION_ARGS)
{
	ScChain    *chain;
	ScContract *contract;
	List	   *versions;
	ScContractVersion *version;
	ScContractVersion *standing;
	ScBound    *bound;
	List	   *table_ids;
	TimestampTz from;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("contract, breaches and chain must be given")));
	chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(4)), false);
	sc_chain_require_open(chain);
	sc_contract_lock();
	contract = sc_contract_by_name(chain->chain_id, text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	versions = sc_contract_versions(contract->contract_id);
	version = choose_version(contract, versions, !PG_ARGISNULL(1), PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1));
	standing = sc_version_standing(versions);
	bound = sc_bind(chain->chain_id, sc_definition_parse(version->definition), false);
	check_rules(chain, version, bound);
	sc_test_cases_run(bound);
	sc_approvals_require(chain, contract, version, "activate", sc_version_last(versions));

	table_ids = tables_concerned(bound, standing);
	sc_contract_lock_tables(contract, table_ids);
	require_times(bound);
	check_breaches(chain, bound, PG_GETARG_INT64(3));
	from = sc_contract_time(!PG_ARGISNULL(2), PG_ARGISNULL(2) ? 0 : PG_GETARG_TIMESTAMPTZ(2), "active_from");
	if (standing == NULL)
		check_retired(contract, sc_version_last(versions), from);
	else
		supersede(chain, contract, standing, version->version, from);
	sc_contract_set_active(version, record_activation(chain, bound, from, PG_GETARG_INT64(3)), from);
	add_rules(version, bound, from);
	sc_contract_rules_changed(table_ids);
	rebuild_states(table_ids);
	PG_RETURN_TIMESTAMPTZ(from);
}

/*
 * seoulchain.retire_contract(contract text, reason text, active_until timestamptz DEFAULT NULL,
 *							  chain text DEFAULT 'main') -> timestamptz
 *
 * Ends the version in force, from the time (now) on; no other takes its
 * place.  Privileges and errors as activate_contract().
 */
Datum
sc_retire_contract(PG_FUNCTION_ARGS)
{
	ScChain    *chain;
	ScContract *contract;
	ScContractVersion *version;
	ScJson	   *event;
	List	   *table_ids;
	TimestampTz until;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("contract, reason and chain must be given")));
	chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(3)), false);
	sc_chain_require_open(chain);
	sc_contract_lock();
	contract = sc_contract_by_name(chain->chain_id, text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	version = sc_version_standing(sc_contract_versions(contract->contract_id));
	if (version == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no version of contract \"%s\" is in force without an end", contract->name),
				 errhint("SELECT version, state, active_until FROM seoulchain.contract_versions WHERE contract = '%s';",
						 contract->name)));
	sc_approvals_require(chain, contract, version, "retire", NULL);
	table_ids = sc_version_tables(version);
	sc_contract_lock_tables(contract, table_ids);
	until = sc_contract_time(!PG_ARGISNULL(2), PG_ARGISNULL(2) ? 0 : PG_GETARG_TIMESTAMPTZ(2), "active_until");
	if (until <= version->from)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("version %d of contract \"%s\" cannot end before it is in force", version->version, contract->name),
				 errdetail("It is in force from %s.", timestamptz_to_str(version->from)),
				 errhint("Choose a later time.")));

	event = sc_contract_event("retire", contract->name, version->version);
	sc_tree_add(event, "reason", sc_tree_string(text_to_cstring(PG_GETARG_TEXT_PP(1))));
	sc_tree_add(event, "until", sc_contract_event_time(until));
	sc_contract_set_ended(version, sc_contract_event_record(chain, event), until);
	sc_contract_rules_changed(table_ids);
	PG_RETURN_TIMESTAMPTZ(until);
}
