/*
 * row_types.c
 *	  The allowed types: a list of built-in ones, and what is made of them.
 *
 * Invariant: an allowed type's value has one text for ever.  The list says of
 * each built-in type how its text is made and whether GUCs shape it (then the
 * caller brings them to dump settings).  Enums, and arrays, domains, ranges
 * and multiranges of allowed types are allowed; base types that CREATE TYPE
 * made need a row in seoulchain.allowed_type and an immutable output function.
 *
 * Locks: AccessShareLock on seoulchain.allowed_type while it is read.
 * Context: a transaction; palloc in the current memory context.
 * Source: docs/ledger-types.md.
 * Does not: look at tables that have joined already.  A type taken out of
 * seoulchain.allowed_type stays readable where it is in use.
 */
#include "postgres.h"

#include "ledger/row_types.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_range.h"
#include "catalog/pg_type.h"
#include "ledger/row_internal.h"
#include "ledger/schema_event.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* attribute of seoulchain.allowed_type */
#define ALLOWED_TYPE_ATTR_TYPE 1

typedef struct KnownType
{
	Oid			typeid;
	ScValueKind kind;
	ScRowSettings settings;		/* what its output function depends on */
} KnownType;

/* the built-in types with one fixed text */
static const KnownType known_types[] = {
	{BOOLOID, SC_VALUE_BOOL, 0},
	{INT2OID, SC_VALUE_INT2, 0},
	{INT4OID, SC_VALUE_INT4, 0},
	{INT8OID, SC_VALUE_INT8, 0},
	{FLOAT4OID, SC_VALUE_FLOAT4, SC_SETTING_FLOAT_DIGITS},
	{FLOAT8OID, SC_VALUE_FLOAT8, SC_SETTING_FLOAT_DIGITS},
	{NUMERICOID, SC_VALUE_NUMERIC, 0},
	{TEXTOID, SC_VALUE_TEXT, 0},
	{VARCHAROID, SC_VALUE_TEXT, 0},
	{BPCHAROID, SC_VALUE_TEXT, 0},
	{NAMEOID, SC_VALUE_OUTPUT, 0},
	{BYTEAOID, SC_VALUE_BYTEA, SC_SETTING_BYTEA_OUTPUT},
	{UUIDOID, SC_VALUE_UUID, 0},
	{DATEOID, SC_VALUE_DATE, SC_SETTING_DATESTYLE},
	{TIMEOID, SC_VALUE_OUTPUT, 0},
	{TIMETZOID, SC_VALUE_OUTPUT, 0},
	{TIMESTAMPOID, SC_VALUE_TIMESTAMP, SC_SETTING_DATESTYLE},
	{TIMESTAMPTZOID, SC_VALUE_TIMESTAMPTZ, SC_SETTING_DATESTYLE | SC_SETTING_TIMEZONE},
	{INTERVALOID, SC_VALUE_OUTPUT, SC_SETTING_INTERVALSTYLE},
	{BITOID, SC_VALUE_OUTPUT, 0},
	{VARBITOID, SC_VALUE_OUTPUT, 0},
	{JSONOID, SC_VALUE_TEXT, 0},
	{JSONBOID, SC_VALUE_OUTPUT, 0},
	{INETOID, SC_VALUE_OUTPUT, 0},
	{CIDROID, SC_VALUE_OUTPUT, 0},
	{MACADDROID, SC_VALUE_OUTPUT, 0},
	{MACADDR8OID, SC_VALUE_OUTPUT, 0},
	{POINTOID, SC_VALUE_OUTPUT, SC_SETTING_FLOAT_DIGITS},
	{LSEGOID, SC_VALUE_OUTPUT, SC_SETTING_FLOAT_DIGITS},
	{LINEOID, SC_VALUE_OUTPUT, SC_SETTING_FLOAT_DIGITS},
	{BOXOID, SC_VALUE_OUTPUT, SC_SETTING_FLOAT_DIGITS},
	{PATHOID, SC_VALUE_OUTPUT, SC_SETTING_FLOAT_DIGITS},
	{POLYGONOID, SC_VALUE_OUTPUT, SC_SETTING_FLOAT_DIGITS},
	{CIRCLEOID, SC_VALUE_OUTPUT, SC_SETTING_FLOAT_DIGITS},
	{TSVECTOROID, SC_VALUE_OUTPUT, 0},
	{TSQUERYOID, SC_VALUE_OUTPUT, 0},
	{PG_LSNOID, SC_VALUE_OUTPUT, 0},
};

typedef struct RefusedType
{
	Oid			typeid;
	const char *reason;
	const char *hint;
} RefusedType;

#define OID_REASON "It names an object of this database by a number that other databases do not know."
#define OID_HINT "Store the object's name in a column of type text."
#define NUMBER_REASON "It means something only inside one database cluster."
#define NUMBER_HINT "Use bigint or text."

/* built-in types that people do try, and why they have no fixed text */
static const RefusedType refused_types[] = {
	{OIDOID, OID_REASON, "Use bigint, or store the object's name in a column of type text."},
	{REGPROCOID, OID_REASON, OID_HINT},
	{REGPROCEDUREOID, OID_REASON, OID_HINT},
	{REGOPEROID, OID_REASON, OID_HINT},
	{REGOPERATOROID, OID_REASON, OID_HINT},
	{REGCLASSOID, OID_REASON, OID_HINT},
	{REGCOLLATIONOID, OID_REASON, OID_HINT},
	{REGTYPEOID, OID_REASON, OID_HINT},
	{REGROLEOID, OID_REASON, OID_HINT},
	{REGNAMESPACEOID, OID_REASON, OID_HINT},
	{REGCONFIGOID, OID_REASON, OID_HINT},
	{REGDICTIONARYOID, OID_REASON, OID_HINT},
	{ACLITEMOID, "It names roles by numbers that other clusters do not know.", "Use text."},
	{XIDOID, NUMBER_REASON, NUMBER_HINT},
	{XID8OID, NUMBER_REASON, NUMBER_HINT},
	{CIDOID, NUMBER_REASON, NUMBER_HINT},
	{TIDOID, NUMBER_REASON, NUMBER_HINT},
	{CASHOID, "Its text depends on lc_monetary.", "Use numeric."},
	{CHAROID, "Its text for bytes above 127 is no UTF-8 and changed in PostgreSQL 16.", "Use text or char(1)."},
	{XMLOID, "Its text depends on how the server was built.", "Use text."},
	{JSONPATHOID, "Its text is not promised to stay the same in later releases.", "Use text."},
	{INT2VECTOROID, "It is a type of the system catalogues.", "Use smallint[]."},
	{OIDVECTOROID, "It is a type of the system catalogues.", "Use bigint[]."},
};

/* the first type met that is not allowed; typeid is InvalidOid when all are */
typedef struct Refusal
{
	Oid			typeid;
	const char *reason;
	const char *hint;
} Refusal;

#define ALLOWED ((Refusal) {InvalidOid, NULL, NULL})

/* the list's entry of a built-in type, or NULL */
static const KnownType *
known_type(Oid typeid)
{
	for (size_t i = 0; i < lengthof(known_types); i++)
	{
		if (known_types[i].typeid == typeid)
			return &known_types[i];
	}
	return NULL;
}

/* the element type of a true array, the subtype of a range or multirange, or InvalidOid */
static Oid
inner_type(Oid typeid, char typtype)
{
	switch (typtype)
	{
		case TYPTYPE_RANGE:
			return get_range_subtype(typeid);
		case TYPTYPE_MULTIRANGE:
			return get_multirange_range(typeid);
		case TYPTYPE_BASE:
			if (typeid == INT2VECTOROID || typeid == OIDVECTOROID)
				return InvalidOid;
			return get_element_type(typeid);
		default:
			return InvalidOid;
	}
}

/* is the type in seoulchain.allowed_type? */
static bool
is_reviewed(Oid typeid)
{
	Oid			relid = sc_registry_relation("allowed_type");
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	bool		found;

	if (!OidIsValid(relid))
		return false;
	rel = table_open(relid, AccessShareLock);
	ScanKeyInit(&key, ALLOWED_TYPE_ATTR_TYPE, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(typeid));
	scan = systable_beginscan(rel, sc_registry_relation("allowed_type_pkey"), true, NULL, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* a built-in base type that is not on the list */
static Refusal
refuse_builtin(Oid typeid)
{
	for (size_t i = 0; i < lengthof(refused_types); i++)
	{
		if (refused_types[i].typeid == typeid)
			return (Refusal) {typeid, refused_types[i].reason, refused_types[i].hint};
	}
	return (Refusal) {typeid, "It is not on the list of types with one fixed text.", "Use text."};
}

/* a base type that CREATE TYPE made */
static Refusal
judge_extension_type(Oid typeid)
{
	Oid			output;
	bool		varlena;

	if (!is_reviewed(typeid))
		return (Refusal) {
			typeid, "Nobody has reviewed yet that its text is fixed.",
			psprintf("Use text, or ask an operator to review the type: INSERT INTO seoulchain.allowed_type (type, reason) VALUES (%s, '...').",
					 quote_literal_cstr(format_type_be_qualified(typeid)))
		};
	getTypeOutputInfo(typeid, &output, &varlena);
	if (func_volatile(output) != PROVOLATILE_IMMUTABLE)
		return (Refusal) {typeid, "Its output function is not immutable.", "Use text."};
	return ALLOWED;
}

/* looks through arrays, domains and ranges for a type that is not allowed */
static Refusal
judge(Oid typeid)
{
	char		typtype = get_typtype(typeid);
	Oid			inner;

	check_stack_depth();
	switch (typtype)
	{
		case TYPTYPE_ENUM:
			return ALLOWED;
		case TYPTYPE_DOMAIN:
			return judge(getBaseType(typeid));
		case TYPTYPE_COMPOSITE:
			return (Refusal) {typeid, "Its text changes when attributes are added to it.", "Use a column for each of its attributes, or jsonb."};
		case TYPTYPE_PSEUDO:
			return (Refusal) {typeid, "It is a pseudo-type.", "Use text."};
		default:
			break;
	}
	if (known_type(typeid) != NULL)
		return ALLOWED;
	inner = inner_type(typeid, typtype);
	if (OidIsValid(inner))
		return judge(inner);
	if (typeid < FirstNormalObjectId)
		return refuse_builtin(typeid);
	return judge_extension_type(typeid);
}

bool
sc_type_is_allowed(Oid typeid)
{
	return !OidIsValid(judge(typeid).typeid);
}

void
sc_type_check(Oid typeid, int32 typmod, const char *column)
{
	Refusal		refusal = judge(typeid);

	if (!OidIsValid(refusal.typeid))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("column \"%s\" of type %s cannot stand in a ledger table",
					column, format_type_with_typemod(typeid, typmod)),
			 refusal.typeid == typeid ?
			 errdetail("%s", refusal.reason) :
			 errdetail("It is made of type %s. %s", format_type_be(refusal.typeid), refusal.reason),
			 errhint("%s", refusal.hint)));
}

Oid
sc_type_plain(Oid typeid)
{
	Oid			base = getBaseType(typeid);
	Oid			inner;

	check_stack_depth();
	if (base < FirstNormalObjectId)
		return base;
	inner = inner_type(base, get_typtype(base));
	inner = OidIsValid(inner) ? sc_type_plain(inner) : InvalidOid;
	switch (get_typtype(base))
	{
			/* ranges of the user's making have own rules, but those of times of day in a zone need the type */
		case TYPTYPE_RANGE:
			return inner == TIMESTAMPTZOID ? TSTZRANGEOID : InvalidOid;
		case TYPTYPE_MULTIRANGE:
			return inner == TSTZRANGEOID ? TSTZMULTIRANGEOID : InvalidOid;
		default:
			return OidIsValid(inner) ? get_array_type(inner) : InvalidOid;
	}
}

/* built-in types that are made of those above */
static const Oid made_types[] = {
	INT4RANGEOID, INT8RANGEOID, NUMRANGEOID, DATERANGEOID, TSRANGEOID, TSTZRANGEOID,
	INT4MULTIRANGEOID, INT8MULTIRANGEOID, NUMMULTIRANGEOID, DATEMULTIRANGEOID, TSMULTIRANGEOID, TSTZMULTIRANGEOID
};

/* the type, or its array type, if that is the name */
static Oid
type_if_named(Oid typeid, const char *name)
{
	Oid			array;

	if (strcmp(sc_event_type_name(typeid), name) == 0)
		return typeid;
	array = get_array_type(typeid);
	return OidIsValid(array) && strcmp(sc_event_type_name(array), name) == 0 ? array : InvalidOid;
}

Oid
sc_type_by_event_name(const char *name)
{
	Oid			found = InvalidOid;

	for (size_t i = 0; i < lengthof(known_types) && !OidIsValid(found); i++)
		found = type_if_named(known_types[i].typeid, name);
	for (size_t i = 0; i < lengthof(made_types) && !OidIsValid(found); i++)
		found = type_if_named(made_types[i], name);
	return found;
}

ScValueKind
sc_row_value_kind(Oid typeid, ScRowSettings *settings)
{
	const KnownType *known;
	char		typtype;
	Oid			inner;

	check_stack_depth();
	typeid = getBaseType(typeid);
	known = known_type(typeid);
	if (known != NULL)
	{
		*settings = known->settings;
		return known->kind;
	}
	typtype = get_typtype(typeid);
	inner = inner_type(typeid, typtype);
	if (OidIsValid(inner))
		(void) sc_row_value_kind(inner, settings);
	else
		*settings = typtype == TYPTYPE_ENUM ? 0 : SC_SETTING_ALL;	/* unknown: assume the worst */
	return SC_VALUE_OUTPUT;
}
