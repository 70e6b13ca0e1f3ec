/*
 * write.c
 *	  The functions by which registrars add to the members' registry.
 *
 * Each is one INSERT into one table, run by SPI with the caller's own rights:
 * who may do what is GRANT INSERT on these tables, and row security and
 * triggers of theirs hold as for a statement typed by hand.  What may stand
 * in a row is judged by check*.c.
 * Effects: one row; its ledger_seq is returned.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "ledger/registry.h"
#include "lib/stringinfo.h"
#include "member/delegation.h"
#include "member/tables.h"
#include "nodes/value.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_register_member);
PG_FUNCTION_INFO_V1(sc_add_key);
PG_FUNCTION_INFO_V1(sc_rotate_key);
PG_FUNCTION_INFO_V1(sc_member_status);
PG_FUNCTION_INFO_V1(sc_member_revoke);
PG_FUNCTION_INFO_V1(sc_key_status);
PG_FUNCTION_INFO_V1(sc_key_revoke);
PG_FUNCTION_INFO_V1(sc_delegate);
PG_FUNCTION_INFO_V1(sc_end_delegation);
PG_FUNCTION_INFO_V1(sc_trust_authority);
PG_FUNCTION_INFO_V1(sc_distrust_authority);
PG_FUNCTION_INFO_V1(sc_add_crl);

/* a row to be inserted */
typedef struct NewRow
{
	ScMemberTables tables;
	ScMemberTable table;
	int			n;
	int			columns[SC_MT_COLUMNS_MAX];
	Oid			types[SC_MT_COLUMNS_MAX];
	Datum		values[SC_MT_COLUMNS_MAX];
	char		nulls[SC_MT_COLUMNS_MAX];
} NewRow;

/* a row of the chain that an argument names */
static NewRow *
new_row(FunctionCallInfo fcinfo, int chain_arg, ScMemberTable table)
{
	NewRow	   *row = palloc0(sizeof(NewRow));
	ScChain    *chain;

	if (PG_ARGISNULL(chain_arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the chain is missing"),
				 errhint("Leave the argument out for the chain \"main\".")));
	chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(chain_arg)), false);
	sc_member_tables_require(chain->chain_id, &row->tables);
	row->table = table;
	return row;
}

/* one more column */
static void
set(NewRow *row, int column, Oid type, Datum value, bool isnull)
{
	row->columns[row->n] = column;
	row->types[row->n] = type;
	row->values[row->n] = value;
	row->nulls[row->n] = isnull ? 'n' : ' ';
	row->n++;
}

/* the same from an argument */
static void
set_arg(NewRow *row, int column, Oid type, FunctionCallInfo fcinfo, int arg)
{
	set(row, column, type, fcinfo->args[arg].value, PG_ARGISNULL(arg));
}

/* the same from a constant */
static void
set_text(NewRow *row, int column, const char *text)
{
	set(row, column, TEXTOID, CStringGetTextDatum(text), false);
}

/* bytes, or text that holds PEM or, behind \x, hex */
static void
set_bytes(NewRow *row, int column, FunctionCallInfo fcinfo, int arg)
{
	Datum		value = fcinfo->args[arg].value;

	if (!PG_ARGISNULL(arg) && get_fn_expr_argtype(fcinfo->flinfo, arg) == TEXTOID)
	{
		char	   *given = TextDatumGetCString(value);

		if (strncmp(given, "\\x", 2) == 0)
			value = DirectFunctionCall1(byteain, CStringGetDatum(given));
	}
	set(row, column, BYTEAOID, value, PG_ARGISNULL(arg));
}

/* the statement, with the columns' present names */
static char *
insert_statement(const NewRow *row)
{
	StringInfoData sql;
	Oid			relid = row->tables.t[row->table].relid;

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid)));
	for (int i = 0; i < row->n; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(get_attname(relid, row->tables.t[row->table].att[row->columns[i]], false)));
	appendStringInfoString(&sql, ") VALUES (");
	for (int i = 0; i < row->n; i++)
		appendStringInfo(&sql, "%s$%d", i > 0 ? ", " : "", i + 1);
	appendStringInfo(&sql, ") RETURNING %s", SC_LEDGER_SEQ);
	return sql.data;
}

/* inserts it as the caller; its ledger_seq */
static Datum
insert(NewRow *row)
{
	int64		seq;
	bool		isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(insert_statement(row), row->n, row->types, row->values, row->nulls, false, 0) != SPI_OK_INSERT_RETURNING ||
		SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("the row for \"%s\" was not inserted", sc_member_table_name(row->table)),
				 errdetail("A trigger or rule of the table has taken it away."),
				 errhint("Drop that trigger or rule.")));
	seq = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return Int64GetDatum(seq);
}

/*
 * seoulchain.register_member(member text, kind text, name text DEFAULT NULL, chain text DEFAULT 'main') -> bigint
 *
 * Privileges: INSERT on the table, SELECT on its ledger_seq; so for all that follow.
 * Errors: those of sc_check_member; OBJECT_NOT_IN_PREREQUISITE_STATE for a chain without members.
 */
Datum
sc_register_member(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 3, SC_MT_MEMBER);

	set_arg(row, SC_M_MEMBER, TEXTOID, fcinfo, 0);
	set_arg(row, SC_M_KIND, TEXTOID, fcinfo, 1);
	set_arg(row, SC_M_NAME, TEXTOID, fcinfo, 2);
	PG_RETURN_DATUM(insert(row));
}

/*
 * seoulchain.add_key(member text, key text, public_key bytea or text, chain text DEFAULT 'main') -> bigint
 *
 * Errors: those of normalise.c and sc_check_key.
 */
Datum
sc_add_key(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 3, SC_MT_KEY);

	set_arg(row, SC_K_MEMBER, TEXTOID, fcinfo, 0);
	set_arg(row, SC_K_KEY, TEXTOID, fcinfo, 1);
	set_bytes(row, SC_K_PUBLIC_KEY, fcinfo, 2);
	PG_RETURN_DATUM(insert(row));
}

/* seoulchain.rotate_key(member text, replaces text, key text, public_key bytea or text, chain text DEFAULT 'main') -> bigint */
Datum
sc_rotate_key(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 4, SC_MT_KEY);

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the name of the key to be replaced is missing"),
				 errhint("seoulchain.add_key() adds a key without replacing another.")));
	set_arg(row, SC_K_MEMBER, TEXTOID, fcinfo, 0);
	set_arg(row, SC_K_REPLACES, TEXTOID, fcinfo, 1);
	set_arg(row, SC_K_KEY, TEXTOID, fcinfo, 2);
	set_bytes(row, SC_K_PUBLIC_KEY, fcinfo, 3);
	PG_RETURN_DATUM(insert(row));
}

/* the action that a function is for: its name up to the underscore */
static char *
action_of(FunctionCallInfo fcinfo)
{
	char	   *name = get_func_name(fcinfo->flinfo->fn_oid);

	return pnstrdup(name, strcspn(name, "_"));
}

/* seoulchain.suspend_member, resume_member(member text, reason text, chain text DEFAULT 'main') -> bigint */
Datum
sc_member_status(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 2, SC_MT_STATUS);

	set_arg(row, SC_S_MEMBER, TEXTOID, fcinfo, 0);
	set_text(row, SC_S_ACTION, action_of(fcinfo));
	set_arg(row, SC_S_REASON, TEXTOID, fcinfo, 1);
	PG_RETURN_DATUM(insert(row));
}

/* seoulchain.revoke_member(member text, reason text, compromised_since timestamptz DEFAULT NULL, chain text DEFAULT 'main') -> bigint */
Datum
sc_member_revoke(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 3, SC_MT_STATUS);

	set_arg(row, SC_S_MEMBER, TEXTOID, fcinfo, 0);
	set_text(row, SC_S_ACTION, "revoke");
	set_arg(row, SC_S_REASON, TEXTOID, fcinfo, 1);
	set_arg(row, SC_S_COMPROMISED_SINCE, TIMESTAMPTZOID, fcinfo, 2);
	PG_RETURN_DATUM(insert(row));
}

/* a function about one key is not to become one about the member */
static void
require_key(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the name of the key is missing"),
				 errhint("seoulchain.suspend_member(), resume_member() and revoke_member() are about all keys of a member.")));
}

/* seoulchain.suspend_key, resume_key(member text, key text, reason text, chain text DEFAULT 'main') -> bigint */
Datum
sc_key_status(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 3, SC_MT_STATUS);

	require_key(fcinfo);
	set_arg(row, SC_S_MEMBER, TEXTOID, fcinfo, 0);
	set_arg(row, SC_S_KEY, TEXTOID, fcinfo, 1);
	set_text(row, SC_S_ACTION, action_of(fcinfo));
	set_arg(row, SC_S_REASON, TEXTOID, fcinfo, 2);
	PG_RETURN_DATUM(insert(row));
}

/* seoulchain.revoke_key(member text, key text, reason text, compromised_since timestamptz DEFAULT NULL, chain text DEFAULT 'main') -> bigint */
Datum
sc_key_revoke(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 4, SC_MT_STATUS);

	require_key(fcinfo);
	set_arg(row, SC_S_MEMBER, TEXTOID, fcinfo, 0);
	set_arg(row, SC_S_KEY, TEXTOID, fcinfo, 1);
	set_text(row, SC_S_ACTION, "revoke");
	set_arg(row, SC_S_REASON, TEXTOID, fcinfo, 2);
	set_arg(row, SC_S_COMPROMISED_SINCE, TIMESTAMPTZOID, fcinfo, 3);
	PG_RETURN_DATUM(insert(row));
}

/* seoulchain.delegate(member text, delegate text, tables text[], until timestamptz, chain text DEFAULT 'main') -> bigint */
Datum
sc_delegate(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 4, SC_MT_DELEGATION);

	set_arg(row, SC_D_MEMBER, TEXTOID, fcinfo, 0);
	set_arg(row, SC_D_DELEGATE, TEXTOID, fcinfo, 1);
	set_arg(row, SC_D_TABLES, TEXTARRAYOID, fcinfo, 2);
	set_arg(row, SC_D_UNTIL, TIMESTAMPTZOID, fcinfo, 3);
	set_text(row, SC_D_ACTION, "grant");
	PG_RETURN_DATUM(insert(row));
}

/* the tables that a member has delegated to the other and not ended, as text[] */
static Datum
delegated_tables(const ScMemberTables *tables, const char *member, const char *delegate)
{
	Snapshot	snapshot = sc_member_snapshot();
	List	   *rows = sc_delegation_rows(tables, member, snapshot);
	TimestampTz now = GetCurrentTimestamp();
	ArrayBuildState *array = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	List	   *done = NIL;
	ListCell   *cell;
	ListCell   *name;

	UnregisterSnapshot(snapshot);
	foreach(cell, rows)
	{
		foreach(name, ((ScDelegationRow *) lfirst(cell))->tables)
		{
			ListCell   *at;
			String	   *value = makeString(lfirst(name));

			if (list_member(done, value))
				continue;
			done = lappend(done, value);
			foreach(at, sc_delegations_at(rows, lfirst(name), now))
			{
				const ScDelegationAt *delegation = lfirst(at);

				if (delegation->good && strcmp(delegation->delegate, delegate) == 0)
					accumArrayResult(array, CStringGetTextDatum(lfirst(name)), false, TEXTOID, CurrentMemoryContext);
			}
		}
	}
	return makeArrayResult(array, CurrentMemoryContext);
}

/* seoulchain.end_delegation(member text, delegate text, tables text[] DEFAULT NULL (all), chain text DEFAULT 'main') -> bigint */
Datum
sc_end_delegation(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 3, SC_MT_DELEGATION);

	set_arg(row, SC_D_MEMBER, TEXTOID, fcinfo, 0);
	set_arg(row, SC_D_DELEGATE, TEXTOID, fcinfo, 1);
	if (PG_ARGISNULL(2) && !PG_ARGISNULL(0) && !PG_ARGISNULL(1))
	{
		char	   *member = text_to_cstring(PG_GETARG_TEXT_PP(0));
		char	   *delegate = text_to_cstring(PG_GETARG_TEXT_PP(1));
		Datum		tables = delegated_tables(&row->tables, member, delegate);

		if (ARR_NDIM(DatumGetArrayTypeP(tables)) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("member \"%s\" has delegated nothing to \"%s\"", member, delegate),
					 errhint("SELECT * FROM seoulchain.delegations shows what is in force.")));
		set(row, SC_D_TABLES, TEXTARRAYOID, tables, false);
	}
	else
		set_arg(row, SC_D_TABLES, TEXTARRAYOID, fcinfo, 2);
	set_text(row, SC_D_ACTION, "end");
	PG_RETURN_DATUM(insert(row));
}

/* seoulchain.trust_authority(authority text, certificate bytea or text, intermediate boolean DEFAULT false, chain text DEFAULT 'main') -> bigint */
Datum
sc_trust_authority(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 3, SC_MT_AUTHORITY);

	set_arg(row, SC_A_AUTHORITY, TEXTOID, fcinfo, 0);
	set_bytes(row, SC_A_CERTIFICATE, fcinfo, 1);
	set_text(row, SC_A_ACTION, !PG_ARGISNULL(2) && PG_GETARG_BOOL(2) ? "intermediate" : "trust");
	PG_RETURN_DATUM(insert(row));
}

/* seoulchain.distrust_authority(authority text, chain text DEFAULT 'main') -> bigint */
Datum
sc_distrust_authority(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 1, SC_MT_AUTHORITY);

	set_arg(row, SC_A_AUTHORITY, TEXTOID, fcinfo, 0);
	set_text(row, SC_A_ACTION, "distrust");
	PG_RETURN_DATUM(insert(row));
}

/* seoulchain.add_crl(authority text, crl bytea or text, chain text DEFAULT 'main') -> bigint */
Datum
sc_add_crl(PG_FUNCTION_ARGS)
{
	NewRow	   *row = new_row(fcinfo, 2, SC_MT_CRL);

	set_arg(row, SC_C_AUTHORITY, TEXTOID, fcinfo, 0);
	set_bytes(row, SC_C_CRL, fcinfo, 1);
	PG_RETURN_DATUM(insert(row));
}
