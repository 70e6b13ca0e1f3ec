/*
 * enum_use.c
 *	  Enum types of ledger columns, also inside arrays, domains, ranges and multiranges.
 *
 * Invariant: while an enum's value is being renamed, no table with a column
 * of that enum joins a chain, and the other way round.
 * Locks: ShareLock on the enum type when a column joins; the guard of RENAME
 * VALUE takes ExclusiveLock, as the command itself does.
 * Effects: locks only.
 */
#include "postgres.h"

#include "ledger/enum_use.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "ledger/registry.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* the type that a domain, array, range or multirange is made of, or InvalidOid */
static Oid
component_type(Oid typeid)
{
	switch (get_typtype(typeid))
	{
		case TYPTYPE_DOMAIN:
			return getBaseType(typeid);
		case TYPTYPE_RANGE:
			return get_range_subtype(typeid);
		case TYPTYPE_MULTIRANGE:
			return get_multirange_range(typeid);
		default:
			return get_element_type(typeid);
	}
}

/* the enum type at the bottom of a type, or InvalidOid */
static Oid
enum_within(Oid typeid)
{
	while (OidIsValid(typeid) && get_typtype(typeid) != TYPTYPE_ENUM)
		typeid = component_type(typeid);
	return typeid;
}

void
sc_enum_lock(Oid typeid)
{
	Oid			enumid = enum_within(typeid);

	if (OidIsValid(enumid))
		LockDatabaseObject(TypeRelationId, enumid, 0, ShareLock);
}

/* has the relation a column that holds values of the enum? */
static bool
relation_uses(Oid relid, Oid enumid)
{
	Relation	rel = try_table_open(relid, AccessShareLock);
	TupleDesc	desc;
	bool		uses = false;

	if (rel == NULL)
		return false;
	desc = RelationGetDescr(rel);
	for (int i = 0; i < desc->natts && !uses; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		uses = !att->attisdropped && enum_within(att->atttypid) == enumid;
	}
	table_close(rel, AccessShareLock);
	return uses;
}

Oid
sc_enum_user(Oid enumid)
{
	ListCell   *cell;

	foreach(cell, sc_ledger_list(-1))
	{
		ScLedgerTable *table = lfirst(cell);

		if (OidIsValid(table->relation) && relation_uses(table->relation, enumid))
			return table->relation;
	}
	return InvalidOid;
}
