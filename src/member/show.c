/*
 * show.c
 *	  Members, keys and delegations as people look at them: how they stand now.
 *
 * Invariant: what is shown comes from the code that judges signatures, so a
 * key that is shown as good is one whose signature would be accepted.
 * Privileges: SELECT on the tables that the answer comes from.
 * Effects: none; reads with the query's own snapshot, takes no locks of lock.c.
 */
#include "postgres.h"

#include "compat.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/registry.h"
#include "member/authority.h"
#include "member/delegation.h"
#include "member/life.h"
#include "member/lookup.h"
#include "member/tables.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_members);
PG_FUNCTION_INFO_V1(sc_member_keys);
PG_FUNCTION_INFO_V1(sc_delegations);

#define KEY_COLUMNS 12
#define MEMBER_COLUMNS 8
#define DELEGATION_COLUMNS 6

/* what the visitors share */
typedef struct Show
{
	const ScMemberTables *tables;
	ReturnSetInfo *rsinfo;
	TimestampTz now;
	const char *member;			/* only this one, or NULL */
	MemoryContext scratch;		/* emptied after each member */
} Show;

/* errors unless the caller may read the table as a whole */
static void
require_select(Oid relid)
{
	AclResult	result = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, get_rel_name(relid));
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security keeps you from seeing all of table \"%s\"", get_rel_name(relid)),
				 errhint("Query the table itself.")));
}

/* finds the tables of the chain that argument 0 names and asks for the rights on some of them */
static void
begin_show(FunctionCallInfo fcinfo, Show *show, ScMemberTables *tables, int ntables, const ScMemberTable *read)
{
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);

	sc_member_tables_require(chain->chain_id, tables);
	for (int i = 0; i < ntables; i++)
		require_select(tables->t[read[i]].relid);
	InitMaterializedSRF(fcinfo, 0);
	show->tables = tables;
	show->rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	show->now = GetCurrentTimestamp();
	show->scratch = AllocSetContextCreate(CurrentMemoryContext, "seoulchain members", ALLOCSET_DEFAULT_SIZES);
}

static void
put_text(Datum *values, bool *nulls, int at, const char *text)
{
	nulls[at] = text == NULL;
	if (text)
		values[at] = CStringGetTextDatum(text);
}

static void
put_time(Datum *values, bool *nulls, int at, TimestampTz time)
{
	nulls[at] = TIMESTAMP_NOT_FINITE(time);
	values[at] = TimestampTzGetDatum(time);
}

static const char *
state_name(ScKeyState state)
{
	switch (state)
	{
		case SC_KEY_GOOD:
			return "good";
		case SC_KEY_NOT_YET:
			return "not yet";
		case SC_KEY_SUSPENDED:
			return "suspended";
		case SC_KEY_REVOKED:
			return "revoked";
		case SC_KEY_REPLACED:
			return "replaced";
		case SC_KEY_CERTIFICATE:
			return "certificate";
		case SC_KEY_DELEGATION:
			return "delegation";
	}
	return "unknown";
}

/* one row of member_keys() */
static void
show_key(Show *show, const ScMemberLife *life, const ScKeyRow *row)
{
	ScKeyAt    *key = sc_life_key_at(life, row, show->now);
	Datum		values[KEY_COLUMNS];
	bool		nulls[KEY_COLUMNS] = {false};
	ScBuf		hex = SC_BUF_INIT;

	if (key->certificate)
		sc_certificate_at(show->tables, key, show->now, GetActiveSnapshot());
	sc_buf_hex(&hex, key->thumbprint.bytes, SC_HASH_LEN);
	put_text(values, nulls, 0, key->member);
	put_text(values, nulls, 1, key->key);
	put_text(values, nulls, 2, sc_key_algorithm(key->kind));
	put_text(values, nulls, 3, pnstrdup(hex.data, hex.len));
	sc_buf_free(&hex);
	values[4] = BoolGetDatum(key->certificate != NULL);
	put_time(values, nulls, 5, key->registered_at);
	put_text(values, nulls, 6, state_name(key->state));
	put_time(values, nulls, 7, key->from);
	put_time(values, nulls, 8, key->until);
	put_text(values, nulls, 9, key->state == SC_KEY_GOOD ? NULL : sc_key_at_fault(key));
	put_time(values, nulls, 10, key->compromised_since);
	values[11] = Int64GetDatum(key->key_seq);
	tuplestore_putvalues(show->rsinfo->setResult, show->rsinfo->setDesc, values, nulls);
}

/* visitor of member: its keys */
static bool
show_keys(void *state, const ScMemberRow *row)
{
	Show	   *show = state;
	MemoryContext old = MemoryContextSwitchTo(show->scratch);
	ScMemberLife *life = sc_member_life(show->tables, TextDatumGetCString(row->values[SC_M_MEMBER]), GetActiveSnapshot());
	ListCell   *cell;

	foreach(cell, life->keys)
		show_key(show, life, lfirst(cell));
	MemoryContextSwitchTo(old);
	MemoryContextReset(show->scratch);
	return true;
}

/* hands every member to the visitor, or the one asked for */
static void
for_members(Show *show, ScMemberVisitor visit)
{
	if (show->member)
		sc_member_scan(show->tables, SC_MT_MEMBER, SC_BY_MEMBER, show->member, GetActiveSnapshot(), visit, show);
	else
		sc_member_scan_all(show->tables, SC_MT_MEMBER, GetActiveSnapshot(), visit, show);
}

/*
 * seoulchain.member_keys(chain text DEFAULT 'main', member text DEFAULT NULL) -> SETOF record
 *
 * Every key of one member, or of all, and how it stands now.  Privileges:
 * SELECT on member, key and status.  Errors: UNDEFINED_OBJECT,
 * OBJECT_NOT_IN_PREREQUISITE_STATE, INSUFFICIENT_PRIVILEGE.
 */
Datum
sc_member_keys(PG_FUNCTION_ARGS)
{
	static const ScMemberTable read[] = {SC_MT_MEMBER, SC_MT_KEY, SC_MT_STATUS};
	ScMemberTables tables;
	Show		show = {0};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(1))
		show.member = text_to_cstring(PG_GETARG_TEXT_PP(1));
	begin_show(fcinfo, &show, &tables, lengthof(read), read);
	for_members(&show, show_keys);
	return (Datum) 0;
}

/* how many of the keys are good */
static int
good_keys(const Show *show, const ScMemberLife *life)
{
	int			n = 0;
	ListCell   *cell;

	foreach(cell, life->keys)
	{
		ScKeyAt    *key = sc_life_key_at(life, lfirst(cell), show->now);

		if (key->certificate)
			sc_certificate_at(show->tables, key, show->now, GetActiveSnapshot());
		n += key->state == SC_KEY_GOOD;
	}
	return n;
}

/* visitor of member: one row of members() */
static bool
show_member(void *state, const ScMemberRow *row)
{
	Show	   *show = state;
	MemoryContext old = MemoryContextSwitchTo(show->scratch);
	ScMemberLife *life = sc_member_life(show->tables, TextDatumGetCString(row->values[SC_M_MEMBER]), GetActiveSnapshot());
	ScStanding	standing = sc_life_standing(life, NULL);
	Datum		values[MEMBER_COLUMNS];
	bool		nulls[MEMBER_COLUMNS] = {false};

	for (int i = SC_M_MEMBER; i < SC_M_COUNT; i++)
	{
		values[i] = row->values[i];
		nulls[i] = row->nulls[i];
	}
	values[3] = TimestampTzGetDatum(row->time);
	put_text(values, nulls, 4, standing.revoked ? "revoked" : standing.suspended ? "suspended" : "good");
	nulls[5] = !standing.revoked && !standing.suspended;
	values[5] = TimestampTzGetDatum(standing.since);
	put_text(values, nulls, 6, nulls[5] ? NULL : standing.reason);
	values[7] = Int32GetDatum(good_keys(show, life));
	if (standing.revoked || standing.suspended)
		values[7] = Int32GetDatum(0);
	tuplestore_putvalues(show->rsinfo->setResult, show->rsinfo->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(show->scratch);
	return true;
}

/* seoulchain.members(chain text DEFAULT 'main') -> SETOF record: every member, and how it stands now.  Privileges and errors as above. */
Datum
sc_members(PG_FUNCTION_ARGS)
{
	static const ScMemberTable read[] = {SC_MT_MEMBER, SC_MT_KEY, SC_MT_STATUS};
	ScMemberTables tables;
	Show		show = {0};

	begin_show(fcinfo, &show, &tables, lengthof(read), read);
	for_members(&show, show_member);
	return (Datum) 0;
}

/* visitor of delegation: the rows that are what counts for one of their tables now */
static bool
show_delegation(void *state, const ScMemberRow *row)
{
	Show	   *show = state;
	MemoryContext old = MemoryContextSwitchTo(show->scratch);
	char	   *member = TextDatumGetCString(row->values[SC_D_MEMBER]);
	List	   *rows = sc_delegation_rows(show->tables, member, GetActiveSnapshot());
	ListCell   *name;
	ListCell   *cell;

	foreach(name, sc_text_array(row->values[SC_D_TABLES]))
		foreach(cell, sc_delegations_at(rows, lfirst(name), show->now))
	{
		const ScDelegationAt *at = lfirst(cell);
		Datum		values[DELEGATION_COLUMNS];
		bool		nulls[DELEGATION_COLUMNS] = {false};

		if (!at->good || at->seq != row->seq)
			continue;
		put_text(values, nulls, 0, member);
		put_text(values, nulls, 1, at->delegate);
		put_text(values, nulls, 2, lfirst(name));
		put_time(values, nulls, 3, at->from);
		put_time(values, nulls, 4, at->until);
		values[5] = Int64GetDatum(at->seq);
		tuplestore_putvalues(show->rsinfo->setResult, show->rsinfo->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(show->scratch);
	return true;
}

/* seoulchain.delegations(chain text DEFAULT 'main') -> SETOF record: what is in force now.  Privileges: SELECT on delegation. */
Datum
sc_delegations(PG_FUNCTION_ARGS)
{
	static const ScMemberTable read[] = {SC_MT_DELEGATION};
	ScMemberTables tables;
	Show		show = {0};

	begin_show(fcinfo, &show, &tables, lengthof(read), read);
	sc_member_scan_all(show.tables, SC_MT_DELEGATION, GetActiveSnapshot(), show_delegation, &show);
	return (Datum) 0;
}
