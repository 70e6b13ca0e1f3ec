/*
 * install.c
 *	  install_members(): the ledger tables in which a chain keeps its members.
 *
 * The tables are the caller's, not the extension's: pg_dump skips the rows of
 * an extension's tables, and DROP EXTENSION would take them.
 *
 * Invariant: a chain has one registry or none; its tables joined that chain,
 * have acceptance times, and an event on the chain names them.
 * Locks: ShareRowExclusiveLock on seoulchain.ledger, then member_registry,
 * until the transaction ends: replication takes them in this order when it
 * makes another node's registry.  Those of CREATE TABLE.
 * Effects: a schema if it is missing, six tables with triggers and indexes, a
 * row of member_registry, event leaves.
 * Context: a SQL function; DDL runs as the caller, by SPI.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "core/json.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "ledger/journal.h"
#include "ledger/ledger_time.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "ledger/settings.h"
#include "lib/stringinfo.h"
#include "member/tables.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(sc_install_members);

/* no NOT NULL: check*.c refuses with better words.  Text sorts by bytes, so that no operating system's update can reorder an index. */
static const char *const definitions[SC_MT_COUNT] = {
	"member text COLLATE \"C\" PRIMARY KEY, kind text COLLATE \"C\", name text",

	"member text COLLATE \"C\", key text COLLATE \"C\", algorithm text COLLATE \"C\", "
	"public_key bytea, thumbprint text COLLATE \"C\" UNIQUE, certificate bytea, replaces text COLLATE \"C\", "
	"PRIMARY KEY (member, key)",

	"member text COLLATE \"C\", key text COLLATE \"C\", action text COLLATE \"C\", reason text, "
	"compromised_since timestamptz",

	"member text COLLATE \"C\", delegate text COLLATE \"C\", tables text[], until timestamptz, "
	"action text COLLATE \"C\"",

	"authority text COLLATE \"C\", certificate bytea, action text COLLATE \"C\"",

	"authority text COLLATE \"C\", crl bytea"
};

static const char *const comments[SC_MT_COUNT] = {
	"members: who may sign. Leaves are public: no citizen''s name here",
	"keys that members registered; replaces names the key that ends with it",
	"suspend, resume and revoke; without a key of the member as a whole",
	"who may sign in a member''s name, for which tables, until when",
	"certificates of authorities: trust, intermediate, distrust",
	"revocation lists of these authorities"
};

/* one statement, as the caller */
static void
run(const char *format,...) __attribute__((format(printf, 1, 2)));

static void
run(const char *format,...)
{
	StringInfoData sql;
	int			needed;

	initStringInfo(&sql);
	for (;;)
	{
		va_list		args;

		va_start(args, format);
		needed = appendStringInfoVA(&sql, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&sql, needed);
	}
	if (SPI_execute(sql.data, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "unexpected result of: %s", sql.data);
	pfree(sql.data);
}

/* makes one table; its OID */
static Oid
create_table(const char *schema, ScMemberTable table)
{
	const char *name = sc_member_table_name(table);
	const char *quoted = quote_qualified_identifier(schema, name);

	run("CREATE TABLE %s (%s) USING ledger", quoted, definitions[table]);
	if (table == SC_MT_STATUS || table == SC_MT_DELEGATION)
		run("CREATE INDEX ON %s (member)", quoted);
	run("CREATE TRIGGER seoulchain_member BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION " SC_SCHEMA ".normalise_member()", quoted);
	run("ALTER TABLE %s ENABLE ALWAYS TRIGGER seoulchain_member", quoted);
	run("COMMENT ON TABLE %s IS '%s'", quoted, comments[table]);
	return get_relname_relid(name, get_namespace_oid(schema, false));
}

/* {"tables":{<name>:<ledger name>,...},"type":"members"} */
static void
record_event(const ScChain *chain, const Oid relations[SC_MT_COUNT])
{
	static const ScMemberTable order[SC_MT_COUNT] = {
		SC_MT_AUTHORITY, SC_MT_CRL, SC_MT_DELEGATION, SC_MT_KEY, SC_MT_MEMBER, SC_MT_STATUS
	};
	ScBuf		event = SC_BUF_INIT;

	sc_buf_literal(&event, "{\"tables\":{");
	for (int i = 0; i < SC_MT_COUNT; i++)
	{
		const char *name = sc_member_table_name(order[i]);
		const char *ledger_name = sc_ledger_by_relation(relations[order[i]], false)->ledger_name;

		if (i > 0)
			sc_buf_char(&event, ',');
		sc_json_string(&event, name, strlen(name));
		sc_buf_char(&event, ':');
		sc_json_string(&event, ledger_name, strlen(ledger_name));
	}
	sc_buf_literal(&event, "},\"type\":\"members\"}");
	sc_event_record(chain, SC_TABLE_EVENTS, NULL, &event);
	sc_buf_free(&event);
}

/* errors when the chain has members already; in their own words when somebody dropped a table of them */
static void
require_none(const ScChain *chain)
{
	ScMemberTables tables;
	Oid			relid;

	if (!sc_member_tables(chain->chain_id, &tables))
		return;
	relid = tables.t[SC_MT_MEMBER].relid;
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("chain \"%s\" has members already", chain->name),
			 errdetail("They are in schema \"%s\".", get_namespace_name(get_rel_namespace(relid))),
			 errhint("A chain has one registry of members; register them there.")));
}

/* makes schema and tables as tables of that chain */
static void
create_tables(const char *chain, const char *schema, Oid relations[SC_MT_COUNT])
{
	int			nestlevel = NewGUCNestLevel();

	(void) set_config_option("seoulchain.default_chain", chain, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (!OidIsValid(get_namespace_oid(schema, true)))
	{
		run("CREATE SCHEMA %s", quote_identifier(schema));
		run("COMMENT ON SCHEMA %s IS 'members of chain %s and their keys'", quote_identifier(schema), chain);
	}
	for (int i = 0; i < SC_MT_COUNT; i++)
		relations[i] = create_table(schema, (ScMemberTable) i);
	SPI_finish();
	AtEOXact_GUC(true, nestlevel);
}

/*
 * seoulchain.install_members(chain text DEFAULT 'main', schema name DEFAULT 'members') -> void
 *
 * Makes the tables member, key, status, delegation, authority and crl in the
 * schema, which is made if it is missing; all of it belongs to the caller.
 * Privileges: seoulchain_operator; CREATE on the database or the schema.
 * Errors: UNDEFINED_OBJECT for a chain that is not there (main is made),
 * DUPLICATE_OBJECT when it has members, DUPLICATE_TABLE,
 * OBJECT_NOT_IN_PREREQUISITE_STATE for a closed chain.
 */
Datum
sc_install_members(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *schema = pstrdup(NameStr(*PG_GETARG_NAME(1)));
	ScChain    *chain = sc_chain_by_name(name, strcmp(name, SC_DEFAULT_CHAIN) == 0);
	Relation	rel;
	Oid			relations[SC_MT_COUNT];

	LockRelationOid(sc_registry_relation("ledger"), ShareRowExclusiveLock);
	rel = sc_registry_open(SC_MEMBER_REGISTRY, ShareRowExclusiveLock);
	if (chain)
	{
		sc_chain_require_open(chain);
		require_none(chain);
	}
	create_tables(name, schema, relations);
	for (int i = 0; i < SC_MT_COUNT; i++)
		sc_time_require(relations[i]);
	chain = sc_chain_by_name(name, false);
	sc_member_registry_insert(chain->chain_id, relations);
	record_event(chain, relations);
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}
