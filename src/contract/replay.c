/*
 * replay.c
 *	  What rules say of rows of the past, as rows: replays, rehearsals, breaches.
 *
 * Invariant: replay() reads sealed rows in leaf order with their recorded
 * times and keeps state in memory, so every copy of a chain gives the same
 * answers to the byte.  Nothing about rows is told to a caller who may not
 * SELECT them.
 * Effects: none.  Memory: state of the rules, block ranges, work_mem for
 * sorting and for the result (on disk beyond that).
 */
#include "postgres.h"

#include "contract/life.h"
#include "contract/memory.h"
#include "contract/rehearse.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "proof/locate.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_replay);
PG_FUNCTION_INFO_V1(sc_contract_breaches);

/* columns of the result, in order */
enum
{
	RELATION, LEDGER_SEQ, ACCEPTED_AT, VERSION, ANSWER, RULE, CODE, MESSAGE, DETAIL, HINT, NCOLUMNS
};

typedef struct Replay
{
	ReturnSetInfo *result;
	const List *versions;		/* of ScContractVersion: those that are tried */
	bool		by_time;		/* each row by the version in force at its time */
	bool		refused_only;
} Replay;

/* errors unless the caller may read every row of the judge's tables */
static void
require_select(const ScJudge *judge)
{
	ListCell   *cell;

	if (sc_caller_is_auditor())
		return;
	foreach(cell, sc_judge_tables(judge))
	{
		Oid			relid = ((ScBoundTable *) lfirst(cell))->ledger->relation;

		if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(relid));
		if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("row-level security hides rows of table \"%s\" from you", get_rel_name(relid)),
					 errdetail("What a rule says of one row may depend on all others."),
					 errhint("Ask a member of seoulchain_auditor.")));
	}
}

/* a problem's text, or NULL */
static void
set_text(Datum *values, bool *nulls, int column, const ScBuf *text)
{
	nulls[column] = text->len == 0;
	if (text->len > 0)
		values[column] = PointerGetDatum(cstring_to_text_with_len(text->data, text->len));
}

/* the version that the row was judged by; NULL when none was in force */
static const ScContractVersion *
judging_version(const Replay *replay, const ScRowsRow *row)
{
	ListCell   *cell;

	if (!replay->by_time)
		return linitial(replay->versions);
	foreach(cell, replay->versions)
	{
		const ScContractVersion *version = lfirst(cell);

		if (row->timed && version->from <= row->time && row->time < version->until)
			return version;
	}
	return NULL;
}

/* one row of the result */
static void
put_row(void *arg, const ScRowsRow *row, const ScVerdict *verdict)
{
	Replay	   *replay = arg;
	const ScContractVersion *version = judging_version(replay, row);
	Datum		values[NCOLUMNS] = {0};
	bool		nulls[NCOLUMNS] = {false};
	bool		refused = verdict->definition != NULL;

	if (replay->refused_only && !refused)
		return;
	values[RELATION] = ObjectIdGetDatum(RelationGetRelid(row->rel));
	values[LEDGER_SEQ] = Int64GetDatum(row->ledger_seq);
	nulls[ACCEPTED_AT] = !row->timed;
	values[ACCEPTED_AT] = TimestampTzGetDatum(row->time);
	nulls[VERSION] = version == NULL;
	if (version != NULL)
		values[VERSION] = Int32GetDatum(version->version);
	values[ANSWER] = CStringGetTextDatum(refused ? "refused" : "accepted");
	for (int i = RULE; i < NCOLUMNS; i++)
		nulls[i] = !refused;
	if (refused)
	{
		values[RULE] = CStringGetTextDatum(verdict->rule);
		set_text(values, nulls, CODE, &verdict->problem->code);
		set_text(values, nulls, MESSAGE, &verdict->problem->message);
		set_text(values, nulls, DETAIL, &verdict->problem->detail);
		set_text(values, nulls, HINT, &verdict->problem->hint);
	}
	tuplestore_putvalues(replay->result->setResult, replay->result->setDesc, values, nulls);
}

static void
add_version(ScJudge *judge, int32 chain_id, const ScContractVersion *version, TimestampTz from, TimestampTz until)
{
	sc_judge_add(judge, sc_bind(chain_id, sc_definition_parse(version->definition), true), from, until);
}

/* fills the result */
static void
run(Replay *replay, const ScChain *chain, TimestampTz from, TimestampTz until, bool waiting)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain replay", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ScJudge    *judge = sc_judge_new();
	ListCell   *cell;

	foreach(cell, replay->versions)
	{
		const ScContractVersion *version = lfirst(cell);

		if (replay->by_time)
			add_version(judge, chain->chain_id, version, version->from, version->until);
		else
			add_version(judge, chain->chain_id, version, DT_NOBEGIN, DT_NOEND);
	}
	require_select(judge);
	sc_rehearse(judge, chain->chain_id, from, until, waiting, GetActiveSnapshot(), put_row, replay);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* the versions that were activated */
static List *
activated(const List *versions)
{
	List	   *wanted = NIL;
	ListCell   *cell;

	foreach(cell, versions)
		if (((ScContractVersion *) lfirst(cell))->activated_seq != 0)
			wanted = lappend(wanted, lfirst(cell));
	return wanted;
}

static TimestampTz
time_argument(FunctionCallInfo fcinfo, int n, TimestampTz otherwise)
{
	return PG_ARGISNULL(n) ? otherwise : PG_GETARG_TIMESTAMPTZ(n);
}

/*
 * seoulchain.replay(contract text, version integer DEFAULT NULL, "from" timestamptz DEFAULT NULL,
 *					 until timestamptz DEFAULT NULL, chain text DEFAULT 'main') -> SETOF record
 *
 * What the version says of every sealed row accepted in [from, until), in
 * leaf order; without a version each row is judged by the rules in force at
 * its time.  Privileges: PUBLIC; whoever may SELECT the tables, or an auditor.
 * Errors: UNDEFINED_OBJECT, INSUFFICIENT_PRIVILEGE.
 */
Datum
sc_replay(PG_FUNCTION_ARGS)
{
	ScChain    *chain;
	ScContract *contract;
	List	   *versions;
	Replay		replay = {0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("contract and chain must be given")));
	chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(4)), false);
	contract = sc_contract_by_name(chain->chain_id, text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	versions = sc_contract_versions(contract->contract_id);
	InitMaterializedSRF(fcinfo, 0);
	replay.result = (ReturnSetInfo *) fcinfo->resultinfo;
	replay.by_time = PG_ARGISNULL(1);
	replay.versions = replay.by_time ? activated(versions) :
		list_make1(sc_version_require(contract, versions, PG_GETARG_INT32(1)));
	run(&replay, chain, time_argument(fcinfo, 2, DT_NOBEGIN), time_argument(fcinfo, 3, DT_NOEND), false);
	return (Datum) 0;
}

/*
 * seoulchain.contract_breaches(contract text, version integer, chain text DEFAULT 'main') -> SETOF record
 *
 * The rows, sealed or waiting, that the version would refuse.  Privileges
 * and errors as replay().
 */
Datum
sc_contract_breaches(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(2)), false);
	ScContract *contract = sc_contract_by_name(chain->chain_id, text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	List	   *versions = sc_contract_versions(contract->contract_id);
	Replay		replay = {.refused_only = true};

	InitMaterializedSRF(fcinfo, 0);
	replay.result = (ReturnSetInfo *) fcinfo->resultinfo;
	replay.versions = list_make1(sc_version_require(contract, versions, PG_GETARG_INT32(1)));
	run(&replay, chain, DT_NOBEGIN, DT_NOEND, true);
	return (Datum) 0;
}
