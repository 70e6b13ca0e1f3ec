/*
 * city_view.c
 *	  city_view: one view over the tables of one name of all agencies, made and kept.
 *
 * A column that the view has stays where and what it is, so views and
 * functions on top of it go on.  New columns come behind it.  Only when tables
 * come to disagree about a column's type has the view to be made anew, which
 * is refused while something depends on it; then the old one stays, and
 * seoulchain.city_views says so.
 *
 * Invariant: the views are security_invoker, so whoever may not SELECT a
 * table of theirs sees nothing through them.  They and their schema belong to
 * the extension's owner.
 * Locks: ShareRowExclusiveLock on seoulchain.city_view, to the end of the
 * transaction; then the views' own.
 * Effects: the schema city, views in it, rows of seoulchain.city_view.
 */
#include "postgres.h"

#include "network/city_view.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/city_source.h"
#include "proof/guard.h"
#include "seal/internal_scan.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* seoulchain.city_view */
#define SC_CITY_ATTR_NAME 1
#define SC_CITY_ATTR_QUERY 2
#define SC_CITY_ATTR_PROBLEM 3
#define SC_CITY_ATTR_CHANGED_AT 4
#define SC_CITY_NATTS 4

/* the columns that every such view begins with */
#define SC_CITY_FIXED 3

PG_FUNCTION_INFO_V1(sc_city_view);
PG_FUNCTION_INFO_V1(sc_drop_city_view);

/* a view being made or kept */
typedef struct CityView
{
	const char *name;
	char	   *query;			/* as it was made last; NULL: not yet */
	char	   *problem;
} CityView;

/* runs a command of ours as the extension's owner, with nothing in the search_path */
static void
run(const char *command)
{
	Oid			user;
	int			context;
	int			level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(sc_registry_owner(), context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	if (SPI_execute(command, false, 0) < 0)
		elog(ERROR, "could not run \"%s\"", command);
	SPI_finish();
	SetUserIdAndSecContext(user, context);
	AtEOXact_GUC(true, level);
	CommandCounterIncrement();
}

/* owner of a schema, InvalidOid when there is none of that name */
static Oid
schema_owner(const char *schema)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum(schema));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* makes the schema; errors when it is somebody else's, who could put other views in the place of ours */
static void
require_schema(void)
{
	Oid			owner = schema_owner(SC_CITY_SCHEMA);

	if (!OidIsValid(owner))
	{
		run("CREATE SCHEMA " SC_CITY_SCHEMA);
		run("GRANT USAGE ON SCHEMA " SC_CITY_SCHEMA " TO PUBLIC");
	}
	else if (owner != sc_registry_owner() && !superuser_arg(owner))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_SCHEMA),
				 errmsg("schema \"%s\" belongs to \"%s\"", SC_CITY_SCHEMA, GetUserNameFromId(owner, false)),
				 errdetail("Its owner could put other views in the place of these."),
				 errhint("Rename it, or give it to \"%s\".", GetUserNameFromId(sc_registry_owner(), false))));
}

/* the view, InvalidOid when there is none; errors when something else has its name */
static Oid
find_view(const CityView *view)
{
	Oid			schema = get_namespace_oid(SC_CITY_SCHEMA, true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid(view->name, schema) : InvalidOid;

	if (OidIsValid(relid) && (view->query == NULL || get_rel_relkind(relid) != RELKIND_VIEW))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("relation \"%s.%s\" exists already", SC_CITY_SCHEMA, view->name),
				 errdetail("It is no view that city_view() made.")));
	return relid;
}

/* the view's columns behind those that all begin with: List of ScCityColumn * */
static List *
view_columns(Oid relid)
{
	List	   *result = NIL;
	Relation	rel = relation_open(relid, AccessShareLock);
	TupleDesc	tupdesc = RelationGetDescr(rel);

	for (int i = SC_CITY_FIXED; i < tupdesc->natts; i++)
	{
		ScCityColumn *column = palloc(sizeof(ScCityColumn));

		column->name = pstrdup(NameStr(TupleDescAttr(tupdesc, i)->attname));
		column->type = TupleDescAttr(tupdesc, i)->atttypid;
		result = lappend(result, column);
	}
	relation_close(rel, NoLock);
	return result;
}

/* the row of a view in the registry; NULL without one */
static HeapTuple
view_row(ScInternalScan *scan, const char *name, Snapshot snapshot)
{
	ScanKeyData key;

	ScanKeyInit(&key, SC_CITY_ATTR_NAME, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(name));
	sc_internal_scan_begin(scan, "city_view", "city_view_pkey", snapshot, &key, 1);
	return sc_internal_scan_next(scan, ForwardScanDirection);
}

/* an optional text as a value */
static Datum
optional(const char *value, bool *isnull)
{
	*isnull = value == NULL;
	return value == NULL ? (Datum) 0 : CStringGetTextDatum(value);
}

/* writes what is known of the view into the registry */
static void
keep_view(const CityView *view)
{
	Relation	rel = sc_internal_open("city_view", ShareRowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Datum		values[SC_CITY_NATTS];
	bool		nulls[SC_CITY_NATTS] = {false};
	ScInternalScan scan;
	HeapTuple	old = view_row(&scan, view->name, snapshot);
	HeapTuple	tuple;

	values[SC_CITY_ATTR_NAME - 1] = CStringGetTextDatum(view->name);
	values[SC_CITY_ATTR_QUERY - 1] = CStringGetTextDatum(view->query);
	values[SC_CITY_ATTR_PROBLEM - 1] = optional(view->problem, &nulls[SC_CITY_ATTR_PROBLEM - 1]);
	values[SC_CITY_ATTR_CHANGED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	if (old != NULL)
		CatalogTupleUpdate(rel, &old->t_self, tuple);
	else
		CatalogTupleInsert(rel, tuple);
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/* makes the view what the tables are now; does nothing when it is */
static void
make_view(CityView *view)
{
	List	   *sources = sc_city_sources(view->name);
	Oid			relid = find_view(view);
	List	   *kept = OidIsValid(relid) ? view_columns(relid) : NIL;
	char	   *where = quote_qualified_identifier(SC_CITY_SCHEMA, view->name);
	bool		retyped;
	List	   *columns = sc_city_columns(sources, kept, &retyped);
	char	   *query = sc_city_query(sources, columns);

	if (OidIsValid(relid) && strcmp(query, view->query) == 0)
		return;
	if (retyped)
		run(psprintf("DROP VIEW %s", where));
	run(psprintf("CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS %s", where, query));
	run(psprintf("GRANT SELECT ON %s TO PUBLIC", where));
	run(psprintf("COMMENT ON VIEW %s IS %s", where,
				 quote_literal_cstr(psprintf("the tables \"%s\" of all agencies; kept by seoulchain.city_view()", view->name))));
	view->query = query;
}

/* the registry's views: List of CityView * */
static List *
list_views(void)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	sc_internal_scan_begin(&scan, "city_view", "city_view_pkey", snapshot, NULL, 0);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		CityView   *view = palloc0(sizeof(CityView));
		bool		isnull;
		Datum		problem = heap_getattr(tuple, SC_CITY_ATTR_PROBLEM, RelationGetDescr(scan.rel), &isnull);

		view->name = TextDatumGetCString(sc_internal_attr(tuple, SC_CITY_ATTR_NAME, scan.rel));
		view->query = TextDatumGetCString(sc_internal_attr(tuple, SC_CITY_ATTR_QUERY, scan.rel));
		view->problem = isnull ? NULL : TextDatumGetCString(problem);
		result = lappend(result, view);
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return result;
}

static void
make_view_step(void *arg)
{
	make_view(arg);
}

bool
sc_city_views_refresh(void)
{
	bool		left = false;
	ListCell   *lc;
	int			level;

	if (list_views() == NIL)
		return false;
	/* first, as city_view() does; who is at it brings the views up to date himself */
	if (!ConditionalLockRelationOid(sc_registry_relation("city_view"), ShareRowExclusiveLock))
		return true;
	level = NewGUCNestLevel();
	(void) set_config_option("lock_timeout", "500ms", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	foreach(lc, list_views())
	{
		CityView   *view = lfirst(lc);
		CityView	before = *view;

		view->problem = NULL;
		(void) sc_guard(make_view_step, view, &view->problem);
		if (strcmp(view->query, before.query) != 0 || (view->problem == NULL) != (before.problem == NULL) ||
			(view->problem != NULL && strcmp(view->problem, before.problem) != 0))
			keep_view(view);
		left |= view->problem != NULL;
	}
	AtEOXact_GUC(true, level);
	return left;
}

/* the view of a name as the registry has it, or a new one */
static CityView *
registered_view(const char *name)
{
	CityView   *view;
	ListCell   *lc;

	foreach(lc, list_views())
		if (strcmp(((CityView *) lfirst(lc))->name, name) == 0)
			return lfirst(lc);
	view = palloc0(sizeof(CityView));
	view->name = name;
	return view;
}

/*
 * seoulchain.city_view(name text) -> regclass
 *
 * Makes the view city.<name> over every ledger table here, own or copy, whose
 * ledger name ends in .<name>, or brings it up to date; from then on the
 * network worker keeps it so.  Privileges: seoulchain_operator.  Errors:
 * INVALID_NAME; UNDEFINED_TABLE when there is no such table;
 * DUPLICATE_TABLE, DUPLICATE_SCHEMA when the name is taken;
 * DEPENDENT_OBJECTS_STILL_EXIST when a column's type has to change.
 */
Datum
sc_city_view(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Relation	rel;
	CityView   *view;

	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is no name for a view", name),
				 errhint("Give the name that the agencies' tables have, without a schema.")));
	rel = sc_internal_open("city_view", ShareRowExclusiveLock);
	view = registered_view(name);
	if (view->query == NULL && sc_city_sources(name) == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("no ledger table here is named \"%s\"", name),
				 errhint("SELECT DISTINCT ledger_name FROM seoulchain.ledger lists the tables, copies among them.")));
	require_schema();
	make_view(view);
	view->problem = NULL;
	keep_view(view);
	table_close(rel, NoLock);
	PG_RETURN_OID(get_relname_relid(name, get_namespace_oid(SC_CITY_SCHEMA, false)));
}

/*
 * seoulchain.drop_city_view(name text) -> void
 *
 * Drops the view and keeps it no more.  Privileges: seoulchain_operator.
 * Errors: UNDEFINED_OBJECT; DEPENDENT_OBJECTS_STILL_EXIST.
 */
Datum
sc_drop_city_view(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Relation	rel = sc_internal_open("city_view", ShareRowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	row = view_row(&scan, name, snapshot);
	CityView   *view = registered_view(name);

	if (row == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no city view \"%s\"", name),
				 errhint("SELECT name FROM seoulchain.city_views lists them.")));
	if (OidIsValid(find_view(view)))
		run(psprintf("DROP VIEW %s", quote_qualified_identifier(SC_CITY_SCHEMA, name)));
	CatalogTupleDelete(rel, &row->t_self);
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}
