/*
 * copy_name.c
 *	  Names in events of followed chains, and the schemas of copies.
 *
 * Invariant: a name from outside reaches the catalogs only after its length
 * and kind were checked, and only as a string, never as SQL.  Nothing of a
 * copy lands in a schema of PostgreSQL's or of this extension, or in one that
 * other people's unqualified names would find first.
 * Context: copy_apply.h.
 * Effects: schemas, owned by the extension's owner.
 */
#include "postgres.h"

#include "network/copy_apply.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_namespace.h"
#include "commands/schemacmds.h"
#include "ledger/own_column.h"
#include "miscadmin.h"
#include "network/copy.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

void
sc_copy_check_name(const ScCopyEvent *event, const char *name)
{
	if (*name == '\0' || strlen(name) >= NAMEDATALEN)
		sc_copy_malformed(event, psprintf("\"%.80s\" can be no name", name));
}

ScTableName
sc_copy_table_name(const ScCopyEvent *event, const char *joined)
{
	ScTableName result;

	if (sc_json_member(event->event, "schema") != NULL)
	{
		result.schema = sc_copy_string(event, event->event, "schema");
		result.name = sc_copy_string(event, event->event, "name");
	}
	else
	{
		const char *dot = strchr(joined, '.');

		if (dot == NULL || strchr(dot + 1, '.') != NULL)
			sc_copy_malformed(event, psprintf("\"%.130s\" is no schema and table", joined));
		result.schema = pnstrdup(joined, dot - joined);
		result.name = pstrdup(dot + 1);
	}
	sc_copy_check_name(event, result.schema);
	sc_copy_check_name(event, result.name);
	return result;
}

/* may the role log in? */
static bool
can_login(Oid role)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Errors for schemas in which another node may put nothing.  A schema of a
 * role's name stands first in that role's search_path: tables that appear
 * there would be taken for others.
 */
static void
check_schema(const ScCopyEvent *event, const char *name)
{
	Oid			role = get_role_oid(name, true);
	Oid			schema = get_namespace_oid(name, true);

	if (IsReservedName(name) || strcmp(name, SC_SCHEMA) == 0 || strcmp(name, "information_schema") == 0)
		sc_copy_malformed(event, psprintf("schema \"%s\" is not for tables of other nodes", name));
	if (!OidIsValid(role) || OidIsValid(schema) || !can_login(role) ||
		sc_copy_is_peer_role(event->message->sender, name))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_RESERVED_NAME),
			 errmsg("schema \"%s\" is not made for tables of chain \"%s\"", name, event->message->origin),
			 errdetail("A role has this name, and would find the tables of the other node before its own."),
			 errhint("If that is right, create the schema and wait: CREATE SCHEMA %s;", quote_identifier(name))));
}

Oid
sc_copy_schema(const ScCopyEvent *event, const char *name)
{
	Oid			schema;

	check_schema(event, name);
	schema = get_namespace_oid(name, true);
	if (!OidIsValid(schema))
	{
		schema = NamespaceCreate(name, GetUserId(), false);
		CommandCounterIncrement();
	}
	sc_copy_grant(OBJECT_SCHEMA, name, NULL);
	return schema;
}
